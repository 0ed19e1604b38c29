package httpx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"
)

// Phase is what a request was waiting for when its time was over.
type Phase int

// The phases of a request.
const (
	Connecting Phase = iota + 1 // for a connection
	Answering                   // for the response header
	Stalled                     // for bytes of the body
	Total                       // for the end of the whole operation
)

// LimitError is a limit of time of ours that a request reached. It is the cause
// that the request is cancelled with.
type LimitError struct {
	Phase Phase
	Text  string
}

func (e *LimitError) Error() string { return e.Text }

// Timeout makes it a timeout to readers of net.Error.
func (e *LimitError) Timeout() bool { return true }

// Temporary is the other half of net.Error.
func (e *LimitError) Temporary() bool { return true }

// NoAnswer is the limit of the response header.
func NoAnswer(d time.Duration) *LimitError {
	return &LimitError{Answering, fmt.Sprintf("no response within %v", d)}
}

func noConnection(d time.Duration) *LimitError {
	return &LimitError{Connecting, fmt.Sprintf("no connection within %v", d)}
}

// Limits bound the time of a request; 0 means that something is not bounded.
type Limits struct {
	// Connect bounds the time until there is a connection.
	Connect time.Duration
	// Answer bounds the time from then on until the response header is there. It
	// begins anew whenever bytes of the request's body are taken to be sent.
	Answer time.Duration
	// Stall is the time in which MinProgress bytes of the body have to arrive.
	// Only the time spent waiting for the server counts: a reader that is slow
	// itself does not make the server stall.
	Stall time.Duration
}

// MinProgress is what has to arrive within the stall limit: a server that drips
// a byte now and then has stalled too, while the slowest useful links bring
// more.
const MinProgress = 1 << 10

// Limited sends requests under limits, each hop of a redirect under new ones.
// What it ends fails with a *LimitError, also within the body.
type Limited struct {
	Base   http.RoundTripper
	Limits func(*http.Request) Limits
	// Agent is the user agent, whatever a library wrote there, e.g.
	// "modferry/1.2.3"; "" leaves it.
	Agent string
}

// RoundTrip implements http.RoundTripper.
func (l *Limited) RoundTrip(req *http.Request) (*http.Response, error) {
	limits := l.Limits(req)
	ctx, cancel := context.WithCancelCause(req.Context())
	clock := &clock{limits: limits, cancel: cancel}
	clock.bound(limits.Connect, noConnection)
	req = req.Clone(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { clock.connected() },
	}))
	if l.Agent != "" {
		req.Header.Set("User-Agent", l.Agent)
	}
	clock.watch(req)
	resp, err := l.Base.RoundTrip(req)
	clock.stop()
	if err != nil {
		err = limitOr(ctx, err)
		cancel(nil)
		return nil, err
	}
	resp.Body = &body{ReadCloser: resp.Body, ctx: ctx, cancel: cancel, stall: limits.Stall}
	return resp, nil
}

// limitOr is the limit that ended a request, else the error of net/http, which
// says no more than that it was cancelled.
func limitOr(ctx context.Context, err error) error {
	if limit, ok := errors.AsType[*LimitError](context.Cause(ctx)); ok {
		return limit
	}
	return err
}

// clock ends a request whose response header does not come in time. Its methods
// are called by goroutines of net/http, some of them after the request is over.
type clock struct {
	limits Limits
	cancel context.CancelCauseFunc

	mu       sync.Mutex
	timer    *time.Timer // nil while nothing is bounded
	answered bool
}

// bound bounds what the request waits for from now on; 0 leaves it unbounded.
func (c *clock) bound(limit time.Duration, reached func(time.Duration) *LimitError) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
	if limit <= 0 || c.answered {
		return
	}
	var timer *time.Timer
	timer = time.AfterFunc(limit, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.timer == timer { // else it came just now
			c.cancel(reached(limit))
		}
	})
	c.timer = timer
}

// connected gives the server the limit of the answer, counted from now.
func (c *clock) connected() { c.bound(c.limits.Answer, NoAnswer) }

func (c *clock) stop() {
	c.mu.Lock()
	c.answered = true
	c.mu.Unlock()
	c.bound(0, nil)
}

// watch has the body of a request restart the clock as it leaves, also when
// net/http sends it again.
func (c *clock) watch(req *http.Request) {
	if req.Body == nil || req.Body == http.NoBody {
		return
	}
	req.Body = &leaving{req.Body, c}
	if again := req.GetBody; again != nil {
		req.GetBody = func() (io.ReadCloser, error) {
			b, err := again()
			if err != nil {
				return nil, err
			}
			return &leaving{b, c}, nil
		}
	}
}

// leaving is a body on its way to the server.
type leaving struct {
	io.ReadCloser
	clock *clock
}

func (l *leaving) Read(p []byte) (int, error) {
	l.clock.connected() // whoever reads it has a connection
	return l.ReadCloser.Read(p)
}

// body is the body of a response under the stall limit. Closing it ends the
// request.
type body struct {
	io.ReadCloser
	ctx    context.Context
	cancel context.CancelCauseFunc
	stall  time.Duration

	fresh  int64         // bytes since the stall limit was last met
	waited time.Duration // time waited for them
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.read(p)
	if err != nil && err != io.EOF {
		err = limitOr(b.ctx, err)
	}
	return n, err
}

func (b *body) read(p []byte) (int, error) {
	if b.stall <= 0 {
		return b.ReadCloser.Read(p)
	}
	timer := time.AfterFunc(b.stall-b.waited, func() {
		b.cancel(&LimitError{Stalled, fmt.Sprintf("fewer than %d bytes arrived within %v", MinProgress, b.stall)})
	})
	start := time.Now()
	n, err := b.ReadCloser.Read(p)
	timer.Stop()
	b.waited += time.Since(start)
	if b.fresh += int64(n); b.fresh >= MinProgress {
		b.fresh, b.waited = 0, 0
	}
	return n, err
}

func (b *body) Close() error {
	err := b.ReadCloser.Close()
	b.cancel(nil)
	return err
}
