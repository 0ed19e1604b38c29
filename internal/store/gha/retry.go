package gha

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/modferry/modferry/internal/failure"
)

// patience is the time that one call of the store's may spend waiting for the
// service. Requests that wait at the same time wait together, so that the time
// counts once.
type patience struct {
	s *Store

	mu      sync.Mutex
	left    time.Duration
	waiting chan struct{} // closed when the wait under way ends, nil when there is none
	until   time.Duration // length of the wait under way
	unknown bool          // an attempt ended without an answer
}

func (s *Store) patience() *patience { return &patience{s: s, left: s.o.Budget} }

// errImpatient: there is not so much time left.
var errImpatient = errors.New("the time to wait is used up")

// wait waits for d, or joins a wait that is under way and then waits for what d
// has more than that.
func (p *patience) wait(ctx context.Context, d time.Duration) error {
	for d > 0 {
		p.mu.Lock()
		if p.waiting == nil {
			if d > p.left {
				p.mu.Unlock()
				return errImpatient
			}
			p.left -= d
			p.waiting, p.until = make(chan struct{}), d
			p.mu.Unlock()
			err := p.s.o.Sleep(ctx, d)
			p.mu.Lock()
			close(p.waiting)
			p.waiting = nil
			p.mu.Unlock()
			return err
		}
		waiting, until := p.waiting, p.until
		p.mu.Unlock()
		select {
		case <-waiting:
			d -= until
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// charge takes time that was lost to a server that said nothing.
func (p *patience) charge(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left -= d
}

// lost notes whether an attempt was made of which nobody knows what it did.
func (p *patience) lost(yes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unknown = yes
}

func (p *patience) isLost() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.unknown
}

// The pauses between attempts: 0.5 s, 1, 2, 4 and from then on 5 s, each of
// them shorter by up to a half. Five attempts in a row are enough, as for the
// official client, but a server that asks for time gets it.
const (
	firstPause  = 500 * time.Millisecond
	longest     = 5 * time.Second
	maxAttempts = 5
)

// retrier decides about another attempt at one thing.
type retrier struct {
	p      *patience
	failed int // attempts in a row
}

// progress makes the count of attempts begin anew.
func (r *retrier) progress() { r.failed = 0 }

// again waits before another attempt after one that failed with what may pass.
// It returns the error to end with when there is to be none.
func (r *retrier) again(ctx context.Context, err *failure.Error) error {
	s := r.p.s
	r.failed++
	if err.Class == failure.FirstByteTimeout || err.Class == failure.ConnectTimeout {
		r.p.charge(s.o.FirstByte)
	}
	if r.failed >= maxAttempts && err.Class != failure.Throttled {
		return gaveUp(err, fmt.Sprintf("tried %d times", r.failed))
	}
	pause := time.Duration(err.RetryAfter) * time.Millisecond
	if pause == 0 {
		pause = min(firstPause<<min(r.failed-1, 10), longest)
		pause -= time.Duration(s.o.Rand() * float64(pause) / 2)
	}
	switch werr := r.p.wait(ctx, pause); {
	case ctx.Err() != nil:
		return s.ended(ctx, err.Op)
	case errors.Is(werr, errImpatient):
		return gaveUp(err, fmt.Sprintf("waited for it up to the limit of %v", s.o.Budget))
	case werr != nil:
		return s.fail(failure.Classify(werr), err.Op, "", werr)
	}
	s.log(fmt.Sprintf("%v; tried again after %v", err, pause.Round(time.Millisecond)))
	return nil
}

// gaveUp adds to a failure what was done about it.
func gaveUp(err *failure.Error, what string) *failure.Error {
	e := *err
	if e.Detail != "" {
		e.Detail += "; "
	}
	e.Detail += what
	return &e
}

// serverDown are the statuses that pass, as v1's official client sees it.
func serverDown(status int) bool {
	return status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout
}

// serverFails are those of v2 and of blobs.
func serverFails(status int) bool {
	return status == http.StatusInternalServerError || serverDown(status)
}

// passes reports whether a failure of a transfer of bytes may pass.
func passes(err *failure.Error, status func(int) bool) bool {
	switch err.Class {
	case failure.Throttled:
		return true
	case failure.ServerError:
		return status(err.Status)
	}
	return err.Class.Temporary()
}

// answered reports whether somebody was there: a service that cannot be
// reached at all is not worth waiting for.
func answered(err *failure.Error) bool {
	switch err.Class {
	case failure.NameLookup, failure.Refused, failure.Unreachable, failure.ConnectTimeout, failure.ProxyConnect,
		failure.TLSTimeout:
		return false
	}
	return true
}
