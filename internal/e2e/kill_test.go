package e2e

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// killModules is the number of modules that a run to be killed fetches.
const killModules = 24

// TestAKillAtAnyInstantLeavesACacheThatTheGoCommandAccepts ends runs with
// SIGKILL. An instant is "when the n-th request arrives, and a little later":
// that spreads the kills over the run whatever the machine's speed, the little
// later over what happens between two requests and after the last one. Two
// runs of three extract, so that trees are caught half-made too.
func TestAKillAtAnyInstantLeavesACacheThatTheGoCommandAccepts(t *testing.T) {
	const instants, lanes = 100, 4
	mods := make([]mirrortest.Module, killModules)
	for i := range mods {
		mods[i] = mirrortest.Module{
			Path: fmt.Sprintf("example.test/m%03d", i), Version: "v1.0.0",
			Size:  1 << (8 + i%12), // 256 bytes to 512 KiB
			Files: map[string]string{},
		}
		for j := range i % 6 {
			mods[i].Files[fmt.Sprintf("p%02d/p.go", j)] = fmt.Sprintf("package p\n\nconst N = %d\n", j)
		}
	}
	f := mirrortest.Build(t, mods...)
	// Each lane has its own random sequence, so failures repeat.
	for lane := range lanes {
		t.Run(fmt.Sprintf("lane %d", lane), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(2026, uint64(lane)))
			dir := t.TempDir()
			f.WriteCheckout(t, dir, mirrortest.Checkout{})
			struck := 0
			for i := range instants / lanes {
				extract := []string{"none", "needed", "all"}[i%3]
				if killOnce(t, f, dir, 1+random.IntN(3*killModules), time.Duration(random.IntN(15_000))*time.Microsecond, extract) {
					struck++
				}
			}
			// A kill that comes too late proves nothing; most must strike.
			if struck < instants/lanes/2 {
				t.Errorf("only %d of %d kills struck a run", struck, instants/lanes)
			}
		})
	}
}

// killOnce kills a fetch into an empty module cache, lets the go command judge
// what is left, and completes it. It reports whether the kill came before the
// run's end.
func killOnce(t *testing.T, f *mirrortest.Fixtures, dir string, n int, later time.Duration, extract string) (struck bool) {
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	defer s.Close()
	at := newPlace(t, s)
	defer at.sumdb.Close()
	at.dir = dir

	cmd := at.command(t, "fetch", "-C", dir, "--modcache", at.modcache, "--proxy", at.proxy, "--extract", extract, "--no-probe")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var err error
	select {
	case <-s.Arrived("", n):
		select {
		case <-time.After(later):
			cmd.Process.Kill()
			err = <-ended
		case err = <-ended:
		}
	case err = <-ended:
	}
	struck = err != nil
	if struck && cmd.ProcessState.Exited() {
		t.Fatalf("the run failed by itself: %v\n%s", err, tail(said.Bytes()))
	}
	instant := fmt.Sprintf("killed %v after request %d, extract %s", later, n, extract)

	judge(t, at, s, instant)

	at.fetch(t, 0, "--extract", extract, "--no-probe")
	if out := at.goOffline(t, "mod", "verify"); !strings.Contains(out, "all modules verified") {
		t.Fatalf("%s: after the next run go mod verify says\n%s", instant, out)
	}
	at.goOffline(t, "list", "-deps", "./...")
	for _, pattern := range []string{"cache/modferry/run-*", "cache/download/example.test/*/@v/*.tmp*"} {
		if left := glob(t, at.modcache, pattern); len(left) > 0 {
			t.Errorf("%s: the next run leaves %v", instant, left)
		}
	}
	return struck
}

// judge lets the go command work on a copy of the module cache that a killed
// run left: it must take everything that is there for good, and need only what
// is not.
func judge(t *testing.T, killed *place, s *mirrortest.Server, instant string) {
	t.Helper()
	at := *killed
	at.modcache = filepath.Join(memory(t), "copy")
	if err := os.CopyFS(at.modcache, os.DirFS(killed.modcache)); err != nil {
		t.Fatal(err)
	}
	goCommand := func(args ...string) (string, error) {
		out, err := at.goProcess(t, []string{"GOPROXY=" + at.proxy}, args...).CombinedOutput()
		return string(out), err
	}

	// It looks at every zip and every tree.
	if out, err := goCommand("mod", "verify"); err != nil {
		t.Fatalf("%s: go mod verify: %v\n%s", instant, err, out)
	}

	present := len(glob(t, at.modcache, "cache/download/example.test/*/@v/*.zip"))
	s.Forget()
	if out, err := goCommand("mod", "download"); err != nil {
		t.Fatalf("%s: go mod download: %v\n%s", instant, err, out)
	}
	got := 0 // requests; those of the killed run may arrive late
	for _, r := range s.Matching("*.zip") {
		if fromGo(r) {
			got++
		}
	}
	if got != killModules-present {
		t.Errorf("%s: with %d of %d zips there the go command asked for %d", instant, present, killModules, got)
	}
}

// glob lists the files below dir that match.
func glob(t *testing.T, dir, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, filepath.FromSlash(pattern)))
	if err != nil {
		t.Fatal(err)
	}
	return names
}
