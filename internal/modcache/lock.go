package modcache

import (
	"context"
	"os"
	"time"

	"github.com/gofrs/flock"

	"github.com/modferry/modferry/internal/diskfile"
)

// lockRetry is how often a lock held by somebody else is tried again. The
// system calls that wait for a lock cannot be interrupted by a context.
const lockRetry = 10 * time.Millisecond

// lockVersion takes the lock that the go command takes around the download
// and the extraction of a zip (cmd/go modfetch/cache.go: lockVersion), making
// its directory first. It excludes other goroutines, too.
func (c *Cache) lockVersion(ctx context.Context, s slot) (unlock func(), err error) {
	if err := os.MkdirAll(s.dir, 0o777); err != nil {
		return nil, err
	}
	l, err := takeLock(ctx, s.lock)
	if err != nil {
		return nil, err
	}
	return func() { l.Unlock() }, nil
}

// takeLock waits for the lock on the named file. A FIFO or device in its place
// is removed first, since opening it might wait for its other end.
func takeLock(ctx context.Context, name string) (*flock.Flock, error) {
	if err := diskfile.RemoveSpecial(name); err != nil {
		return nil, err
	}
	l := newLock(name)
	_, err := l.TryLockContext(ctx, lockRetry)
	return l, err
}

// newLock is a lock on the named file, which is created when absent and then
// stays, as the go command does it (cmd/go lockedfile.Mutex).
func newLock(name string) *flock.Flock {
	return flock.New(name, flock.SetFlag(os.O_RDWR|os.O_CREATE), flock.SetPermissions(0o666))
}
