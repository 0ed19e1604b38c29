package mirror

import (
	"context"
	"crypto/tls"
	"net/http/httptrace"
	"sync"
	"time"

	"github.com/modferry/modferry/internal/failure"
)

// Timing says where the time until the response header went. A zero duration
// of DNS, Connect or TLS means that the phase did not happen, as on a reused
// connection. Of redirected requests it is the last hop's, First counts from
// the very start.
type Timing struct {
	DNS, Connect, TLS time.Duration
	Wait              time.Duration // from the request being sent to the first byte of the response
	First             time.Duration // from the start to the first byte of the response
}

// trace collects the timing of one request. The hooks run in goroutines of
// net/http, some of them after the request is over.
type trace struct {
	mu                  sync.Mutex
	start               time.Time
	dns, connect, hello time.Time
	got, first          time.Time
	t                   Timing
}

func newTrace() *trace { return &trace{start: time.Now()} }

func (t *trace) with(ctx context.Context) context.Context {
	lock := func(f func()) { t.mu.Lock(); defer t.mu.Unlock(); f() }
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart: func(httptrace.DNSStartInfo) { lock(func() { t.dns = time.Now() }) },
		DNSDone:  func(httptrace.DNSDoneInfo) { lock(func() { t.t.DNS = time.Since(t.dns) }) },
		ConnectStart: func(string, string) {
			lock(func() { t.connect = time.Now() })
		},
		ConnectDone: func(_, _ string, err error) {
			lock(func() {
				if err == nil {
					t.t.Connect = time.Since(t.connect)
				}
			})
		},
		TLSHandshakeStart: func() { lock(func() { t.hello = time.Now() }) },
		TLSHandshakeDone: func(_ tls.ConnectionState, err error) {
			lock(func() { t.t.TLS = time.Since(t.hello) })
		},
		GotConn: func(httptrace.GotConnInfo) {
			lock(func() { t.got = time.Now() })
		},
		GotFirstResponseByte: func() {
			lock(func() {
				t.first = time.Now()
				t.t.Wait, t.t.First = t.first.Sub(t.got), t.first.Sub(t.start)
			})
		},
	})
}

func (t *trace) timing() Timing {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.t
}

// phase is the class of a failure by limit, from how far the request came.
func (t *trace) phase() failure.Class {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case !t.got.IsZero():
		return failure.FirstByteTimeout
	case !t.hello.IsZero():
		return failure.TLSTimeout
	case !t.dns.IsZero() && t.connect.IsZero():
		return failure.NameLookup
	}
	return failure.ConnectTimeout
}
