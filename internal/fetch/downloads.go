package fetch

import (
	"context"
	"os"
	"slices"
	"sync"

	"github.com/modferry/modferry/internal/download"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/preflight"
)

// downloads brings items from mirrors, from when the first one is added. Without
// any, no mirror is asked and nobody waits for the preflight.
type downloads struct {
	r      *run
	ctx    context.Context   // of the run
	p      *preflight.Probes // nil for none; not to be read before wait
	wanted *wanted
	stop   context.CancelCauseFunc // ends the run

	mu     sync.Mutex
	first  []*download.Item // until the queue is there
	queue  *download.Queue
	closed bool
	done   chan struct{} // nil before the first item
}

// add adds items.
func (d *downloads) add(items ...*download.Item) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.queue != nil {
		d.queue.Add(items...)
		return
	}
	d.first = append(d.first, items...)
	if slices.ContainsFunc(items, d.asks) {
		d.start()
	}
}

// asks reports whether a mirror may be asked for the item.
func (d *downloads) asks(it *download.Item) bool {
	return len(d.r.Access.Route(d.r.Chain, it.Mod.Path)) > 0
}

// start starts to bring items, with a preflight where there is a mirror to ask. d.mu
// is held.
func (d *downloads) start() {
	if d.done != nil {
		return
	}
	if !d.r.Values.NoProbe && slices.ContainsFunc(d.first, d.asks) {
		d.p = preflight.Start(d.ctx, d.r.Session)
		d.r.rec.probing(d.p)
	}
	d.done = make(chan struct{})
	go d.run()
}

func (d *downloads) run() {
	defer close(d.done)
	c := d.r.earlyChain(d.p)
	d.r.rec.enter(fetching)
	e := download.New(d.r.Session, c, d.r.cache, download.Options{
		Began: d.r.began, Note: d.r.rec.note, Log: d.r.log,
		Arrived: func(it *download.Item, zip *os.File) { d.fatal(d.wanted.beforeVerification(d.ctx, it, zip)) },
	})
	defer e.Close()
	if d.p != nil { // what it still says changes the order for what is not begun
		defer d.p.Follow(e.SetChain)()
	}
	d.mu.Lock()
	q := e.Queue(d.first...)
	d.first, d.queue = nil, q
	if d.closed {
		q.Close()
	}
	d.mu.Unlock()
	d.r.rec.follow(q)
	defer d.r.rec.follow(nil)
	d.fatal(q.Run(d.ctx, func(it *download.Item) { d.fatal(d.wanted.ended(d.ctx, it)) }))
}

// fatal ends the run when this machine cannot go on.
func (d *downloads) fatal(err error) {
	if err != nil {
		d.stop(failure.As(err))
	}
}

// wait waits until everything is brought. Nothing is added any more, but by what
// arrives.
func (d *downloads) wait() {
	d.mu.Lock()
	d.closed = true
	if len(d.first) > 0 {
		d.start()
	}
	if d.queue != nil {
		d.queue.Close()
	}
	done := d.done
	d.mu.Unlock()
	if done != nil {
		<-done
	}
}
