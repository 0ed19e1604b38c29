package download

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/session"
)

// turn is the right to make one request at a hop: a slot of its limiter, and the
// probe of its circuit breaker if that let one through. Whoever has it calls end
// or drop, once, and either gives both back; arrived gives the slot back before,
// when the last byte is there and only the processor is still needed. What is
// given back already is not given back again.
type turn struct {
	hop   *session.Hop
	slot  bool // is held
	ended bool
}

// acquire waits for a slot of the hop; nil when ctx ended first.
func acquire(ctx context.Context, h *session.Hop) *turn {
	if h.Limiter.Acquire(ctx) != nil {
		return nil
	}
	return &turn{hop: h, slot: true}
}

// tryAcquire takes a slot of the hop if one is free; nil when there is none.
func tryAcquire(h *session.Hop) *turn {
	if !h.Limiter.TryAcquire() {
		return nil
	}
	return &turn{hop: h, slot: true}
}

// withSlot makes a request for a part while it holds a slot of the mirror; what
// the part comes to is told with the whole. False means that ctx ended first.
func withSlot(ctx context.Context, m *mirror.Mirror, do func()) bool {
	if m.Limiter.Acquire(ctx) != nil {
		return false
	}
	defer m.Limiter.Release(0, false)
	do()
	return true
}

// arrived gives the slot back after a response that brought so many bytes, or
// failed.
func (t *turn) arrived(bytes int64, fe *failure.Error) {
	if t.slot {
		t.slot = false
		t.hop.Limiter.Release(bytes, fe != nil && overload(fe))
	}
}

// drop ends a request that was given up by us, which says nothing about the
// mirror.
func (t *turn) drop() {
	if t.ended {
		return
	}
	t.ended = true
	t.arrived(0, nil)
	t.hop.Health.Dropped()
}

// end tells the mirror's health how an attempt ended; responded says that there
// was a response, if a wrong one.
func (t *turn) end(ctx context.Context, fe *failure.Error, responded bool) {
	if t.ended {
		return
	}
	t.ended = true
	t.arrived(0, fe)
	health := t.hop.Health
	switch {
	case fe == nil:
		health.Success()
		health.Supplied()
	case ctx.Err() != nil || Local(fe.Class) || errors.Is(fe, errAnew):
		health.Dropped()
	case answer(fe.Class), fe.Class == failure.HashMismatch, fe.Class == failure.UnsafeZip, fe.Class == failure.TooLarge:
		// The mirror works; it does not have this module, or not the right bytes of it.
		health.Success()
	default:
		health.Failed(fe, responded)
	}
}

// admit waits for the hop's turn: for the pause after a failed attempt, for
// its circuit breaker, and for a slot. Nil means
// that
// the choice has to be made anew, because the hop is dead, another one of
// rest can do it meanwhile, or ctx has ended.
func (e *Engine) admit(ctx context.Context, t *try, rest []*try, tries []try) *turn {
	if t.tries > 0 && !e.sleep(ctx, e.pause(t.tries)) {
		return nil
	}
	for {
		wait, dead := t.hop.Health.Gate()
		switch {
		case t.tries < rounds && (wait > 0 || dead) && e.deserted(tries, false):
			// Nobody is there, and the breaker would only make it take longer
			// to say so.
			return acquire(ctx, t.hop)
		case dead:
			t.over = true
			if t.last == nil {
				// Filed under what the mirror died of: that is what helps.
				t.last = failure.New(cmp.Or(t.hop.Health.Last(), failure.CircuitOpen), "get", t.hop.URL,
					errors.New("the mirror failed so often in a row that it is not asked any more"))
			}
			return nil
		case wait == 0:
			return slot(ctx, t, rest)
		case others(rest), slices.ContainsFunc(rest, func(o *try) bool { return o.tries < t.tries }):
			return nil // they went up, or this one down, since it was chosen
		}
		// Not the whole wait at once: a breaker trips a moment before the failure
		// that tripped it is noted, and that one may say that nobody is there.
		if !e.sleep(ctx, min(wait, maxGateWait)) || len(rest) > 0 {
			return nil
		}
	}
}

// slot waits for a slot of the hop, whose gate is passed. It takes none of a
// hop that went down meanwhile if there is another one.
func slot(ctx context.Context, t *try, rest []*try) *turn {
	got := acquire(ctx, t.hop)
	if got == nil {
		t.hop.Health.Dropped()
		return nil
	}
	if t.hop.Health.Down() && others(rest) {
		got.drop()
		return nil
	}
	return got
}

// pause is the wait before the n-th repetition: doubling, with full jitter, so
// that files that failed together don't come back together.
func (e *Engine) pause(n int) time.Duration {
	most := min(float64(e.backoff)*math.Pow(2, float64(n-1)), float64(maxPause))
	return time.Duration(e.random() * most)
}

const (
	firstBackoff = 200 * time.Millisecond
	maxPause     = 5 * time.Second
	maxGateWait  = time.Second
)
