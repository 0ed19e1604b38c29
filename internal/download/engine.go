// Package download brings one file at a time from the mirrors of a chain:
// attempts with retry by failure class, fallback and failover to other mirrors,
// hedges, resumed and split transfers. Bring serves one file on demand, a Queue
// many.
//
// Its main invariants: a module enters the module cache only through
// modcache.PutZip and PutMod, which compare it with the hash of go.sum; a
// module that matches GONOPROXY or GOPRIVATE is asked of no mirror that the go
// command would not ask; and what a mirror outside the public catalogue
// refuses behind a comma is not asked of the next one.
package download

import (
	"cmp"
	"context"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/httpx"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/modcache"
	"github.com/modferry/modferry/internal/session"
)

// Options are what an engine tells to whom. The zero value works.
type Options struct {
	// Began is when the run began that times of attempts count from; zero means
	// now.
	Began time.Time
	// Note is told findings about modules, Log a line for every noteworthy event;
	// nil means nobody is.
	Note func(finding.Finding)
	Log  func(format string, args ...any)
	// Arrived is told the bytes of a zip before they are verified, and again when
	// they were wrong and others have come. The file is open until it returns. Nil
	// means nobody is.
	Arrived func(it *Item, zip *os.File)
	// Help is how long a zip takes before a further request helps with it, and then
	// another one. 0 means that only the idle workers of a queue do.
	Help time.Duration
}

// Shelf keeps files that are what they must be, and refuses others. It owns the
// temporary files that are put. The hash is "" for items without one, which a shelf
// may refuse. *modcache.Cache is one, and does.
type Shelf interface {
	Temp() (*os.File, error)
	PutZip(ctx context.Context, v module.Version, h1 string, tmp *os.File, o modcache.PutOptions) error
	PutMod(ctx context.Context, v module.Version, h1 string, tmp *os.File) error
	PutInfo(ctx context.Context, v module.Version, data []byte) error
}

// Engine brings files through one chain. It is safe for concurrent use.
type Engine struct {
	s       *session.Session
	chain   atomic.Pointer[session.Chain]
	shelf   Shelf
	o       Options
	backoff time.Duration
	hedge   time.Duration
	silence time.Duration
	random  func() float64

	slots  chan struct{}  // verifications at a time
	wg     sync.WaitGroup // of requests that were given up
	done   atomic.Int64
	zips   atomic.Int64 // of those done
	failed atomic.Int64 // of those zips
	bytes  atomic.Int64 // of the files kept
	hedges atomic.Int64
	// arrived are the bytes of zips that are being verified.
	arrived atomic.Int64

	mu   sync.Mutex
	cond *sync.Cond // of active, and of the queues' work
	// active are the zips under way.
	active map[*transfer]bool
	// refusals are the mirrors that are not there, as far as the last attempts
	// know.
	refusals map[*mirror.Mirror]refusal
	asked    map[*Item]asked
}

// firstSilence is the wait for a first byte from a mirror of which nothing is
// known yet, while another one may be asked: long for a mirror at work, short
// against the limits of requests.
const firstSilence = 2 * time.Second

// New is an engine over a chain of a session's mirrors. The caller closes it.
func New(s *session.Session, chain session.Chain, shelf Shelf, o Options) *Engine {
	if o.Began.IsZero() {
		o.Began = time.Now()
	}
	if o.Note == nil {
		o.Note = func(finding.Finding) {}
	}
	if o.Log == nil {
		o.Log = func(string, ...any) {}
	}
	e := &Engine{
		s: s, shelf: shelf, o: o, random: rand.Float64,
		backoff: cmp.Or(s.Options.Backoff, firstBackoff), hedge: cmp.Or(s.Options.Hedge, leastHedge), silence: cmp.Or(s.Options.Silence, firstSilence),
		slots:  make(chan struct{}, s.Room.Verifiers),
		active: map[*transfer]bool{}, refusals: map[*mirror.Mirror]refusal{}, asked: map[*Item]asked{},
	}
	e.cond = sync.NewCond(&e.mu)
	e.SetChain(chain)
	return e
}

// SetChain has another order of the same session's mirrors apply to the items
// that are not begun.
func (e *Engine) SetChain(c session.Chain) { e.chain.Store(&c) }

// Close waits for requests that were given up. Nothing may be under way.
func (e *Engine) Close() { e.wg.Wait() }

// since is the time since the start of the run in milliseconds.
func (e *Engine) since() float64 { return Millis(time.Since(e.o.Began)) }

// sleep waits; false means that ctx ended first.
func (e *Engine) sleep(ctx context.Context, d time.Duration) bool {
	return httpx.Sleep(ctx, d) == nil
}

// Millis is a duration for the result.
func Millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// Measured is a duration for the result; nil for one that was not measured.
func Measured(d time.Duration) *float64 {
	if d == 0 {
		return nil
	}
	f := Millis(d)
	return &f
}
