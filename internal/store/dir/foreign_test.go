package dir

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/store"
)

// everything does all that a store does to its directory.
func everything(t *testing.T, s *Store) {
	t.Helper()
	create(t, s, "a", "b", "c")
	mustHold(t, s, "a")
	ctx := context.Background()
	errs := []error{s.Delete(ctx, store.Entry{Name: "b"}), s.Delete(ctx, store.Entry{Name: "file"}), s.Delete(ctx, store.Entry{Name: "dir"})}
	_, err := s.Prune(ctx, Limits{Bytes: 1, Age: time.Nanosecond})
	if err := errors.Join(append(errs, err)...); err != nil {
		t.Error(err)
	}
	open(t, s.path)
}

func TestForeignFilesStayUntouched(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	foreign := map[string]string{
		"notes.txt":               "mine",
		"v2/x.entry/data":         "mine",
		"v1/notes.txt":            "mine",
		"v1/file.entry":           "a file with the name of an entry",
		"v1/dir.entry/notes.txt":  "a directory with the name of an entry",
		"v1/.hidden.entry/data":   "no name of an entry",
		"v1/.tmp-1":               "no lock",
		"v1/.tmp-2/data":          "no lock file",
		"v1/.tmp-3.lockx":         "mine",
		"v1/subdirectory/a/b/c.d": "mine",
	}
	for name, text := range foreign {
		mustWrite(t, filepath.Join(path, filepath.FromSlash(name)), text)
	}
	before := snapshot(t, path)
	everything(t, open(t, path))
	if after := snapshot(t, path); after != before {
		t.Errorf("found\n%s\nexpected what was there before\n%s", after, before)
	}
}

func TestAForeignFileInAnEntryOutlivesIt(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	create(t, s, "a")
	notes := filepath.Join(s.place("a"), "notes.txt")
	mustWrite(t, notes, "mine")
	if err := s.Delete(t.Context(), store.Entry{Name: "a"}); err != nil {
		t.Error(err)
	}
	mustMiss(t, s, "a")
	if text, err := os.ReadFile(notes); string(text) != "mine" {
		t.Error(text, err)
	}
	mustBeTidy(t, s)
}

func TestWhatIsInTheWayIsNamedAndStays(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, path string }{
		{"a file", "a.entry"},
		{"a directory with other things", "a.entry/notes.txt"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, t.TempDir())
			name := filepath.Join(s.dir, filepath.FromSlash(tt.path))
			mustWrite(t, name, "mine")
			mustMiss(t, s, "a")
			err := s.Create(t.Context(), "a", writing("a"))
			if classOf(err) != failure.LocalIO || !strings.Contains(err.Error(), "a.entry is in the way and not of the store; move it elsewhere") {
				t.Errorf("Create = %v", err)
			}
			if text, err := os.ReadFile(name); string(text) != "mine" {
				t.Error(text, err)
			}
			mustBeTidy(t, s)
		})
	}
}

func TestALinkIsNoEntry(t *testing.T) {
	t.Parallel()
	s, elsewhere := open(t, t.TempDir()), open(t, t.TempDir())
	create(t, elsewhere, "a")
	create(t, s, "b")
	if err := os.Symlink(elsewhere.place("a"), s.place("a")); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	if err := os.Remove(filepath.Join(s.place("b"), dataName)); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(elsewhere.place("a"), dataName), filepath.Join(s.place("b"), dataName)); err != nil {
		t.Fatal(err)
	}
	mustMiss(t, s, "a")
	mustMiss(t, s, "b")
	mustList(t, s)
	if err := s.Delete(t.Context(), store.Entry{Name: "a"}); err != nil {
		t.Error(err)
	}
	if _, err := s.Prune(t.Context(), Limits{Bytes: 1}); err != nil {
		t.Error(err)
	}
	mustHold(t, elsewhere, "a")
}

