package download

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/httpx"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
)

// Bring gets one item from the hops that may be asked for it, in order. An
// answer about the module (404, 410, and what else falls back behind the hop)
// leads to the next hop for good; a failure that may go away leads to the next
// hop, too, where it falls back, and otherwise to another attempt at the same one
// after a pause. It ends when a hop supplies the file, when a failure does not
// fall back, or when every hop has had its attempts.
//
// The error is nil when the file is on the shelf; the item's record says in any
// case what became of it. Otherwise it is a *failure.Error: the most telling
// failure, or the class for which the file is left to the go command (Private,
// OnlyDirect).
func (e *Engine) Bring(ctx context.Context, it *Item) error {
	it.Record.StartMS = e.since()
	fe := e.bring(ctx, it)
	it.Record.MS = e.since() - it.Record.StartMS
	e.waiting(it, nil, "")
	e.done.Add(1)
	it.Record.Trace = httpx.TraceOf(ctx).ID()
	if e.s.Options.Brought != nil {
		e.s.Options.Brought(it.Record)
	}
	if it.Kind == report.KindZip {
		e.zips.Add(1)
		if it.Record.Source == report.FromFailed && it.Record.Class != failure.Cancelled {
			e.failed.Add(1)
		}
	}
	if fe == nil {
		return nil
	}
	return fe
}

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

func (e *Engine) bring(ctx context.Context, it *Item) *failure.Error {
	hops := e.s.Access.Route(*e.chain.Load(), it.Mod.Path)
	tries := make([]try, len(hops))
	for i, h := range hops {
		tries[i].hop = h
	}
	scarce := 0
	var failed failure.Class // of the last attempt
	for {
		t, rest := e.next(tries)
		if t == nil || e.deserted(tries, true) {
			return e.conclude(it, tries)
		}
		e.waiting(it, t.hop, failed)
		turn := e.admit(ctx, t, rest, tries)
		if turn == nil {
			if ctx.Err() != nil {
				return it.fail(cancelled(ctx))
			}
			continue
		}
		var spare *session.Hop
		if len(rest) > 0 && !rest[0].hop.Health.Out() { // next gives none that only a failure here leads to
			spare = rest[0].hop
		}
		fe := e.attempt(ctx, it, turn, spare)
		if fe != nil && errors.Is(fe, errAnew) && t.anew < mostAnew && ctx.Err() == nil {
			t.anew++
			continue
		}
		if fe != nil && failure.TooManyOpen(fe) {
			t.hop.Limiter.Narrow()
			if scarce++; scarce <= session.MostScarce && e.sleep(ctx, e.pause(min(scarce, 10))) {
				continue
			}
			if ctx.Err() != nil {
				fe = cancelled(ctx)
			}
			return it.fail(fe) // of this file; others may have more luck
		}
		t.tries++
		if n := len(it.Record.Attempts); n > 0 && it.Record.Attempts[n-1].Mirror == t.hop.Name() {
			e.heard(t, fe)
		}
		if fe == nil {
			a := it.Record.Attempts[len(it.Record.Attempts)-1]
			it.Record.Source, it.Record.Mirror = report.FromMirror, a.Mirror
			e.bytes.Add(a.Bytes)
			return nil
		}
		t.last, failed = fe, fe.Class
		switch {
		case ctx.Err() != nil:
			return it.fail(cancelled(ctx))
		case Local(fe.Class):
			return it.fail(fe)
		case fe.Class == failure.WrongContent && t.tries == 1:
			// Perhaps only damaged on the way: once more, after the others.
		case !fe.Class.Temporary() || t.tries > e.s.Values.Retries:
			t.over = true
		}
	}
}

