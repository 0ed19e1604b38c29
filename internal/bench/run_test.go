package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// helper is the variable that makes the test program behave as a measured
// command: it fetches a file of the mirror into its module cache, which must be
// empty, and writes its name down.
const helper = "BENCH_TEST_HELPER"

func TestMain(m *testing.M) {
	if diary := os.Getenv(helper); diary != "" {
		if err := help(diary, os.Args[1]); err != nil {
			os.Stderr.WriteString(err.Error())
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func help(diary, name string) error {
	if name == "timed" {
		_, err := os.Stdout.WriteString("a line\n1234.5\n")
		return err
	}
	modcache := os.Getenv("GOMODCACHE")
	if _, err := os.Stat(modcache); !errors.Is(err, os.ErrNotExist) {
		return errors.New("the module cache is there already")
	}
	response, err := http.Get(os.Getenv("GOPROXY") + "/example.test/x/@v/list")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	list, err := io.ReadAll(response.Body)
	if err != nil || string(list) != "v1.0.0\n" {
		return errors.Join(err, errors.New("the mirror sent "+string(list)))
	}
	// As the go command leaves it.
	if err := os.MkdirAll(filepath.Join(modcache, "tree"), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(modcache, "tree", "file"), list, 0o444); err != nil {
		return err
	}
	if err := os.Chmod(filepath.Join(modcache, "tree"), 0o555); err != nil {
		return err
	}
	f, err := os.OpenFile(diary, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(name + "\n")
	return err
}

// newRunner returns a runner at the loopback site with a mirror of one file.
func newRunner(t *testing.T, scheme string) *runner {
	t.Helper()
	served := t.TempDir()
	versions := filepath.Join(served, "example.test", "x", "@v")
	if err := os.MkdirAll(versions, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(versions, "list"), []byte("v1.0.0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	at, err := newLoopback(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(at.close)
	from, err := serveMirror(at, served, scheme, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := from.close(); err != nil {
			t.Error(err)
		}
	})
	return &runner{
		at: at, from: from, tmp: t.TempDir(), log: io.Discard,
		checkout: &checkout{dir: t.TempDir(), goMod: []byte("module example.test/x\n")},
	}
}

func TestSidesTakeTurnsWithAnEmptyModuleCacheEach(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			if scheme == "https" && runtime.GOOS != "linux" {
				t.Skip("programs here trust the system's authorities only, not SSL_CERT_FILE")
			}
			r := newRunner(t, scheme)
			diary := filepath.Join(t.TempDir(), "diary")
			run := func(name string) side {
				return side{name: name, steps: []step{{args: []string{os.Args[0], name}, env: []string{helper + "=" + diary}}}}
			}
			samples, err := r.alternate(t.Context(), 2, []side{run("one"), run("two")})
			if err != nil {
				t.Fatal(err)
			}
			wrote, err := os.ReadFile(diary)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff("one\ntwo\none\ntwo\n", string(wrote)); diff != "" {
				t.Errorf("order: %s", diff)
			}
			for _, name := range []string{"one", "two"} {
				if len(samples[name]) != 2 || samples[name][0].elapsed <= 0 || samples[name][1].elapsed <= 0 {
					t.Errorf("%s: got samples %v, want two with a time", name, samples[name])
				}
			}
			if left, err := os.ReadDir(r.tmp); err != nil || len(left) > 0 {
				t.Errorf("left %v behind (%v)", left, err)
			}
		})
	}
}

func TestAFailingCommandEndsTheMeasurementWithItsOutput(t *testing.T) {
	t.Parallel()
	r := newRunner(t, "http")
	again := step{args: []string{os.Args[0], "again"}, env: []string{helper + "=" + filepath.Join(t.TempDir(), "diary")}}
	_, err := r.alternate(t.Context(), 1, []side{{name: "twice", before: []step{again}, steps: []step{again}}})
	if err == nil || !strings.Contains(err.Error(), "the module cache is there already") {
		t.Errorf("got error %v, want the command's own text", err)
	}
}

func TestACommandThatTimesItselfCountsAsItSays(t *testing.T) {
	t.Parallel()
	r := newRunner(t, "http")
	env := []string{helper + "=" + filepath.Join(t.TempDir(), "diary")}
	got, err := r.run(t.Context(), side{steps: []step{{args: []string{os.Args[0], "timed"}, env: env, timesItself: true}}})
	if err != nil {
		t.Fatal(err)
	}
	if want := 1234500 * time.Microsecond; got.elapsed != want {
		t.Errorf("got %v, want %v", got.elapsed, want)
	}
	_, err = r.run(t.Context(), side{steps: []step{{args: []string{os.Args[0], "silent"}, env: env, timesItself: true}}})
	if want := `found "" on the last line, expected milliseconds`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got error %v, want %s", err, want)
	}
}

func TestACheckThatRefusesEndsTheMeasurement(t *testing.T) {
	t.Parallel()
	r := newRunner(t, "http")
	in := t.TempDir()
	ready := false
	_, err := r.run(t.Context(), side{
		in:    in,
		ready: func() error { ready = true; return nil },
		steps: []step{{args: []string{os.Args[0], "one"}, env: []string{helper + "={tmp}/diary"}}},
		check: func(tmp string, _ *sample) error {
			if _, err := os.Stat(filepath.Join(tmp, "diary")); err != nil || tmp != in || !ready {
				return fmt.Errorf("the step ran elsewhere than in %s or too early: %w", tmp, err)
			}
			return errors.New("wrong result")
		},
	})
	if err == nil || err.Error() != "wrong result" {
		t.Errorf("got error %v, want the check's own", err)
	}
	if _, err := os.Stat(filepath.Join(in, "mod")); err != nil {
		t.Errorf("the directory of an earlier run did not stay: %v", err)
	}
}

func TestTheMirrorSaysThatItServesTheChecksumDatabase(t *testing.T) {
	t.Parallel()
	r := newRunner(t, "http")
	for path, want := range map[string]int{
		"/sumdb/db.test/supported": http.StatusOK,
		"/sumdb/db.test/latest":    http.StatusNotFound,
		"/example.test/y/@v/list":  http.StatusNotFound,
	} {
		response, err := http.Get(r.from.url + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s: got status %d, want %d", path, response.StatusCode, want)
		}
	}
}
