package dir

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/store"
)

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

func TestOpenAndPruneRemoveTheTemporariesOfDeadWritersOnly(t *testing.T) {
	t.Parallel()
	for name, tidy := range map[string]func(s *Store) error{
		"Open":  func(s *Store) error { _, err := Open(s.path); return err },
		"Prune": func(s *Store) error { _, err := s.Prune(t.Context(), Limits{}); return err },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, t.TempDir())
			dead, err := s.newTemp()
			if err != nil {
				t.Fatal(err)
			}
			mustWrite(t, filepath.Join(dead.dir, dataName), "half an entry")
			if err := dead.lock.Unlock(); err != nil { // as the system does it after a kill
				t.Fatal(err)
			}
			mustWrite(t, filepath.Join(s.dir, ".tmp-1.lock"), "killed before there was more")
			err = s.Create(t.Context(), "alive", func(w io.Writer) error {
				if _, err := w.Write(content("alive")); err != nil {
					return err
				}
				if err := tidy(s); err != nil {
					t.Error(err)
				}
				temps, err := filepath.Glob(filepath.Join(s.dir, tempPrefix+"*"))
				if err != nil || len(temps) != 2 {
					t.Errorf("found %q, %v; want that of the living writer", temps, err)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			mustHold(t, s, "alive")
			mustBeTidy(t, s)
		})
	}
}

func TestALockFileThatWasRemovedCannotBeClaimed(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	a, err := s.newTemp()
	if err != nil {
		t.Fatal(err)
	}
	if b, err := claim(a.dir + lockSuffix); b != nil || err != nil {
		t.Errorf("claimed twice: %v, %v", b, err)
	}
	if err := a.end(s.step); err != nil {
		t.Error(err)
	}
	if b, err := claim(a.dir + lockSuffix); b != nil || err != nil {
		t.Errorf("claimed what is gone: %v, %v", b, err)
	}
}

// Where locks do not work only old age tells that a writer is dead.
func TestATemporaryIsOldWhenNothingOfItIsYoung(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	now := time.Now()
	s.now = func() time.Time { return now }
	temp, err := s.newTemp()
	if err != nil {
		t.Fatal(err)
	}
	defer temp.end(s.step)
	lock, data := temp.dir+lockSuffix, filepath.Join(temp.dir, dataName)
	mustWrite(t, data, "x")
	young, old := now.Add(-maxTemp+time.Hour), now.Add(-maxTemp-time.Hour)
	for _, tt := range []struct {
		name            string
		lock, dir, data time.Time
		want            bool
	}{
		{"everything", old, old, old, true},
		{"not the lock", young, old, old, false},
		{"not the directory", old, young, old, false},
		{"not the data", old, old, young, false},
	} {
		err := errors.Join(os.Chtimes(lock, tt.lock, tt.lock), os.Chtimes(data, tt.data, tt.data), os.Chtimes(temp.dir, tt.dir, tt.dir))
		if err != nil {
			t.Fatal(err)
		}
		if got := s.old(lock); got != tt.want {
			t.Errorf("%s is old: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestAWriterThatLosesItsTemporaryGetsAnError(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows does not remove an open file")
	}
	s := open(t, t.TempDir())
	err := s.Create(t.Context(), "a", func(w io.Writer) error {
		if _, err := w.Write(content("a")); err != nil {
			return err
		}
		temps, err := filepath.Glob(filepath.Join(s.dir, tempPrefix+"*"))
		for _, name := range temps {
			err = errors.Join(err, os.RemoveAll(name))
		}
		return err
	})
	if classOf(err) != failure.LocalIO {
		t.Errorf("Create = %v; want class %s", err, failure.LocalIO)
	}
	mustMiss(t, s, "a")
	mustBeTidy(t, s)
}

func TestAnErrorThatWriteIgnoresStillCounts(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	err := s.Create(t.Context(), "a", func(w io.Writer) error {
		if _, err := w.Write([]byte("kept")); err != nil {
			return err
		}
		inner := w.(*writer)
		file := inner.file
		broken, err := os.Open(file.Name()) // which takes no writes
		if err != nil {
			return err
		}
		defer broken.Close()
		inner.file = broken
		w.Write([]byte("lost"))
		inner.file = file
		w.Write([]byte("too late"))
		return nil
	})
	if classOf(err) == "" {
		t.Errorf("Create = %v; want the error of Write", err)
	}
	mustMiss(t, s, "a")
	mustBeTidy(t, s)
}

// at calls f before the n-th change.
func at(n int, f func()) func() {
	var mu sync.Mutex
	return func() {
		mu.Lock()
		n--
		now := n == 0
		mu.Unlock()
		if now {
			f()
		}
	}
}

// NFS may carry out a rename, lose the answer, ask again and report that there
// is nothing to rename.
func TestARenameThatOnlySeemsToFailSucceeded(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	create(t, s, "x")
	temp := filepath.Join(s.dir, "ours")
	if err := os.Rename(s.place("x"), temp); err != nil {
		t.Fatal(err)
	}
	s.step = at(1, func() {
		if err := os.Rename(temp, s.place("a")); err != nil {
			t.Error(err)
		}
	})
	if err := s.publish(temp, "a"); err != nil {
		t.Errorf("publish = %v", err)
	}
	if exists(temp) || !exists(s.place("a")) {
		t.Error("the entry is not in its place")
	}
}

func TestACompleteEntryIsNotTakenForTheBrokenOneBeforeIt(t *testing.T) {
	t.Parallel()
	// The entry of another writer comes before any of the changes with which
	// the broken one is removed.
	for n := 1; n <= 8; n++ {
		s := open(t, t.TempDir())
		other := open(t, s.path)
		if err := os.Mkdir(s.place("a"), 0o777); err != nil {
			t.Fatal(err)
		}
		s.step = at(n, func() {
			if err := other.Create(t.Context(), "a", writing("theirs")); err != nil && !errors.Is(err, store.ErrExists) {
				t.Error(err)
			}
		})
		if err := s.removeBroken("a"); err != nil {
			t.Errorf("before change %d: %v", n, err)
		}
		if e, err := s.Find(t.Context(), "a"); err == nil {
			if seed := read(t, s, e); seed != "theirs" {
				t.Errorf("before change %d: found %q", n, seed)
			}
		} else if n <= 3 { // lock file, lock, rename
			t.Errorf("before change %d: %v", n, err)
		}
		mustBeTidy(t, s)
	}
}

func TestWhoComesSecondAtAnyInstantGetsErrExists(t *testing.T) {
	t.Parallel()
	for n := 1; ; n++ {
		s := open(t, t.TempDir())
		other := open(t, s.path)
		came := false
		s.step = at(n, func() {
			came = true
			if err := other.Create(t.Context(), "a", writing("theirs")); err != nil && !errors.Is(err, store.ErrExists) {
				t.Error(err)
			}
		})
		err := s.Create(t.Context(), "a", writing("ours"))
		e, ferr := s.Find(t.Context(), "a")
		if ferr != nil {
			t.Fatalf("before change %d: %v", n, ferr)
		}
		seed := read(t, s, e)
		if !(err == nil && seed == "ours") && !(errors.Is(err, store.ErrExists) && seed == "theirs") {
			t.Errorf("before change %d: Create = %v, and the entry is %s", n, err, seed)
		}
		mustBeTidy(t, s)
		if !came {
			if n < 7 {
				t.Errorf("only %d changes", n-1)
			}
			return
		}
	}
}
