package dir

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/store"
)

func TestOpenMakesADirectoryThatSaysWhatItIs(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a", "b")
	s := open(t, path)
	for name, says := range map[string]string{
		"CACHEDIR.TAG": "Signature: 8a477f597d28d172789f06886806bc55\n",
		"README.md":    "safe to delete",
		".gitignore":   "*\n",
	} {
		if text, err := os.ReadFile(filepath.Join(path, name)); err != nil || !strings.Contains(string(text), says) {
			t.Errorf("%s: %q, %v; want %q", name, text, err, says)
		}
	}
	create(t, s, "a")
	before := snapshot(t, path)
	open(t, path)
	if after := snapshot(t, path); after != before {
		t.Errorf("a second Open changed\n%s\ninto\n%s", before, after)
	}
}

func TestOpenPutsNoLabelsAmongForeignFiles(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	mustWrite(t, filepath.Join(path, "thesis.tex"), "mine")
	open(t, path)
	found, err := os.ReadDir(path)
	if err != nil || len(found) != 2 { // thesis.tex, v1
		t.Errorf("found %v, %v", found, err)
	}
}

func TestOpenSaysWhyADirectoryCannotBeUsed(t *testing.T) {
	t.Parallel()
	place := t.TempDir()
	file := filepath.Join(place, "file")
	mustWrite(t, file, "")
	mustWrite(t, filepath.Join(place, "taken", "v1"), "")
	for _, tt := range []struct{ name, path, says string }{
		{"no path", "", "found no path"},
		{"a file", file, "not a directory"},
		{"a directory below a file", filepath.Join(file, "cache"), "not a directory"},
		{"a file where the entries belong", filepath.Join(place, "taken"), "not a directory"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := Open(tt.path)
			if !errors.Is(err, store.ErrUnavailable) || classOf(err) != failure.LocalIO {
				t.Fatalf("Open = %v; want store.ErrUnavailable of class %s", err, failure.LocalIO)
			}
			for _, part := range []string{"open cache", tt.says, "choose another directory with --cache dir:PATH"} {
				if runtime.GOOS != "windows" && strings.Count(err.Error(), part) != 1 {
					t.Errorf("Open = %v; want %q once", err, part)
				}
			}
		})
	}
}

func TestADirectoryThatMayNotBeWrittenCanBeRead(t *testing.T) {
	t.Parallel()
	if os.Getuid() <= 0 {
		t.Skip("root may write everywhere, and Windows has no modes")
	}
	path := filepath.Join(t.TempDir(), "cache")
	create(t, open(t, path), "a", "b")
	for _, name := range []string{"v1", "."} {
		name = filepath.Join(path, name)
		if err := os.Chmod(name, 0o555); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Chmod(name, 0o755) })
	}
	mustBeReadOnly(t, open(t, path))

	_, err := Open(filepath.Join(path, "more"))
	if !errors.Is(err, store.ErrUnavailable) || classOf(err) != failure.Permission || !strings.Contains(err.Error(), "make it writable for this user") {
		t.Errorf("Open = %v; want store.ErrUnavailable of class %s", err, failure.Permission)
	}
}

// mustBeReadOnly checks a store with the entries a and b.
func mustBeReadOnly(t *testing.T, s *Store) {
	t.Helper()
	mustHold(t, s, "a")
	mustList(t, s, "b", "a")
	for what, err := range map[string]error{
		"Create": s.Create(t.Context(), "c", writing("c")),
		"Delete": s.Delete(t.Context(), store.Entry{Name: "a"}),
	} {
		if !errors.Is(err, store.ErrDenied) || classOf(err) != failure.Permission {
			t.Errorf("%s = %v; want store.ErrDenied of class %s", what, err, failure.Permission)
		}
	}
	removed, err := s.Prune(t.Context(), Limits{Bytes: 1})
	if len(removed) > 0 || !errors.Is(err, store.ErrDenied) {
		t.Errorf("Prune = %v, %v; want store.ErrDenied", removed, err)
	}
	mustList(t, s, "b", "a")
}

func TestWhatMayNotBeReadIsAnErrorAndNoMiss(t *testing.T) {
	t.Parallel()
	if os.Getuid() <= 0 {
		t.Skip("root may read everything, and Windows has no modes")
	}
	s := open(t, t.TempDir())
	create(t, s, "p-1", "p-2")
	if err := os.Chmod(s.place("p-2"), 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(s.place("p-2"), 0o755) })
	if _, err := s.Find(t.Context(), "p-2"); classOf(err) != failure.Permission {
		t.Errorf("Find = %v; want class %s", err, failure.Permission)
	}
	if e, err := s.Find(t.Context(), "p-2", "p-"); err != nil || e.Name != "p-1" {
		t.Errorf("Find = %v, %v; want the one that can be read", e, err)
	}
	if err := s.Create(t.Context(), "p-2", writing("x")); classOf(err) != failure.Permission {
		t.Errorf("Create = %v; want class %s", err, failure.Permission)
	}
	mustList(t, s, "p-1")
}
