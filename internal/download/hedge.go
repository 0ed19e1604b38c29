package download

import (
	"context"
	"errors"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
)

// leastHedge is the shortest wait for a first byte that a hedge answers to;
// below it a second request costs more than it saves.
const leastHedge = 250 * time.Millisecond

// request is one that was made: it has the header of a response, or the failure
// to get one.
type request struct {
	turn  *turn
	hedge bool
	resp  *mirror.Response
	err   *failure.Error
	seen  mirror.Seen             // empty without a response
	stop  context.CancelCauseFunc // ends the request and its body
}

// record begins the record of an attempt that was started at a time of the
// run, in milliseconds.
func (q *request) record(start float64) report.Attempt {
	t := q.seen.Timing
	return report.Attempt{Mirror: q.turn.hop.Name(), StartMS: start, Hedge: q.hedge, Span: q.seen.Span,
		DNSMS: Measured(t.DNS), ConnectMS: Measured(t.Connect), TLSMS: Measured(t.TLS), FirstByteMS: Measured(t.Wait)}
}

// ask makes the request and waits for the header. Its context lives as long as
// the response.
func (q *request) ask(ctx context.Context, it *Item) {
	var err error
	r := mirror.Request{Path: it.path, Max: it.limit(), Fresh: q.hedge, Seen: &q.seen}
	it.page.ask(&r, q.turn.hop.Name())
	q.resp, err = q.turn.hop.Get(ctx, r)
	if q.err = failure.As(err); q.err != nil {
		q.stop(nil)
		return
	}
	q.resp.OnClose(func() { q.stop(nil) })
}

// hedge is a request for an item and, where the first is slow, a second one: to
// the spare mirror or, without one, over another connection to the same. Each has
// a turn of its own; that of the request which is not returned by open has ended,
// or ends as soon as its mirror notices.
type hedge struct {
	e       *Engine
	it      *Item
	spare   *session.Hop // nil for none
	answers chan *request
	start   float64 // of the first request, by the clock of the run
	began   time.Time
}

// open asks the hop of the turn for the item. If the first byte takes longer than
// it does in 95 of 100 cases there, a second request is made, and the first
// response wins. If that is not granted and the hop responds to nobody at all, the
// spare mirror's turn has come: then the request is given up. The turn of the
// request that is returned is held by the caller.
func (e *Engine) open(ctx context.Context, it *Item, t *turn, spare *session.Hop) *request {
	h := t.hop
	if h.Local() || e.s.Values.NoHedge && spare == nil {
		ctx, stop := context.WithCancelCause(ctx)
		q := &request{turn: t, stop: stop}
		q.ask(ctx, it)
		return q
	}
	wait, known := h.Health.P95()
	if wait = max(wait, e.hedge); !known || e.s.Values.NoHedge {
		wait = e.silence
	}
	d := &hedge{e: e, it: it, spare: spare, answers: make(chan *request, 2), start: e.since(), began: time.Now()}
	first := d.launch(ctx, t, false)
	if q := d.within(wait); q != nil {
		return q
	}
	second := d.second(ctx, h)
	if second == nil {
		return d.patient(first)
	}
	q := <-d.answers
	loser := first
	if q == first {
		loser = second
	}
	if q.err != nil {
		return d.other(ctx, q)
	}
	d.abandon(loser)
	return q
}

// launch makes a request whose answer is waited for.
func (d *hedge) launch(ctx context.Context, t *turn, second bool) *request {
	ctx, stop := context.WithCancelCause(ctx)
	q := &request{turn: t, hedge: second, stop: stop}
	go func() {
		q.ask(ctx, d.it)
		d.answers <- q
	}()
	return q
}

// within waits for an answer for a while; nil when there is none.
func (d *hedge) within(wait time.Duration) *request {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case q := <-d.answers:
		return q
	case <-timer.C:
		return nil
	}
}

// second makes the second request, if it is granted and a slot is free; nil
// otherwise.
func (d *hedge) second(ctx context.Context, h *session.Hop) *request {
	if d.spare != nil {
		h = d.spare
	}
	if d.e.s.Values.NoHedge || !d.e.mayHedge() {
		return nil
	}
	t := tryAcquire(h)
	if t == nil {
		return nil
	}
	return d.launch(ctx, t, true)
}

// patient waits for the only request, and gives it up where the spare mirror may
// be asked and this one responds to nobody.
func (d *hedge) patient(only *request) *request {
	if q := d.within(d.e.silence - time.Since(d.began)); q != nil {
		return q
	}
	if d.spare != nil && only.turn.hop.Health.Silent(d.began) {
		only.stop(mirror.Silence(d.e.silence))
	}
	return <-d.answers
}

// other is the other request, after one has failed: that decides, unless it fails
// as well.
func (d *hedge) other(ctx context.Context, lost *request) *request {
	won := <-d.answers
	lost.turn.end(ctx, lost.err, lost.err.Status != 0)
	a := lost.record(d.start)
	a.MS, a.Status, a.Class, a.Detail = d.e.since()-d.start, lost.err.Status, lost.err.Class, lost.err.Detail
	d.it.Record.Attempts = append(d.it.Record.Attempts, a)
	return won
}

// abandon gives the slower request up; that says nothing about its mirror.
func (d *hedge) abandon(loser *request) {
	loser.stop(errHedged)
	d.e.wg.Go(func() {
		<-d.answers
		if loser.resp != nil {
			loser.resp.Close()
		}
		loser.turn.drop()
	})
}

var errHedged = errors.New("another request was faster")

// mayHedge grants a hedge while they are few: at most one in twenty requests.
func (e *Engine) mayHedge() bool {
	if e.hedges.Load() > 2+e.done.Load()/20 {
		return false
	}
	e.hedges.Add(1)
	return true
}
