package fetch

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/modcache"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
)

// leastHedge is the shortest wait for a first byte that a hedge answers to;
// below it a second request costs more than it saves.
const leastHedge = 250 * time.Millisecond

// attempt makes one request for the item at a hop, hedged by spare where that
// is allowed, and puts what it brings into the module cache. It notes the
// attempt in the item's record and the outcome in the mirror's health. The
// caller has passed the gate of the hop and holds a slot of it, which is given
// back.
func (r *run) attempt(ctx context.Context, it *item, h *session.Hop, spare *session.Hop) *failure.Error {
	start := r.since()
	first := r.open(ctx, it, h, spare)
	h = first.hop
	a := first.record(start)
	fe := first.err
	if fe == nil {
		a.Status = first.resp.Status
		fe = r.receive(ctx, it, h, first.resp, &a)
	} else {
		h.Limiter.Release(0, overload(fe))
	}
	a.MS = r.since() - start
	if fe == nil {
		it.blame(h, start)
	} else {
		a.Class, a.Status, a.Detail = fe.Class, max(a.Status, fe.Status), fe.Detail
	}
	it.rec.Attempts = append(it.rec.Attempts, a)
	it.rec.Bytes = a.Bytes
	switch {
	case fe != nil:
		r.log("%s %s: attempt %d at %s: %s", it.mod, it.kind, len(it.rec.Attempts), h.Name(), fe)
	case a.Hedge:
		r.log("%s %s: a second request to %s was faster", it.mod, it.kind, h.Name())
	case a.Resumed > 0:
		r.log("%s %s: went on at byte %d at %s", it.mod, it.kind, a.Resumed, h.Name())
	}
	r.judge(ctx, h, fe, a.Status != 0)
	return fe
}

// blame says of the mirrors that helped with a file that did not fit
// together that their parts were wrong, now that h has supplied the right file
// without them.
func (it *item) blame(h *session.Hop, now float64) {
	for _, m := range it.suspects {
		if m == h.Mirror {
			continue
		}
		fe := failure.New(failure.HashMismatch, "verify", m.Name()+"/"+it.path, nil)
		fe.Detail = "a part did not fit to those of " + h.Name() + ", which has the right file"
		m.Health.Failed(fe, true)
		it.rec.Attempts = append(it.rec.Attempts, report.Attempt{Mirror: m.Name(), StartMS: now, Class: fe.Class, Detail: fe.Detail})
	}
	it.suspects = nil
}

