package relay

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/modferry/modferry/internal/download"
	"github.com/modferry/modferry/internal/preflight"
	"github.com/modferry/modferry/internal/session"
)

// desk is where files are ordered: an engine over the chain that the preflight
// chooses when the first one is.
type desk struct {
	ctx  context.Context
	s    *session.Session
	make func(session.Chain) *download.Engine

	once   sync.Once
	begun  atomic.Pointer[download.Engine] // nil before
	p      *preflight.Probes               // nil for none
	follow func()                          // ends what changes the chain
}

// engine begins the engine when the first one asks for it.
func (d *desk) engine() *download.Engine {
	d.once.Do(func() {
		if d.s.Values.NoProbe || len(d.s.Chain.Hops) == 0 {
			d.begun.Store(d.make(preflight.Unprobed(d.s).Chain()))
			return
		}
		d.p = preflight.Start(d.ctx, d.s)
		e := d.make(d.p.Early())
		d.follow = d.p.Follow(e.SetChain)
		d.begun.Store(e)
	})
	return d.begun.Load()
}

// underway is that of the engine, and waits for none.
func (d *desk) underway(path string) (arrived, size int64) {
	if e := d.begun.Load(); e != nil {
		return e.Underway(path)
	}
	return 0, -1
}

// waiting is that of the engine, and waits for none.
func (d *desk) waiting() string {
	if e := d.begun.Load(); e != nil {
		return e.Waiting()
	}
	return ""
}

// chain is the chain that was chosen.
func (d *desk) chain() session.Chain {
	if d.begun.Load() == nil || d.p == nil {
		return preflight.Unprobed(d.s).Chain()
	}
	return d.p.Final(false).Chain()
}

func (d *desk) close() {
	d.once.Do(func() {})
	if d.p != nil {
		d.follow()
		d.p.End()
	}
	if e := d.begun.Load(); e != nil {
		e.Close()
	}
}
