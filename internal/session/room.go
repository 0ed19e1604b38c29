package session

import (
	"cmp"
	"context"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/httpx"
	"github.com/modferry/modferry/internal/mirror"
)

// Room is how much is done at a time.
type Room struct {
	Requests  int // over all mirrors
	Verifiers int // zips that are verified and extracted
}

// What takes file descriptors, roughly: the process itself with its output,
// poller, locks and name lookups; a request with its connection, a second one
// while that is made, and the temporary file; a verification with the temporary
// files of two more downloads that go on meanwhile, each open twice while its
// imports are read, the lock and what it writes.
const (
	filesOfProcess  = 20
	filesOfRequest  = 3
	filesOfVerifier = 8
)

// roomFor divides what the process may have open: a build machine that allows
// few files at a time gets fewer requests, not failures. The limit is 0 where
// there is none.
func roomFor(limit uint64, concurrency, cpus int) Room {
	r := Room{Requests: cmp.Or(max(concurrency, 0), mirror.DefaultConcurrency), Verifiers: cpus}
	if limit == 0 || limit > 1<<20 {
		return r
	}
	spare := max(int(limit)-filesOfProcess, 0)
	// Of a zip that is extracted, each processor writes a file.
	r.Verifiers = max(1, min(r.Verifiers, spare/16))
	r.Requests = max(2, min(r.Requests, (spare-filesOfVerifier*r.Verifiers)/filesOfRequest))
	return r
}

// MostScarce is how often in a row one thing may meet too many open files.
const MostScarce = 30

// Patiently repeats what meets too many open files: others will close theirs.
func Patiently(ctx context.Context, do func() error) error {
	for n := 0; ; n++ {
		err := do()
		if !failure.TooManyOpen(err) || n == MostScarce || httpx.Sleep(ctx, min(10*time.Millisecond<<min(n, 10), time.Second)) != nil {
			return err
		}
	}
}