// judge tells the mirror's health how an attempt ended.
func (r *run) judge(ctx context.Context, h *session.Hop, fe *failure.Error, responded bool) {
	switch {
	case fe == nil:
		h.Health.Success()
		h.Health.Supplied()
	case ctx.Err() != nil || local(fe.Class) || errors.Is(fe, errAnew):
		h.Health.Dropped()
	case answer(fe.Class), fe.Class == failure.HashMismatch, fe.Class == failure.UnsafeZip, fe.Class == failure.TooLarge:
		// The mirror works; it is this module that it does not (rightly) have.
		h.Health.Success()
	default:
		h.Health.Failed(fe, responded)
	}
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

// local reports whether a failure is this machine's, which no mirror can help.
// Too many open files are among them, but that passes.
func local(c failure.Class) bool {
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

func (r *run) cancelled(ctx context.Context) *failure.Error {
	return failure.New(failure.Cancelled, "get", "", context.Cause(ctx))
}

// opened is a response header, or the failure to get one, and whose it is.
type opened struct {
	hop   *session.Hop
	resp  *mirror.Response
	err   *failure.Error
	seen  mirror.Seen // empty without a response
	hedge bool
}

// record begins the record of an attempt that was started at a time of the
// run, in milliseconds.
func (o opened) record(start float64) report.Attempt {
	t := o.seen.Timing
	return report.Attempt{Mirror: o.hop.Name(), StartMS: start, Hedge: o.hedge,
		DNSMS: ms(t.DNS), ConnectMS: ms(t.Connect), TLSMS: ms(t.TLS), FirstByteMS: ms(t.Wait)}
}

// open asks h for the item. If the first byte takes longer than it does in 95
// of 100 cases there, a second request is made, to the spare mirror or over
// another connection to the same one, and the first response wins. If that is
// not granted and h responds to nobody at all, the spare mirror's turn has come:
// then the request is given up. The caller holds a slot of h; of the returned
// hop one is held, of the other none.
func (r *run) open(ctx context.Context, it *item, h, spare *session.Hop) opened {
	ask := func(ctx context.Context, h *session.Hop, fresh bool) opened {
		o := opened{hop: h, hedge: fresh}
		var err error
		o.resp, err = h.Get(ctx, mirror.Request{Path: it.path, Max: it.limit(), Fresh: fresh, Seen: &o.seen})
		o.err = failure.As(err)
		return o
	}
	if h.Local() || r.values.NoHedge && spare == nil {
		return ask(ctx, h, false)
	}
	wait, known := h.Health.P95()
	if wait = max(wait, r.hedge); !known || r.values.NoHedge {
		wait = r.silence
	}
	answers := make(chan opened, 2)
	start, began := r.since(), time.Now()
	ctx1, drop1 := context.WithCancelCause(ctx)
	go func() { answers <- ask(ctx1, h, false) }()
	if a, ok := within(answers, wait); ok {
		return r.keep(a, drop1)
	}
	other := h
	if spare != nil {
		other = spare
	}
	if r.values.NoHedge || !r.mayHedge() || !other.Limiter.TryAcquire() {
		a, ok := within(answers, r.silence-time.Since(began))
		if !ok {
			if spare != nil && h.Health.Silent(began) {
				drop1(mirror.Silence(r.silence))
			}
			a = <-answers
		}
		return r.keep(a, drop1)
	}
	ctx2, drop2 := context.WithCancelCause(ctx)
	go func() { answers <- ask(ctx2, other, true) }()
	a := <-answers
	if a.err != nil {
		// One failed: the other one decides, unless it fails as well.
		b := <-answers
		lost, won := a, b
		lost.hop.Limiter.Release(0, overload(lost.err))
		r.judge(ctx, lost.hop, lost.err, lost.err.Status != 0)
		failed := lost.record(start)
		failed.MS, failed.Status, failed.Class, failed.Detail = r.since()-start, lost.err.Status, lost.err.Class, lost.err.Detail
		it.rec.Attempts = append(it.rec.Attempts, failed)
		if won.hedge {
			return r.keep(won, drop2, drop1)
		}
		return r.keep(won, drop1, drop2)
	}
	// The slower one is given up; that says nothing about its mirror.
	keep, lose := drop1, drop2
	if a.hedge {
		keep, lose = drop2, drop1
	}
	lose(errHedged)
	r.wg.Go(func() {
		b := <-answers
		if b.resp != nil {
			b.resp.Close()
		}
		b.hop.Limiter.Release(0, false)
		b.hop.Health.Dropped()
	})
	return r.keep(a, keep)
}

// within waits for an answer for a while.
func within(answers <-chan opened, d time.Duration) (opened, bool) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case a := <-answers:
		return a, true
	case <-timer.C:
		return opened{}, false
	}
}

var errHedged = errors.New("another request was faster")

// keep ties the contexts to the life of the response.
func (r *run) keep(a opened, drops ...context.CancelCauseFunc) opened {
	drop := func() {
		for _, d := range drops {
			d(nil)
		}
	}
	if a.resp == nil {
		drop()
		return a
	}
	a.resp.OnClose(drop)
	return a
}

