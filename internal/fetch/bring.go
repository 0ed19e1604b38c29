package fetch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
)

// try is what has been tried of one item at one hop.
type try struct {
	hop   *session.Hop
	tries int
	anew  int // attempts that count for nothing, see errAnew
	last  *failure.Error
	over  bool // no further attempt at this hop is of use
}

// mostAnew bounds the attempts for one item that a hop gets on top of the
// others: after parts of several mirrors, parts of its own, and a refusal.
const mostAnew = 3

// bring gets one item from the hops that may be asked for it, in order. An
// answer about the module (404, 410, and what else the hop lets pass on) leads
// to the next hop for good; a failure that may go away leads to the next hop,
// too, where it passes on, and otherwise to another attempt at the same one
// after a pause. It ends when a hop supplies the file, when a failure does not
// pass on, or when every hop has had its attempts.
func (r *run) bring(ctx context.Context, it *item) {
	hops := r.access.Route(r.chain, it.mod.Path)
	it.rec.StartMS = r.since()
	defer func() {
		it.rec.MS = r.since() - it.rec.StartMS
		r.waiting(it, nil)
	}()
	tries := make([]try, len(hops))
	for i, h := range hops {
		tries[i].hop = h
	}
	scarce := 0
	for {
		t, rest := r.next(tries)
		if t == nil || r.deserted(tries, true) {
			r.conclude(it, tries)
			return
		}
		r.waiting(it, t.hop)
		if !r.admitted(ctx, t, rest, tries) {
			if ctx.Err() != nil {
				r.fail(it, r.cancelled(ctx))
				return
			}
			continue
		}
		var spare *session.Hop
		if !t.hop.Protected() && len(rest) > 0 && !rest[0].hop.Health.Out() {
			spare = rest[0].hop
		}
		fe := r.attempt(ctx, it, t.hop, spare)
		if fe != nil && errors.Is(fe, errAnew) && t.anew < mostAnew && ctx.Err() == nil {
			t.anew++
			continue
		}
		if fe != nil && failure.TooManyOpen(fe) {
			t.hop.Limiter.Narrow()
			if scarce++; scarce <= session.MostScarce && r.sleep(ctx, r.pause(min(scarce, 10))) {
				continue
			}
			if ctx.Err() != nil {
				fe = r.cancelled(ctx)
			}
			r.fail(it, fe) // of this file; others may have more luck
			return
		}
		t.tries++
		if n := len(it.rec.Attempts); n > 0 && it.rec.Attempts[n-1].Mirror == t.hop.Name() {
			r.heard(t, fe)
		}
		if fe == nil {
			a := it.rec.Attempts[len(it.rec.Attempts)-1]
			it.rec.Source, it.rec.Mirror = report.FromMirror, a.Mirror
			r.bytes.Add(a.Bytes)
			return
		}
		t.last = fe
		switch {
		case ctx.Err() != nil:
			r.fail(it, r.cancelled(ctx))
			return
		case local(fe.Class):
			r.fail(it, fe)
			r.stop(fe)
			return
		case fe.Class == failure.WrongContent && t.tries == 1:
			// Perhaps only damaged on the way: once more, after the others.
		case !fe.Class.Temporary() || t.tries > r.values.Retries:
			t.over = true
		}
	}
}

// next chooses where the next attempt is made: of the hops that may be asked
// now, the one with the fewest attempts, the first of them if there are
// several. rest are the others that may be asked now, in order. Nil means that
// there is none.
func (r *run) next(tries []try) (*try, []*try) {
	var open []*try
	for i := range tries {
		t := &tries[i]
		if t.over {
			if !t.hop.Passes(t.last.Class) {
				break
			}
			continue
		}
		open = append(open, t)
		if t.hop.Protected() {
			break // its failures do not pass on, only its 404 would
		}
	}
	if len(open) == 0 {
		return nil, nil
	}
	best := open[0]
	for _, t := range open[1:] {
		worse, out := best.hop.Health.Out(), t.hop.Health.Out()
		if t.tries < best.tries && out == worse || worse && !out {
			best = t
		}
	}
	var rest []*try
	for _, t := range open {
		if t != best {
			rest = append(rest, t)
		}
	}
	return best, rest
}

