package gha

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/httpx"
)

// patience is what the attempts of one call of the store's share: the time that
// they may wait, and whether one was made of which nobody knows what it did.
type patience struct {
	s      *Store
	budget *httpx.Budget

	unknown atomic.Bool // an attempt ended without an answer
}

func (s *Store) patience() *patience {
	return &patience{s: s, budget: httpx.NewBudget(s.o.Budget, s.o.Sleep)}
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

func (r *retrier) progress() { r.failed = 0 }

// again waits before another attempt after one that failed with what may pass.
// It returns the error to end with when there is to be none.
func (r *retrier) again(ctx context.Context, err *failure.Error) error {
	s := r.p.s
	r.failed++
	if err.Class == failure.FirstByteTimeout || err.Class == failure.ConnectTimeout {
		r.p.budget.Charge(s.o.FirstByte)
	}
	if r.failed >= maxAttempts && err.Class != failure.Throttled {
		return gaveUp(err, fmt.Sprintf("tried %d times", r.failed))
	}
	pause := time.Duration(err.RetryAfter) * time.Millisecond
	if pause == 0 {
		pause = min(firstPause<<min(r.failed-1, 10), longest)
		pause -= time.Duration(s.o.Rand() * float64(pause) / 2)
	}
	switch werr := r.p.budget.Wait(ctx, pause); {
	case ctx.Err() != nil:
		return s.ended(ctx, err.Op)
	case errors.Is(werr, httpx.ErrSpent):
		return gaveUp(err, fmt.Sprintf("waited for it up to the limit of %v", s.o.Budget))
	case werr != nil:
		return s.fail(failure.Classify(werr), err.Op, "", werr)
	}
	s.log(fmt.Sprintf("%v; tried again after %v", err, pause.Round(time.Millisecond)))
	return nil
}

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
