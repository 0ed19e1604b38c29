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
// connection. Of redirected requests it is the last hop's.
type Timing struct {
	DNS, Connect, TLS time.Duration
	Wait              time.Duration // from the request being sent to the first byte of the response
}

// trace collects the timing of one request. The hooks run in goroutines of
// net/http, some of them after the request is over.
type trace struct {
	mu                       sync.Mutex
	dns, connect, hello, got time.Time
	t                        Timing
}

func (t *trace) begin(phase *time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	*phase = time.Now()
}

func (t *trace) end(phase *time.Time, took *time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	*took = time.Since(*phase)
}

func (t *trace) with(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart:     func(httptrace.DNSStartInfo) { t.begin(&t.dns) },
		DNSDone:      func(httptrace.DNSDoneInfo) { t.end(&t.dns, &t.t.DNS) },
		ConnectStart: func(string, string) { t.begin(&t.connect) },
		ConnectDone: func(_, _ string, err error) {
			if err == nil {
				t.end(&t.connect, &t.t.Connect)
			}
		},
		TLSHandshakeStart:    func() { t.begin(&t.hello) },
		TLSHandshakeDone:     func(tls.ConnectionState, error) { t.end(&t.hello, &t.t.TLS) },
		GotConn:              func(httptrace.GotConnInfo) { t.begin(&t.got) },
		GotFirstResponseByte: func() { t.end(&t.got, &t.t.Wait) },
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
