package download

import (
	"context"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
)

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

// answer reports whether a failure is an answer about the module rather than
// one of the transfer.
func answer(c failure.Class) bool {
	switch c {
	case failure.NotFound, failure.Gone, failure.Unauthorized, failure.Forbidden:
		return true
	}
	return false
}

// Local reports whether a failure is this machine's, which no mirror can help.
// Too many open files are among them, but that passes.
func Local(c failure.Class) bool {
	switch c {
	case failure.DiskFull, failure.Permission, failure.LocalIO:
		return true
	}
	return false
}

// overload reports whether fewer requests at a time might have prevented it.
func overload(fe *failure.Error) bool {
	if failure.TooManyOpen(fe) {
		return true
	}
	switch fe.Class {
	case failure.Throttled, failure.ServerError, failure.Reset, failure.HTTP2Reset, failure.Refused,
		failure.ConnectTimeout, failure.TLSTimeout, failure.FirstByteTimeout, failure.Stall:
		return true
	}
	return false
}

func cancelled(ctx context.Context) *failure.Error {
	return failure.New(failure.Cancelled, "get", "", context.Cause(ctx))
}

// content reports whether a failure is about the bytes of a complete file.
func content(c failure.Class) bool {
	switch c {
	case failure.HashMismatch, failure.WrongContent, failure.UnsafeZip, failure.TooLarge:
		return true
	}
	return false
}