// What a loss of power, a copy that was cut, or a curious person can leave.
func TestAnIncompleteEntryIsNoneAndGivesWay(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		harm func(dir string) error
	}{
		{"shorter data", func(dir string) error { return os.Truncate(filepath.Join(dir, dataName), 7) }},
		{"longer data", func(dir string) error { return os.Truncate(filepath.Join(dir, dataName), 1<<20) }},
		{"no data", func(dir string) error { return os.Remove(filepath.Join(dir, dataName)) }},
		{"no about.json", func(dir string) error { return os.Remove(filepath.Join(dir, aboutName)) }},
		{"an empty about.json", func(dir string) error { return os.Truncate(filepath.Join(dir, aboutName), 0) }},
		{"a cut about.json", func(dir string) error { return os.Truncate(filepath.Join(dir, aboutName), 20) }},
		{"a huge about.json", func(dir string) error { return os.Truncate(filepath.Join(dir, aboutName), maxAbout+1) }},
		{"an about.json of another time", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, aboutName), []byte(`{"schema":"modferry.entry/9"}`), 0o666)
		}},
		{"a directory as data", func(dir string) error {
			return errors.Join(os.Remove(filepath.Join(dir, dataName)), os.Mkdir(filepath.Join(dir, dataName), 0o777))
		}},
		{"nothing at all", func(dir string) error { return errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o777)) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, t.TempDir())
			create(t, s, "a")
			e, err := s.Find(t.Context(), "a")
			if err != nil {
				t.Fatal(err)
			}
			harm := func() {
				t.Helper()
				if err := tt.harm(s.place("a")); err != nil {
					t.Fatal(err)
				}
				mustMiss(t, s, "a")
				mustList(t, s)
				if r, err := s.Open(t.Context(), e); err == nil {
					t.Error("Open opens it")
					r.Close()
				} else if !errors.Is(err, store.ErrNotFound) && classOf(err) != failure.CutBody {
					t.Errorf("Open = %v; want store.ErrNotFound or class %s", err, failure.CutBody)
				}
			}
			harm()
			create(t, s, "a")
			mustHold(t, s, "a")
			mustBeTidy(t, s)

			harm()
			if removed, err := s.Prune(t.Context(), Limits{}); err != nil || len(removed) > 0 {
				t.Errorf("Prune = %v, %v", removed, err)
			}
			if left, err := os.ReadDir(s.dir); err != nil || len(left) > 0 {
				t.Errorf("Prune left %v, %v", left, err)
			}
		})
	}
}

func TestAFileThatChangesWhileItIsReadIsAnError(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		size int64
	}{{"cut", 10}, {"extended", 1 << 20}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, t.TempDir())
			create(t, s, "a")
			e, err := s.Find(t.Context(), "a")
			if err != nil {
				t.Fatal(err)
			}
			r, err := s.Open(t.Context(), e)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if err := os.Truncate(filepath.Join(s.place("a"), dataName), tt.size); err != nil {
				t.Fatal(err)
			}
			if n, err := io.Copy(io.Discard, r); classOf(err) != failure.CutBody || !strings.Contains(err.Error(), "the file was changed") {
				t.Errorf("%d bytes, %v; want class %s", n, err, failure.CutBody)
			}
		})
	}
}

func FuzzAbout(f *testing.F) {
	f.Add([]byte(`{"schema":"modferry.entry/1","created":"2026-01-01T00:00:00Z","size":123}`))
	f.Add([]byte(`{"schema":"modferry.entry/1","created":"2026-01-01T00:00:00Z","size":-1}`))
	f.Add([]byte(`{"schema":"modferry.entry/1","size":1e3}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		a, err := parseAbout(text)
		switch {
		case err != nil && !errors.Is(err, errBroken):
			t.Errorf("parseAbout(%q) = %v; want errBroken", text, err)
		case err == nil && (a.Size < 0 || a.Schema != schema):
			t.Errorf("parseAbout(%q) = %+v", text, a)
		}
	})
}
