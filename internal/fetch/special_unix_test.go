//go:build unix

package fetch_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
)

func mkfifo(t *testing.T, name string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(name); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(name, 0o666); err != nil {
		t.Fatal(err)
	}
}

// A FIFO that is opened in the ordinary way hangs these tests.
func TestFIFOsInTheModuleCacheAreReplaced(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 100)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	for _, ext := range []string{"mod", "info", "zip", "ziphash", "lock", "partial"} {
		mkfifo(t, b.File(f.Versions()[0], ext))
	}
	mkfifo(t, filepath.Join(b.ModCache, "cache", "modferry", "bad-layers"))
	fetchtest.WantOutcome(t, b.Run(s.URL), report.OK)
	if err := os.Remove(filepath.Join(b.ModCache, "cache", "modferry", "bad-layers")); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	b.Complete()
}

func TestFIFOsInAFileMirrorAreNoAnswers(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 100)
	healthy := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	for _, ext := range []string{"mod", "info", "zip"} {
		t.Run(ext, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			url := f.WriteProxy(t, dir)
			v := f.Versions()[0]
			mkfifo(t, filepath.Join(dir, filepath.FromSlash(v.Path), "@v", v.Version+"."+ext))

			b := fetchtest.New(t, f, mirrortest.Checkout{})
			r := b.Run(url + "|off")
			if ext == "info" {
				fetchtest.WantOutcome(t, r, report.OK)
			} else {
				fetchtest.WantOutcome(t, r, report.Incomplete)
			}
			if !fetchtest.Met(r, failure.WrongContent) && ext != "info" {
				t.Error("the FIFO is not in the result")
			}
			b = fetchtest.New(t, f, mirrortest.Checkout{})
			fetchtest.WantOutcome(t, b.Run(url+"|"+healthy.URL), report.OK)
			b.Complete()
		})
	}
}

func TestFilesThatTheJobNamesAreNotWaitedFor(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 100)
	fifo := filepath.Join(t.TempDir(), "fifo")
	mkfifo(t, fifo)
	for _, test := range []struct {
		name, file string
		set        func(b *fetchtest.Bench, file string)
		refused    bool
	}{
		{"NETRC", fifo, setenv("NETRC"), true},
		{"NETRC", "/dev/zero", setenv("NETRC"), true},
		{"NETRC", os.DevNull, setenv("NETRC"), false},
		{"SSL_CERT_FILE", fifo, setenv("SSL_CERT_FILE"), true},
		{"SSL_CERT_FILE", "/dev/zero", setenv("SSL_CERT_FILE"), true},
		{"SSL_CERT_FILE", os.DevNull, setenv("SSL_CERT_FILE"), false},
		{"--ca-file", fifo, func(b *fetchtest.Bench, file string) { b.Values.CAFile = file }, true},
	} {
		t.Run(test.name+" "+filepath.Base(test.file), func(t *testing.T) {
			t.Parallel()
			b := fetchtest.New(t, f, mirrortest.Checkout{})
			test.set(b, test.file)
			_, err := b.Open("off")
			if (err != nil) != test.refused {
				t.Fatalf("%v, want refused: %t", err, test.refused)
			}
			if err != nil && (!strings.Contains(err.Error(), test.file) || !strings.Contains(err.Error(), "not a regular file")) {
				t.Errorf("%v: want the file and what it is", err)
			}
		})
	}
}

func setenv(name string) func(*fetchtest.Bench, string) {
	return func(b *fetchtest.Bench, value string) {
		b.Options.Getenv = func(n string) string {
			if n == name {
				return value
			}
			return ""
		}
	}
}
