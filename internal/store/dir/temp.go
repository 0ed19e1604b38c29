package dir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/modferry/modferry/internal/diskfile"
)

const (
	tempPrefix = ".tmp-" // no entry's name begins with a dot
	lockSuffix = ".lock"
	// maxTemp is how long a temporary is left alone where locks do not work.
	maxTemp = 24 * time.Hour
)

// A temp is a name for a directory beside the entries that is ours as long as
// its lock is held. The system gives up the lock of a process that was killed.
type temp struct {
	dir  string
	lock *flock.Flock // of dir + lockSuffix; nil where locks do not work
}

// newTemp claims a name. There is no directory of that name yet.
func (s *Store) newTemp() (*temp, error) {
	for {
		s.step()
		f, err := os.CreateTemp(s.dir, tempPrefix+"*"+lockSuffix)
		if err != nil {
			return nil, err
		}
		// The process id is for people; writing it shows a full disk at once.
		_, err = fmt.Fprintf(f, "process %d\n", os.Getpid())
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			os.Remove(f.Name())
			return nil, err
		}
		s.share(f.Name())
		s.step()
		t, err := claim(f.Name())
		switch {
		case err != nil: // no locks here: old age tells the dead from the living
			return &temp{dir: strings.TrimSuffix(f.Name(), lockSuffix)}, nil
		case t != nil:
			return t, nil
		}
		// Somebody took us for dead before we had the lock: once more.
	}
}

// claim takes the lock of a temp. The temp is nil when somebody else has it,
// or when the file was removed before we got it: then the name may belong to
// another already. An error means that the file system has no locks, or that
// the file is another user's.
func claim(name string) (*temp, error) {
	lock := flock.New(name, flock.SetFlag(os.O_RDWR))
	switch ok, err := lock.TryLock(); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		lock.Close()
		return nil, err
	case !ok:
		lock.Close()
		return nil, nil
	}
	ours, err := lock.Stat()
	if err == nil {
		var there fs.FileInfo
		if there, err = os.Stat(name); err == nil && os.SameFile(ours, there) {
			return &temp{strings.TrimSuffix(name, lockSuffix), lock}, nil
		}
	}
	lock.Close()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return nil, nil
}

// end removes the directory, if there is one, and gives up the name. What
// cannot be removed now keeps its lock file, for a later sweep.
func (t *temp) end(step func()) error {
	err := discard(t.dir, step)
	removed := true
	if err == nil {
		// Before the lock is given up, so that nobody can claim it in between.
		// Windows allows it only afterwards.
		step()
		removed = os.Remove(t.dir+lockSuffix) == nil
	}
	if t.lock != nil {
		t.lock.Close()
	}
	if !removed {
		os.Remove(t.dir + lockSuffix)
	}
	return err
}

// discard removes what is part of an entry from dir, and dir if it is empty
// then. about.json goes first: without it the rest is none.
func discard(dir string, step func()) error {
	for _, name := range []string{filepath.Join(dir, aboutName), filepath.Join(dir, dataName), dir} {
		step()
		if err := diskfile.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// sweep removes the temporaries whose process is gone. It is best effort: what
// belongs to another user may stay.
func (s *Store) sweep() {
	found, _ := os.ReadDir(s.dir)
	for _, d := range found {
		name := d.Name()
		if !strings.HasPrefix(name, tempPrefix) || !strings.HasSuffix(name, lockSuffix) {
			continue
		}
		lock := filepath.Join(s.dir, name)
		t, err := claim(lock)
		if err != nil && !errors.Is(err, fs.ErrPermission) && s.old(lock) {
			t = &temp{dir: strings.TrimSuffix(lock, lockSuffix)}
		}
		if t != nil {
			t.end(s.step)
		}
	}
}

// old reports whether nobody has written to a temporary for so long that its
// writer must be dead.
func (s *Store) old(lock string) bool {
	last := time.Time{}
	dir := strings.TrimSuffix(lock, lockSuffix)
	for _, name := range []string{lock, dir, filepath.Join(dir, dataName)} {
		if info, err := os.Lstat(name); err == nil && info.ModTime().After(last) {
			last = info.ModTime()
		}
	}
	return s.now().Sub(last) > maxTemp
}