// receive reads the response, verifies and keeps the file. It gives the slot
// of the hop back as soon as the last byte has arrived: verifying needs the
// processor, not the mirror.
func (r *run) receive(ctx context.Context, it *item, h *session.Hop, resp *mirror.Response, a *report.Attempt) *failure.Error {
	switch it.kind {
	case report.KindZip:
		return r.receiveZip(ctx, it, h, resp, a)
	case report.KindMod:
		return r.receiveMod(ctx, it, h, resp, a)
	}
	begin := time.Now()
	data, fe := mirror.ReadInfo(resp, it.mod, h.Name()+"/"+it.path)
	r.received(h, resp, begin, fe, a)
	if fe != nil {
		return fe
	}
	return failure.As(r.cache.PutInfo(ctx, it.mod, data))
}

// received ends a response that was read to its end, or as far as it went.
func (r *run) received(h *session.Hop, resp *mirror.Response, begin time.Time, fe *failure.Error, a *report.Attempt) {
	a.Bytes = resp.Received()
	resp.Close()
	h.Health.Received(a.Bytes, time.Since(begin))
	h.Limiter.Release(a.Bytes, fe != nil && overload(fe))
}

func (r *run) receiveMod(ctx context.Context, it *item, h *session.Hop, resp *mirror.Response, a *report.Attempt) *failure.Error {
	begin := time.Now()
	tmp, err := r.cache.Temp()
	fe := failure.As(err)
	if fe == nil {
		fe = mirror.ReadMod(tmp, resp, it.want, h.Name()+"/"+it.path)
	}
	r.received(h, resp, begin, fe, a)
	if fe != nil {
		if tmp != nil {
			r.discard(tmp)
		}
		return fe
	}
	return failure.As(r.cache.PutMod(ctx, it.mod, it.want, tmp))
}

func (r *run) receiveZip(ctx context.Context, it *item, h *session.Hop, resp *mirror.Response, a *report.Attempt) *failure.Error {
	begin := time.Now()
	tmp, err := r.cache.Temp()
	if err != nil {
		resp.Close()
		fe := failure.As(err)
		h.Limiter.Release(0, overload(fe))
		return fe
	}
	if it.whole[h.Mirror] {
		resp.Ranges = false
	}
	helpers, cancel := context.WithCancel(ctx)
	t := newTransfer(helpers, it.path, tmp, h.Mirror, r.partners(it, h))
	r.track(t)
	err = t.run(ctx, resp)
	cancel()
	r.untrack(t)
	t.settle()
	by, others := t.suppliers()
	a.Bytes, a.Resumed = t.received, t.resumedAt
	h.Health.Received(t.received-others, time.Since(begin))
	fe := failure.As(err)
	h.Limiter.Release(t.received, fe != nil && overload(fe))
	if fe != nil {
		r.discard(tmp)
		return fe
	}
	o, done, err := r.verifier(ctx, it)
	if err != nil {
		r.discard(tmp)
		return r.cancelled(ctx)
	}
	err = r.cache.PutZip(ctx, it.mod, it.want, tmp, o)
	done()
	fe = r.forgiveTree(it, err)
	if fe != nil && t.spliced && content(fe.Class) {
		return it.misfit(h, by)
	}
	return fe
}

// misfit is the failure of a zip whose parts were not of one file, whatever the
// validator said. That is no judgement on any mirror's zip. What others
// supplied is dropped first; only a mirror whose own parts do not fit is asked
// for everything in one piece.
func (it *item) misfit(h *session.Hop, by []*mirror.Mirror) *failure.Error {
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
func (r *run) forgiveTree(it *item, err error) *failure.Error {
	var tree *modcache.ExtractError
	if !errors.As(err, &tree) || !tree.OfModule() {
		return failure.As(err)
	}
	r.note(unextractable(it.mod.String(), tree))
	return nil
}

// discard gives a temporary file up.
func (r *run) discard(tmp *os.File) {
	tmp.Close()
	os.Remove(tmp.Name())
}

// content reports whether a failure is about the bytes of a complete file.
func content(c failure.Class) bool {
	switch c {
	case failure.HashMismatch, failure.WrongContent, failure.UnsafeZip, failure.TooLarge:
		return true
	}
	return false
}
