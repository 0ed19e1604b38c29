package modcache

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

// A run is the private temporary directory of one open Cache. It lives as
// long as its lock is held; the lock of a killed process is released by the
// system, and the next run to come removes what was left.
type run struct {
	dir  string
	lock *flock.Flock
}

// openRun makes home, removes what dead runs have left there, and starts a run
// whose name begins with prefix.
func openRun(home, prefix string) (*run, error) {
	if err := os.MkdirAll(home, 0o777); err != nil {
		return nil, err
	}
	removeDeadRuns(home, prefix)
	return startRun(home, prefix)
}

func startRun(home, prefix string) (*run, error) {
	for {
		f, err := os.CreateTemp(home, prefix+"*.lock")
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
		lock, err := claim(f.Name())
		if err != nil {
			os.Remove(f.Name())
			return nil, err
		}
		if lock == nil {
			continue // another run took ours for dead before we had its lock
		}
		dir := strings.TrimSuffix(f.Name(), ".lock")
		if err := os.Mkdir(dir, 0o777); err != nil {
			release(lock)
			return nil, err
		}
		return &run{dir: dir, lock: lock}, nil
	}
}

func (r *run) end() error {
	err := removeTree(r.dir)
	release(r.lock)
	return err
}

// removeDeadRuns removes the runs in home whose process is gone. It is best
// effort: what belongs to another user stays.
func removeDeadRuns(home, prefix string) {
	entries, _ := os.ReadDir(home)
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), prefix) || !strings.HasSuffix(e.Name(), ".lock") || !e.Type().IsRegular() {
			continue
		}
		name := filepath.Join(home, e.Name())
		lock, err := claim(name)
		if err != nil || lock == nil {
			continue // alive, gone, or not ours
		}
		if err := removeTree(strings.TrimSuffix(name, ".lock")); err != nil {
			lock.Unlock()
			continue
		}
		release(lock)
	}
}

// claim locks the lock file of a run. The lock is nil when somebody else has
// it, or when the file was removed before we got it: then the name may belong
// to another run already.
func claim(name string) (*flock.Flock, error) {
	lock := flock.New(name, flock.SetFlag(os.O_RDWR))
	ok, err := lock.TryLock()
	if err != nil {
		if os.IsNotExist(err) {
			return nil, nil
		}
		return nil, err
	}
	if !ok {
		return nil, nil
	}
	if there, err := locksNow(lock, name); !there {
		lock.Unlock()
		return nil, err
	}
	return lock, nil
}

// locksNow reports whether what lock holds is the file that has the name now.
func locksNow(lock *flock.Flock, name string) (bool, error) {
	ours, err := lock.Stat()
	if err != nil {
		return false, err
	}
	there, err := os.Stat(name)
	if os.IsNotExist(err) {
		return false, nil
	}
	return err == nil && os.SameFile(ours, there), err
}

// release removes a claimed lock file and gives up the lock. Removing comes
// first so that nobody can claim the file in between; Windows allows it only
// afterwards.
func release(lock *flock.Flock) {
	removed := os.Remove(lock.Path()) == nil
	lock.Unlock()
	if !removed {
		os.Remove(lock.Path())
	}
}