// next chooses where the next attempt is made: of the hops that may be asked
// now, the one with the fewest attempts, the first of them if there are
// several. rest are the others that may be asked now, in order. Nil means that
// there is none.
func (e *Engine) next(tries []try) (*try, []*try) {
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
			break // only its 404 falls back
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

// others reports whether one of the tries is at a mirror that is up.
func others(rest []*try) bool {
	return slices.ContainsFunc(rest, func(t *try) bool { return !t.hop.Health.Out() })
}

// attempt makes one request for the item at the hop of the turn, hedged by spare
// where that is allowed, and puts what it brings on the shelf. It notes the attempt
// in the item's record, and ends the turn.
func (e *Engine) attempt(ctx context.Context, it *Item, t *turn, spare *session.Hop) *failure.Error {
	start := e.since()
	q := e.open(ctx, it, t, spare)
	h := q.turn.hop
	a := q.record(start)
	fe := q.err
	if fe == nil {
		a.Status = q.resp.Status
		fe = e.receive(ctx, it, q, &a)
	} else {
		q.turn.arrived(0, fe)
	}
	a.MS = e.since() - start
	if fe == nil {
		it.blame(h, start)
	} else {
		a.Class, a.Status, a.Detail = fe.Class, max(a.Status, fe.Status), fe.Detail
	}
	it.Record.Attempts = append(it.Record.Attempts, a)
	it.Record.Bytes = a.Bytes
	switch {
	case fe != nil:
		e.o.Log("%s %s: attempt %d at %s: %s", it.Mod, it.Kind, len(it.Record.Attempts), h.Name(), fe)
	case a.Hedge:
		e.o.Log("%s %s: a second request to %s was faster", it.Mod, it.Kind, h.Name())
	case a.Resumed > 0:
		e.o.Log("%s %s: went on at byte %d at %s", it.Mod, it.Kind, a.Resumed, h.Name())
	}
	q.turn.end(ctx, fe, a.Status != 0)
	return fe
}

// blame says of the mirrors that helped with a file that did not fit
// together that their parts were wrong, now that h has supplied the right file
// without them.
func (it *Item) blame(h *session.Hop, now float64) {
	for _, m := range it.suspects {
		if m == h.Mirror {
			continue
		}
		fe := failure.New(failure.HashMismatch, "verify", m.Name()+"/"+it.path, nil)
		fe.Detail = "a part did not fit to those of " + h.Name() + ", which has the right file"
		m.Health.Failed(fe, true)
		it.Record.Attempts = append(it.Record.Attempts, report.Attempt{Mirror: m.Name(), StartMS: now, Class: fe.Class, Detail: fe.Detail})
	}
	it.suspects = nil
}

// asked is a mirror that an item waits for.
type asked struct {
	hop    *session.Hop
	since  time.Time
	tries  int           // attempts so far that failed
	failed failure.Class // the last of them; "" for none
}

// waiting notes which mirror an item waits for, and with what the attempt before
// failed, "" for the first; nil for none.
func (e *Engine) waiting(it *Item, h *session.Hop, failed failure.Class) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if h == nil {
		delete(e.asked, it)
		return
	}
	a, ok := e.asked[it]
	if !ok {
		a.since = time.Now()
	}
	a.hop, a.failed, a.tries = h, failed, len(it.Record.Attempts)
	e.asked[it] = a
}

// tellAfter is the wait for one file from which on progress names it.
const tellAfter = 3 * time.Second

// Waiting is what has been waited for longest, in words, with how far it is; "" when
// nothing takes long.
func (e *Engine) Waiting() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var at *Item
	for it, a := range e.asked {
		if at == nil || a.since.Before(e.asked[at].since) {
			at = it
		}
	}
	if at == nil {
		return ""
	}
	since := time.Since(e.asked[at].since)
	if since < tellAfter {
		return ""
	}
	far := ""
	for t := range e.active {
		if n, size := t.progress(), t.length(); t.path == at.path && n > 0 && size > 0 {
			far = fmt.Sprintf(" (%s of %s)", report.Bytes(n), report.Bytes(size))
		}
	}
	return fmt.Sprintf("%s %s%s from %s for %d s", at.Mod, at.Kind, far, e.asked[at].hop.Name(), int(since.Seconds()))
}

// retrying is the file that is tried again for the oftenest time, in words; "" for
// none. e.mu is held.
func (e *Engine) retrying() string {
	var at *Item
	for it, a := range e.asked {
		if a.failed == "" {
			continue
		}
		if b := e.asked[at]; at == nil || a.tries > b.tries || a.tries == b.tries && it.Mod.String() < at.Mod.String() {
			at = it
		}
	}
	if at == nil {
		return ""
	}
	a := e.asked[at]
	return fmt.Sprintf("(%s, %s try) %s", a.failed.Title(), ordinal(a.tries+1), at.Mod)
}

func ordinal(n int) string {
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return fmt.Sprint(n) + suffix
}
