package download

import (
	"cmp"
	"context"
	"sync"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
)

// Queue brings many items, zips first, and takes further ones while it runs. Idle
// workers help the last large zips along.
type Queue struct {
	e *Engine
	// All of these are guarded by e.mu.
	pending [ranks][]*Item
	working int
	closed  bool
}

// fewLeft is the number of transfers from which on idle workers help with
// them: before that, other zips use the link just as well.
const fewLeft = 4

// Queue is a queue with these items. Whoever has added the last one closes it.
func (e *Engine) Queue(items ...*Item) *Queue {
	q := &Queue{e: e}
	q.Add(items...)
	return q
}

// Add adds items. It may be called while the queue runs, and not once it is closed.
func (q *Queue) Add(items ...*Item) {
	q.e.mu.Lock()
	defer q.e.mu.Unlock()
	for _, it := range items {
		r := it.rank()
		q.pending[r] = append(q.pending[r], it)
	}
	q.e.cond.Broadcast()
}

// Close says that nothing is added any more, but by done of Run.
func (q *Queue) Close() {
	q.e.mu.Lock()
	defer q.e.mu.Unlock()
	q.closed = true
	q.e.cond.Broadcast()
}

// Run brings every item and returns when each has its fate and the queue is closed.
// done is told of each item, by several goroutines at a time, and may add further
// ones; it may be nil. The error says that this machine cannot go on, whatever
// mirrors do; then the rest was given up.
func (q *Queue) Run(ctx context.Context, done func(*Item)) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	unblock := context.AfterFunc(ctx, func() { q.e.mu.Lock(); q.e.cond.Broadcast(); q.e.mu.Unlock() })
	defer unblock()
	var mu sync.Mutex
	var halt error // the first
	var wg sync.WaitGroup
	for range q.e.s.Room.Requests + 2*cap(q.e.slots) {
		wg.Go(func() {
			for {
				it, t := q.next(ctx)
				if t != nil {
					from := t.source()
					withSlot(ctx, from, func() { t.help(from) })
					continue
				}
				if it == nil {
					return
				}
				if err := q.e.Bring(ctx, it); err != nil && Local(failure.As(err).Class) && !failure.TooManyOpen(err) {
					mu.Lock()
					halt = cmp.Or(halt, err)
					mu.Unlock()
					stop(err)
				}
				if done != nil {
					done(it)
				}
				q.finished()
			}
		})
	}
	wg.Wait()
	return halt
}

func (q *Queue) finished() {
	q.e.mu.Lock()
	defer q.e.mu.Unlock()
	q.working--
	q.e.cond.Broadcast()
}

// next waits for an item to bring or, when there is none and few transfers are
// left, for one to help with: that which has most to come. Neither means that the
// queue is done.
func (q *Queue) next(ctx context.Context) (*Item, *transfer) {
	q.e.mu.Lock()
	defer q.e.mu.Unlock()
	for {
		for r, items := range q.pending {
			if len(items) > 0 {
				q.pending[r] = items[1:]
				q.working++
				return items[0], nil
			}
		}
		if (q.closed || ctx.Err() != nil) && q.working == 0 {
			return nil, nil
		}
		if ctx.Err() == nil && len(q.e.active) <= fewLeft {
			if t := q.neediest(); t != nil {
				return nil, t
			}
		}
		q.e.cond.Wait()
	}
}

// neediest is the transfer under way that has most to come and can be helped, nil
// for none.
func (q *Queue) neediest() *transfer {
	var best *transfer
	var most int64
	for t := range q.e.active {
		if n := t.remaining(); n > most {
			best, most = t, n
		}
	}
	return best
}

// Progress is how far a queue is.
type Progress struct {
	Waiting        string // for what, for longest; "" when nothing takes long
	Retrying       string // what, and why; "" for nothing
	Done, InFlight int    // files
	Zips           int    // of those done
	Failed         int    // of those zips
	Bytes          int64  // of the files kept and of those under way
	Left           int64  // to come, as far as that is known, and estimated by what has come; 0 when it is not known
}

// Progress is how far the queue is. An engine serves one queue at a time, or the
// numbers are those of all. It is safe for concurrent use.
func (q *Queue) Progress() Progress {
	e := q.e
	p := Progress{Waiting: e.Waiting(), Done: int(e.done.Load()), Zips: int(e.zips.Load()), Failed: int(e.failed.Load()), Bytes: e.bytes.Load()}
	brought := p.Zips - p.Failed
	usual := p.Bytes / int64(max(brought, 1)) // size of a zip
	p.Bytes += e.arrived.Load()
	e.mu.Lock()
	defer e.mu.Unlock()
	p.InFlight, p.Retrying = q.working, e.retrying()
	unknown := len(q.pending[0])
	for t := range e.active {
		n, size := t.progress(), t.length()
		p.Bytes += n
		if size >= 0 {
			p.Left += max(size-n, 0)
		} else {
			unknown++
		}
	}
	if unknown > 0 && brought == 0 {
		p.Left = 0
		return p
	}
	p.Left += int64(unknown) * usual
	return p
}

// Underway is how much of the zip at an escaped path below a mirror has arrived, and
// its size; -1 when that is not known, as before a response begins.
func (e *Engine) Underway(path string) (arrived, size int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for t := range e.active {
		if t.path == path {
			return t.progress(), t.length()
		}
	}
	return 0, -1
}

// ranks is how many ranks there are.
const ranks = 4

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
