package storetest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/modferry/modferry/internal/failure"
)

// A wire leads to the server and breaks on demand.
type wire struct {
	mu    sync.Mutex
	fault *fault // nil: all is well
}

// A fault is what happens to requests until it is lifted.
type fault struct {
	// down ends the bodies of responses, up those of requests, after that
	// many bytes: in all, or of each body. io.EOF ends one as if it were
	// whole. nil: they pass.
	down, up func(ctx context.Context) error
	after    int64
	each     bool

	piece  int                            // > 0: responses come in pieces of so many bytes
	answer func() (*http.Response, error) // not nil: instead of every request
	lose   int                            // > 0: the response to that request, counted from 1, gets lost
	once   bool                           // it happens once

	requests int  // so far
	hit      bool // it happened
	stalled  chan struct{}
}

// set breaks the wire, or repairs it.
func (w *wire) set(f *fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fault = f; f != nil {
		f.stalled = make(chan struct{})
	}
}

// happened reports whether the fault came about.
func (w *wire) happened() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.fault != nil && w.fault.hit
}

// strike says that f happens, and reports false when it did and should not
// again.
func (w *wire) strike(f *fault) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if f.hit {
		return !f.once
	}
	f.hit = true
	close(f.stalled)
	return true
}

// spend takes n bytes from those that may pass.
func (w *wire) spend(left *int64, n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*left -= int64(n)
}

// take reserves at most n of the bytes that may pass.
func (w *wire) take(left *int64, n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := int(min(int64(n), max(*left, 0)))
	*left -= int64(t)
	return t
}

// An end is where requests enter the wire.
type end struct {
	*wire
	base http.RoundTripper
}

func (w *end) RoundTrip(req *http.Request) (*http.Response, error) {
	w.mu.Lock()
	f := w.fault
	lost := false
	if f != nil {
		f.requests++
		lost = f.requests == f.lose
	}
	w.mu.Unlock()
	if f == nil {
		return w.base.RoundTrip(req)
	}
	if f.answer != nil {
		w.strike(f)
		if req.Body != nil {
			req.Body.Close()
		}
		resp, err := f.answer()
		if resp != nil {
			resp.Request = req
		}
		return resp, err
	}
	if f.up != nil && req.Body != nil && req.Body != http.NoBody {
		body := w.broken(req.Context(), f, req.Body, f.up)
		req = req.Clone(req.Context())
		req.Body = body
		req.GetBody = nil // it would not be broken
	}
	resp, err := w.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if lost {
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		w.strike(f)
		return nil, errReset
	}
	if f.down != nil || f.piece > 0 {
		resp.Body = w.broken(req.Context(), f, resp.Body, f.down)
	}
	return resp, nil
}

func (w *wire) broken(ctx context.Context, f *fault, body io.ReadCloser, end func(context.Context) error) *brokenBody {
	left := &f.after
	if f.each {
		own := f.after
		left = &own
	}
	return &brokenBody{ReadCloser: body, wire: w, fault: f, ctx: ctx, end: end, left: left}
}

// A brokenBody is a body on a wire that breaks.
type brokenBody struct {
	io.ReadCloser
	wire  *wire
	fault *fault
	ctx   context.Context             // the request's
	end   func(context.Context) error // nil: it does not end early
	left  *int64                      // bytes until then
}

func (b *brokenBody) Read(p []byte) (int, error) {
	if b.fault.piece > 0 {
		p = p[:min(len(p), b.fault.piece)]
	}
	if b.end == nil || len(p) == 0 {
		return b.ReadCloser.Read(p)
	}
	take := b.wire.take(b.left, len(p))
	if take == 0 && b.wire.strike(b.fault) {
		return 0, b.end(b.ctx)
	}
	if take > 0 {
		p = p[:take]
	}
	n, err := b.ReadCloser.Read(p)
	b.wire.spend(b.left, n-take)
	return n, err
}

// errReset is how a connection breaks.
var errReset = fmt.Errorf("read tcp: %w", failure.ErrReset)

// refused is how a server is down.
func refused() (*http.Response, error) {
	return nil, fmt.Errorf("dial tcp: %w", failure.ErrRefused)
}

// overloaded is how a server says that it is.
func overloaded() (*http.Response, error) {
	const text = "try again later"
	return &http.Response{
		Status: "503 Service Unavailable", StatusCode: http.StatusServiceUnavailable,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{"Content-Type": {"text/plain"}},
		Body: io.NopCloser(strings.NewReader(text)), ContentLength: int64(len(text)),
	}, nil
}

// The ways in which a body ends early.
var breaks = []struct {
	name string
	end  func(context.Context) error
}{
	{"a connection that breaks", func(context.Context) error { return errReset }},
	{"a connection that ends", func(context.Context) error { return io.ErrUnexpectedEOF }},
	{"a body that ends as if it were whole", func(context.Context) error { return io.EOF }},
}

// stall waits for the end of the request.
func stall(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}
