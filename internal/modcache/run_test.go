package modcache

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/failure"
)

func TestOpenRefusesWhatIsNoDirectory(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	mustWrite(t, file, nil)
	for _, tt := range []struct{ name, dir, says string }{
		{"a relative path", "mod", "expected an absolute path"},
		{"nothing", "", "expected an absolute path"},
		{"a file", file, "not a directory"},
		{"a directory below a file", filepath.Join(file, "mod"), "--modcache"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := Open(tt.dir)
			if failureClass(err) != failure.LocalIO || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("Open = %v; want %s and %q", err, failure.LocalIO, tt.says)
			}
		})
	}
}

func TestOpenSaysThatADirectoryIsNotWritable(t *testing.T) {
	t.Parallel()
	if os.Getuid() <= 0 {
		t.Skip("root may write everywhere, and Windows has no modes")
	}
	dir := modCacheDir(t)
	if err := os.Mkdir(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	_, err := Open(dir)
	if failureClass(err) != failure.Permission || !strings.Contains(err.Error(), "--modcache") {
		t.Errorf("Open = %v; want %s and advice", err, failure.Permission)
	}
	if _, err := OpenForReading(dir); err != nil {
		t.Errorf("OpenForReading = %v", err)
	}
}

func TestOpenForReadingWritesNothing(t *testing.T) {
	t.Parallel()
	dir := modCacheDir(t)
	c, err := OpenForReading(dir)
	if err != nil {
		t.Fatal(err)
	}
	f := fixtures(t)[0]
	if ok, err := c.HasZip(t.Context(), f.m, f.h1); ok || err != nil {
		t.Errorf("HasZip = %v, %v; want false", ok, err)
	}
	if _, err := c.Temp(); failureClass(err) != failure.Permission {
		t.Errorf("Temp = %v; want %s", err, failure.Permission)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if exists(dir) {
		t.Error("the module cache was created")
	}
}

func TestCloseRemovesTheTemporaryFilesOfTheRun(t *testing.T) {
	t.Parallel()
	dir := modCacheDir(t)
	c, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	f := temp(t, c, []byte("left open by nobody"))
	f.Close()
	for range 2 {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if left, err := os.ReadDir(filepath.Join(dir, "cache", "modferry")); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	if _, err := c.Temp(); err == nil {
		t.Error("Temp works after Close")
	}
}

func TestOpenRemovesTheRunsOfDeadProcessesOnly(t *testing.T) {
	t.Parallel()
	dir := modCacheDir(t)
	alive, dead := openAt(t, dir), openAt(t, dir)
	temp(t, alive, []byte("x")).Close()
	temp(t, dead, []byte("x")).Close()
	// With a read-only directory, as a tree has that is about to be placed.
	if err := os.MkdirAll(filepath.Join(dead.run.dir, "tree", "sub"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dead.run.dir, "tree"), 0o555); err != nil {
		t.Fatal(err)
	}
	if err := dead.run.lock.Unlock(); err != nil { // as the system does it after a kill
		t.Fatal(err)
	}
	openAt(t, dir)
	if exists(dead.run.dir) || exists(dead.run.lock.Path()) {
		t.Error("the dead run is still there")
	}
	if left, err := os.ReadDir(alive.run.dir); err != nil || len(left) != 1 {
		t.Errorf("the run that is alive has %v, %v; want one file", left, err)
	}
}

func TestALockFileThatWasRemovedCannotBeClaimed(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "run-1.lock")
	mustWrite(t, name, nil)
	lock, err := claim(name)
	if lock == nil || err != nil {
		t.Fatalf("claim = %v, %v", lock, err)
	}
	if other, err := claim(name); other != nil || err != nil {
		t.Errorf("claim of a claimed lock = %v, %v; want nil", other, err)
	}
	release(lock)
	if other, err := claim(name); other != nil || err != nil {
		t.Errorf("claim of a released lock = %v, %v; want nil", other, err)
	}
	if exists(name) {
		t.Error("release left the lock file")
	}
}

// Between opening a lock file and locking it, another run may have removed
// it, and a third may have made one of the same name.
func TestALockOfAnEarlierFileOfTheSameNameDoesNotCount(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows does not remove an open file")
	}
	name := filepath.Join(t.TempDir(), "run-1.lock")
	mustWrite(t, name, nil)
	lock, err := claim(name)
	if lock == nil || err != nil {
		t.Fatalf("claim = %v, %v", lock, err)
	}
	defer lock.Unlock()
	check := func(when string, want bool) {
		t.Helper()
		if got, err := locksNow(lock, name); got != want || err != nil {
			t.Errorf("%s: locksNow = %v, %v; want %v", when, got, err, want)
		}
	}
	check("claimed", true)
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	check("removed", false)
	mustWrite(t, name, nil)
	check("made anew", false)
}
