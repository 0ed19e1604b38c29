package download

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
)

// Queue brings many items, the large ones first. Workers take them in order; when
// none is left, they help the last large zips along.
type Queue struct {
	e       *Engine
	pending []*Item // guarded by e.mu, as is working
	working int
	wg      sync.WaitGroup
}

// fewLeft is the number of transfers from which on idle workers help with
// them: before that, other zips use the link just as well.
const fewLeft = 4

// Queue puts items into the order in which they are best brought. The slice is
// sorted in place.
func (e *Engine) Queue(items []*Item) *Queue {
	slices.SortStableFunc(items, func(a, b *Item) int { return cmp.Compare(a.rank(), b.rank()) })
	return &Queue{e: e, pending: items}
}

// Run brings every item and returns when each has its fate. The error says that
// this machine cannot go on, whatever mirrors do; then the rest was given up.
func (q *Queue) Run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	unblock := context.AfterFunc(ctx, func() { q.e.mu.Lock(); q.e.cond.Broadcast(); q.e.mu.Unlock() })
	defer unblock()
	var mu sync.Mutex
	var halt error // the first
	workers := min(len(q.pending), q.e.s.Room.Requests+2*cap(q.e.slots))
	for range workers {
		q.wg.Go(func() {
			for it := q.take(); it != nil; it = q.take() {
				if err := q.e.Bring(ctx, it); err != nil && Local(failure.As(err).Class) && !failure.TooManyOpen(err) {
					mu.Lock()
					halt = cmp.Or(halt, err)
					mu.Unlock()
					stop(err)
				}
				q.finished()
			}
			for q.assist(ctx) {
			}
		})
	}
	q.wg.Wait()
	return halt
}

func (q *Queue) take() *Item {
	q.e.mu.Lock()
	defer q.e.mu.Unlock()
	if len(q.pending) == 0 {
		return nil
	}
	it := q.pending[0]
	q.pending = q.pending[1:]
	q.working++
	return it
}

func (q *Queue) finished() {
	q.e.mu.Lock()
	defer q.e.mu.Unlock()
	q.working--
	q.e.cond.Broadcast()
}

// assist helps with the transfer that has most to come, once few are left. It
// returns false when the queue is done.
func (q *Queue) assist(ctx context.Context) bool {
	t := q.neediest(ctx)
	if t == nil {
		return false
	}
	from := t.source()
	return withSlot(ctx, from, func() { t.help(from) })
}

// neediest waits for a transfer that can be helped.
func (q *Queue) neediest(ctx context.Context) *transfer {
	q.e.mu.Lock()
	defer q.e.mu.Unlock()
	for ctx.Err() == nil && q.working > 0 {
		if len(q.e.active) <= fewLeft {
			var best *transfer
			var most int64
			for t := range q.e.active {
				if n := t.remaining(); n > most {
					best, most = t, n
				}
			}
			if best != nil {
				return best
			}
		}
		q.e.cond.Wait()
	}
	return nil
}

// Progress is how far a queue is.
type Progress struct {
	Waiting        string // for what, for longest; "" when nothing takes long
	Done, InFlight int
	Bytes          int64 // of the files kept and of those under way
}

// Progress is how far the queue is. An engine serves one queue at a time, or the
// numbers are those of all. It is safe for concurrent use.
func (q *Queue) Progress() Progress {
	e := q.e
	p := Progress{Waiting: e.awaited(), Done: int(e.done.Load()), Bytes: e.bytes.Load()}
	e.mu.Lock()
	defer e.mu.Unlock()
	p.InFlight = q.working
	for t := range e.active {
		p.Bytes += t.progress()
	}
	return p
}

// rank orders the queue: zips first, since large ones decide when the run
// ends; then what builds read, then what only graph commands read.
func (it *Item) rank() int {
	switch {
	case it.Kind == report.KindZip:
		return 0
	case it.Kind == report.KindMod && !it.Record.Optional:
		return 1
	case it.Kind == KindInfo:
		return 2
	}
	return 3
}
