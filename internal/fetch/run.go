package fetch

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/modcache"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/settings"
	"github.com/modferry/modferry/internal/store"
)

// run is one pass over the items that are missing. Workers take them in order;
// when none is left, they help the last large zips along.
type run struct {
	chain   session.Chain
	access  session.Access
	cache   *modcache.Cache
	values  *settings.Values
	began   time.Time
	backoff time.Duration
	hedge   time.Duration
	silence time.Duration
	random  func() float64
	stop    func(*failure.Error) // ends the run: this machine cannot go on
	note    func(finding.Finding)
	log     func(format string, args ...any)

	bytes    atomic.Int64 // of the files kept
	done     atomic.Int64
	hedges   atomic.Int64
	requests int           // at a time over all mirrors
	slots    chan struct{} // verifications at a time
	wg       sync.WaitGroup

	mu      sync.Mutex
	cond    *sync.Cond
	queue   []*item
	working int
	active  map[*transfer]bool
	// refusals are the mirrors that are not there, as far as the last attempts
	// know.
	refusals map[*mirror.Mirror]refusal
	asked    map[*item]asked
}

// asked is a mirror that an item waits for.
type asked struct {
	hop   *session.Hop
	since time.Time
}

// firstSilence is the wait for a first byte from a mirror of which nothing is
// known yet, while another one may be asked: long for a mirror at work, short
// against the limits of requests.
const firstSilence = 2 * time.Second

// fewLeft is the number of transfers from which on idle workers help with
// them: before that, other zips use the link just as well.
const fewLeft = 4

func newRun(j *job, c session.Chain, items []*item, stop func(*failure.Error)) *run {
	slices.SortStableFunc(items, func(a, b *item) int { return cmp.Compare(a.rank(), b.rank()) })
	r := &run{
		chain: c, access: j.Access, cache: j.cache, values: j.Values, began: j.began,
		backoff: cmp.Or(j.Options.Backoff, firstBackoff), hedge: cmp.Or(j.Options.Hedge, leastHedge), silence: cmp.Or(j.Options.Silence, firstSilence), random: rand.Float64, stop: stop, note: j.rec.note, log: j.log,
		requests: j.Room.Requests, slots: make(chan struct{}, j.Room.Verifiers), queue: items, active: map[*transfer]bool{},
		refusals: map[*mirror.Mirror]refusal{}, asked: map[*item]asked{},
	}
	r.cond = sync.NewCond(&r.mu)
	return r
}

// all brings every item and returns when each has its fate.
func (r *run) all(ctx context.Context) {
	workers := min(len(r.queue), r.requests+2*cap(r.slots))
	unblock := context.AfterFunc(ctx, func() { r.mu.Lock(); r.cond.Broadcast(); r.mu.Unlock() })
	defer unblock()
	for range workers {
		r.wg.Go(func() {
			for it := r.take(); it != nil; it = r.take() {
				r.bring(ctx, it)
				r.done.Add(1)
				r.finished()
			}
			for r.assist(ctx) {
			}
		})
	}
	r.wg.Wait()
}

func (r *run) take() *item {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.queue) == 0 {
		return nil
	}
	it := r.queue[0]
	r.queue = r.queue[1:]
	r.working++
	return it
}

func (r *run) finished() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.working--
	r.cond.Broadcast()
}

func (r *run) track(t *transfer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.active[t] = true
	r.cond.Broadcast()
}

func (r *run) untrack(t *transfer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.active, t)
	r.cond.Broadcast()
}

// assist helps with the transfer that has most to come, once few are left. It
// returns false when the run is over.
func (r *run) assist(ctx context.Context) bool {
	t := r.neediest(ctx)
	if t == nil {
		return false
	}
	from := t.source()
	if from.Limiter.Acquire(ctx) != nil {
		return false
	}
	defer from.Limiter.Release(0, false)
	t.help(from)
	return true
}

// neediest waits for a transfer that can be helped.
func (r *run) neediest(ctx context.Context) *transfer {
	r.mu.Lock()
	defer r.mu.Unlock()
	for ctx.Err() == nil && r.working > 0 {
		if len(r.active) <= fewLeft {
			var best *transfer
			var most int64
			for t := range r.active {
				if n := t.remaining(); n > most {
					best, most = t, n
				}
			}
			if best != nil {
				return best
			}
		}
		r.cond.Wait()
	}
	return nil
}

// partners are the mirrors that may supply parts of the item besides h: those
// that a failure of h would lead to.
func (r *run) partners(it *item, h *session.Hop) []*mirror.Mirror {
	if h.Protected() || h.Local() || it.alone {
		return nil
	}
	var out []*mirror.Mirror
	behind := false
	for _, g := range r.access.Route(r.chain, it.mod.Path) {
		if behind && !g.Local() && !g.Health.Out() {
			out = append(out, g.Mirror)
		}
		behind = behind || g == h
		if behind && g.Protected() {
			break
		}
	}
	return out
}

// verifier waits for a processor to verify with. The module cache lets a zip
// use further ones while they are free.
func (r *run) verifier(ctx context.Context, it *item) (modcache.PutOptions, func(), error) {
	select {
	case r.slots <- struct{}{}:
	case <-ctx.Done():
		return modcache.PutOptions{}, nil, context.Cause(ctx)
	}
	o := modcache.PutOptions{Extract: extracts(r.values, it), Parallel: cap(r.slots)}
	return o, func() { <-r.slots }, nil
}

// extracts reports whether the item's tree is wanted, too.
func extracts(v *settings.Values, it *item) bool {
	switch v.Extract {
	case "all":
		return true
	case "needed":
		return !it.rec.Low
	case "used":
		return it.used
	}
	return false
}

// mayHedge grants a hedge while they are few: at most one in twenty requests.
func (r *run) mayHedge() bool {
	if r.hedges.Load() > 2+r.done.Load()/20 {
		return false
	}
	r.hedges.Add(1)
	return true
}

// waiting notes which mirror an item waits for; nil for none.
func (r *run) waiting(it *item, h *session.Hop) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if h == nil {
		delete(r.asked, it)
		return
	}
	a, ok := r.asked[it]
	if !ok {
		a.since = time.Now()
	}
	a.hop = h
	r.asked[it] = a
}

// tellAfter is the wait for one file from which on progress names it.
const tellAfter = 3 * time.Second

// awaited is what has been waited for longest, in words; "" when nothing takes
// long.
func (r *run) awaited() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var at *item
	for it, a := range r.asked {
		if at == nil || a.since.Before(r.asked[at].since) {
			at = it
		}
	}
	if at == nil {
		return ""
	}
	since := time.Since(r.asked[at].since)
	if since < tellAfter {
		return ""
	}
	return fmt.Sprintf("%s %s from %s for %d s", at.mod, at.kind, r.asked[at].hop.Name(), int(since.Seconds()))
}

// since is the time since the start of the run in milliseconds.
func (r *run) since() float64 { return millis(time.Since(r.began)) }

// sleep waits; false means that ctx ended first.
func (r *run) sleep(ctx context.Context, d time.Duration) bool {
	return store.Sleep(ctx, d) == nil
}