// admitted waits for the hop's turn: for the pause after a failed attempt, for
// its circuit breaker, and for a slot, which the caller then holds. False means
// that the choice has to be made anew, because the hop is dead, another one of
// rest can do it meanwhile, or ctx has ended.
func (r *run) admitted(ctx context.Context, t *try, rest []*try, tries []try) bool {
	if t.tries > 0 && !r.sleep(ctx, r.pause(t.tries)) {
		return false
	}
	for {
		wait, dead := t.hop.Health.Gate()
		switch {
		case t.tries < rounds && (wait > 0 || dead) && r.deserted(tries, false):
			// Nobody is there, and the breaker would only make it take longer
			// to say so.
			return t.hop.Limiter.Acquire(ctx) == nil
		case dead:
			t.over = true
			if t.last == nil {
				// Filed under what the mirror died of: that is what helps.
				t.last = failure.New(cmp.Or(t.hop.Health.Last(), failure.CircuitOpen), "get", t.hop.URL,
					errors.New("the mirror failed so often in a row that it is not asked any more"))
			}
			return false
		case wait == 0:
			return r.slot(ctx, t, rest)
		case others(rest), slices.ContainsFunc(rest, func(o *try) bool { return o.tries < t.tries }):
			return false // they went up, or this one down, since it was chosen
		}
		if !r.sleep(ctx, wait) || len(rest) > 0 {
			return false
		}
	}
}

// others reports whether one of the tries is at a mirror that is up.
func others(rest []*try) bool {
	return slices.ContainsFunc(rest, func(t *try) bool { return !t.hop.Health.Out() })
}

// slot waits for a slot of the hop, whose gate is passed. It takes none of a
// hop that went down meanwhile if there is another one.
func (r *run) slot(ctx context.Context, t *try, rest []*try) bool {
	h := t.hop
	if h.Limiter.Acquire(ctx) != nil {
		h.Health.Dropped()
		return false
	}
	if h.Health.Down() && others(rest) {
		h.Limiter.Release(0, false)
		h.Health.Dropped()
		return false
	}
	return true
}

// pause is the wait before the n-th repetition: doubling, with full jitter, so
// that files that failed together don't come back together.
func (r *run) pause(n int) time.Duration {
	most := min(float64(r.backoff)*math.Pow(2, float64(n-1)), float64(maxPause))
	return time.Duration(r.random() * most)
}

const (
	firstBackoff = 200 * time.Millisecond
	maxPause     = 5 * time.Second
)

// conclude says what became of an item that no hop supplied.
func (r *run) conclude(it *item, tries []try) {
	if len(tries) == 0 {
		r.unasked(it)
		return
	}
	// The most telling failure stands for the item: wrong bytes before
	// everything, and a 404 only when there was nothing else (the go command
	// ranks likewise, modfetch/proxy.go: TryProxies).
	var worst *failure.Error
	var at *session.Hop
	for _, t := range tries {
		if t.last == nil {
			break // behind a failure that did not pass on
		}
		if worst == nil || weight(t.last.Class) >= weight(worst.Class) {
			worst, at = t.last, t.hop
		}
	}
	missing := worst.Class == failure.NotFound || worst.Class == failure.Gone
	switch {
	case missing && r.chain.End == goenv.Direct && r.reachedEnd(tries):
		it.rec.Source, it.rec.Class = report.FromDeferred, failure.OnlyDirect
		it.rec.Message = "no mirror has it; the go command will ask version control (direct)"
	default:
		r.fail(it, worst)
		if at.Protected() && at.Sep == goenv.Comma && !missing {
			it.rec.Message += fmt.Sprintf(". The comma after %s keeps this failure from passing on; write | instead, or --fallback any, if others may be asked", at.Name())
		}
	}
}

func (r *run) reachedEnd(tries []try) bool {
	return tries[len(tries)-1].over
}

func weight(c failure.Class) int {
	switch c {
	case failure.NotFound, failure.Gone:
		return 0
	case failure.HashMismatch, failure.UnsafeZip:
		return 2
	}
	return 1
}

// unasked is the fate of an item that no mirror may be asked for.
func (r *run) unasked(it *item) {
	switch {
	case goenv.MatchPatterns(r.access.NoProxy, it.mod.Path) || goenv.MatchPatterns(r.access.Private, it.mod.Path):
		it.rec.Source, it.rec.Class = report.FromDeferred, failure.Private
		it.rec.Message = "private: left to the go command"
	case r.chain.End == goenv.Direct:
		it.rec.Source, it.rec.Class = report.FromDeferred, failure.OnlyDirect
		it.rec.Message = "the chain has no mirror; the go command will ask version control (direct)"
	default:
		r.fail(it, failure.New(failure.Disabled, "get", "", nil))
	}
}

func (r *run) fail(it *item, fe *failure.Error) {
	it.rec.Source, it.rec.Class = report.FromFailed, fe.Class
	it.rec.Message = fe.Error()
}
