package download

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/modcache"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
)

// receive reads the response, verifies and keeps the file. The turn's slot is
// given back as soon as the last byte has arrived: verifying needs the processor,
// not the mirror.
func (e *Engine) receive(ctx context.Context, it *Item, q *request, a *report.Attempt) *failure.Error {
	switch {
	case it.page != nil:
		return e.receivePage(it, q, a)
	case it.Kind == report.KindZip:
		return e.receiveZip(ctx, it, q, a)
	case it.Kind == report.KindMod:
		return e.receiveMod(ctx, it, q, a)
	}
	begin := time.Now()
	data, fe := mirror.ReadInfo(q.resp, it.Mod, q.turn.hop.Name()+"/"+it.path)
	q.received(begin, fe, a)
	if fe != nil {
		return fe
	}
	return failure.As(e.shelf.PutInfo(ctx, it.Mod, data))
}

// received ends a response that was read to its end, or as far as it went.
func (q *request) received(begin time.Time, fe *failure.Error, a *report.Attempt) {
	a.Bytes, a.BodyMS = q.resp.Received(), Measured(time.Since(begin))
	q.resp.Close()
	q.turn.hop.Health.Received(a.Bytes, time.Since(begin))
	q.turn.arrived(a.Bytes, fe)
}

func (e *Engine) receiveMod(ctx context.Context, it *Item, q *request, a *report.Attempt) *failure.Error {
	begin := time.Now()
	tmp, err := e.shelf.Temp()
	fe := failure.As(err)
	switch {
	case fe != nil:
	case it.Want == "":
		_, err := io.Copy(tmp, q.resp)
		fe = failure.As(err)
	default:
		fe = mirror.ReadMod(tmp, q.resp, it.Want, q.turn.hop.Name()+"/"+it.path)
	}
	q.received(begin, fe, a)
	if fe != nil {
		if tmp != nil {
			discard(tmp)
		}
		return fe
	}
	arrived := time.Now()
	err = e.shelf.PutMod(ctx, it.Mod, it.Want, tmp)
	a.VerifyMS = Measured(time.Since(arrived))
	return failure.As(err)
}

func (e *Engine) receiveZip(ctx context.Context, it *Item, q *request, a *report.Attempt) *failure.Error {
	begin := time.Now()
	h := q.turn.hop
	tmp, err := e.shelf.Temp()
	if err != nil {
		q.resp.Close()
		fe := failure.As(err)
		q.turn.arrived(0, fe)
		return fe
	}
	if it.whole[h.Mirror] {
		q.resp.Ranges = false
	}
	helpers, cancel := context.WithCancel(ctx)
	t := newTransfer(helpers, it.path, tmp, h.Mirror, e.partners(it, h))
	// Helpers look once, when the transfer is announced: it has its size by then.
	first := t.begin(q.resp)
	e.track(t)
	e.assist(helpers, t)
	err = t.run(ctx, q.resp, first)
	cancel()
	e.untrack(t)
	t.settle()
	by, others := t.suppliers()
	a.Bytes, a.Resumed, a.BodyMS = t.received, t.resumedAt, Measured(time.Since(begin))
	h.Health.Received(t.received-others, time.Since(begin))
	fe := failure.As(err)
	q.turn.arrived(t.received, fe)
	if fe != nil {
		discard(tmp)
		return fe
	}
	e.arrived.Add(t.received) // until the file counts as brought or as failed
	defer e.arrived.Add(-t.received)
	if e.o.Arrived != nil {
		e.o.Arrived(it, tmp)
	}
	put, arrived := false, time.Now()
	err = e.verifying(ctx, func(parallel int) error {
		put = true
		return e.shelf.PutZip(ctx, it.Mod, it.Want, tmp, modcache.PutOptions{Extract: it.Extracts(e.s.Values), Parallel: parallel})
	})
	a.VerifyMS = Measured(time.Since(arrived))
	if !put {
		discard(tmp)
		return failure.As(err)
	}
	fe = e.forgiveTree(it, err)
	if fe != nil && t.spliced && content(fe.Class) {
		return it.misfit(h, by)
	}
	return fe
}

// misfit is the failure of a zip whose parts were not of one file, whatever the
// validator said. That is no judgement on any mirror's zip. What others
// supplied is dropped first; only a mirror whose own parts do not fit is asked
// for everything in one piece.
func (it *Item) misfit(h *session.Hop, by []*mirror.Mirror) *failure.Error {
	if len(by) > 0 {
		it.alone = true
		it.suspects = append(it.suspects, by...)
	} else {
		if it.whole == nil {
			it.whole = map[*mirror.Mirror]bool{}
		}
		it.whole[h.Mirror] = true
	}
	e := failure.New(failure.CutBody, "verify", h.Name()+"/"+it.path, errAnew)
	e.Detail = "the parts do not fit together"
	for i, m := range by {
		e.Detail += []string{"; from ", ", "}[min(i, 1)] + m.Name()
	}
	return e
}

// forgiveTree turns an extraction that the module makes impossible into a
// finding: the zip is what go.sum names, and a build that does not use the
// module works.
func (e *Engine) forgiveTree(it *Item, err error) *failure.Error {
	var tree *modcache.ExtractError
	if !errors.As(err, &tree) || !tree.OfModule() {
		return failure.As(err)
	}
	e.o.Note(Unextractable(it.Mod.String(), tree))
	return nil
}

// Unextractable is the finding about a module whose zip is right and cannot be
// extracted.
func Unextractable(mod string, err *modcache.ExtractError) finding.Finding {
	return finding.Finding{Check: "zip-not-extractable", Severity: finding.Warning, Found: mod,
		Effect: fmt.Sprintf("its zip is the one go.sum names, but cannot be extracted (%v); a build that uses it fails", err.Err)}
}

// discard gives a temporary file up.
func discard(tmp *os.File) {
	tmp.Close()
	os.Remove(tmp.Name())
}

// partners are the mirrors that may supply parts of the item besides h: those
// that a failure of h would lead to.
func (e *Engine) partners(it *Item, h *session.Hop) []*mirror.Mirror {
	if h.Protected() || h.Local() || it.alone {
		return nil
	}
	var out []*mirror.Mirror
	behind := false
	for _, g := range e.s.Access.Route(*e.chain.Load(), it.Mod.Path) {
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

// verifying does what needs a processor when one is free. The module cache lets a
// zip use further ones while they are free. The error is that of do, or the
// cancellation of a wait.
func (e *Engine) verifying(ctx context.Context, do func(parallel int) error) error {
	select {
	case e.slots <- struct{}{}:
	case <-ctx.Done():
		return cancelled(ctx)
	}
	defer func() { <-e.slots }()
	return do(cap(e.slots))
}

// assist has further requests help with a transfer that takes long, until ctx ends.
func (e *Engine) assist(ctx context.Context, t *transfer) {
	if e.o.Help == 0 {
		return
	}
	e.wg.Go(func() {
		for e.sleep(ctx, e.o.Help) {
			if t.remaining() > 0 {
				from := t.source()
				e.wg.Go(func() { withSlot(ctx, from, func() { t.help(from) }) })
			}
		}
	})
}

func (e *Engine) track(t *transfer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.active[t] = true
	e.cond.Broadcast()
}

func (e *Engine) untrack(t *transfer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.active, t)
	e.cond.Broadcast()
}
