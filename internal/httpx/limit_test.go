package httpx_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/modferry/modferry/internal/httpx"
)

// paced is a connection without a network: it waits for each of its phases, so
// that time is the test's own.
type paced struct {
	connect time.Duration // until there is a connection
	send    time.Duration // for each byte of the request's body
	answer  time.Duration // until the response header
	wait    time.Duration // for each piece of the response's body
	n       int           // bytes of a piece
	left    int           // pieces

	ctx context.Context
}

func (p *paced) pause(d time.Duration) error { return httpx.Sleep(p.ctx, d) }

func (p *paced) RoundTrip(req *http.Request) (*http.Response, error) {
	p.ctx = req.Context()
	if p.pause(p.connect) != nil {
		return nil, context.Canceled // as net/http says it
	}
	httptrace.ContextClientTrace(p.ctx).GotConn(httptrace.GotConnInfo{})
	for req.Body != nil {
		if _, err := req.Body.Read(make([]byte, 1)); err != nil {
			break
		}
		if p.pause(p.send) != nil {
			return nil, context.Canceled
		}
	}
	if p.pause(p.answer) != nil {
		return nil, context.Canceled
	}
	return &http.Response{StatusCode: 200, Body: p, Header: http.Header{"User-Agent": req.Header["User-Agent"]}}, nil
}

func (p *paced) Read(b []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	p.left--
	if p.pause(p.wait) != nil {
		return 0, context.Canceled
	}
	return copy(b, make([]byte, p.n)), nil
}

func (p *paced) Close() error { return nil }

func TestLimited(t *testing.T) {
	t.Parallel()
	all := httpx.Limits{Connect: time.Minute, Answer: time.Minute, Stall: time.Minute}
	const s = time.Second
	for _, test := range []struct {
		name   string
		limits httpx.Limits
		server paced
		pause  time.Duration // of the reader, after each read
		phase  httpx.Phase   // 0: all is well
		says   string
	}{
		{"in time", all, paced{connect: 50 * s, answer: 50 * s, wait: 50 * s, n: httpx.MinProgress, left: 5}, 0, 0, ""},
		{"no connection", all, paced{connect: 61 * s}, 0, httpx.Connecting, "no connection within 1m0s"},
		{"no response", all, paced{connect: 50 * s, answer: 61 * s}, 0, httpx.Answering, "no response within 1m0s"},
		{"a body that leaves slowly", all, paced{send: 50 * s, answer: 50 * s}, 0, 0, ""},
		{"a body that does not leave", all, paced{send: 61 * s}, 0, httpx.Answering, "no response within 1m0s"},
		{"a connection that nothing bounds", httpx.Limits{Answer: time.Minute}, paced{connect: time.Hour, answer: 61 * s}, 0, httpx.Answering, "no response within 1m0s"},
		{"a response that nothing bounds", httpx.Limits{Connect: time.Minute}, paced{connect: 50 * s, answer: time.Hour, wait: time.Hour, n: 1, left: 1}, 0, 0, ""},
		{"a byte now and then", all, paced{wait: 25 * s, n: 1, left: 5}, 0, httpx.Stalled, "fewer than 1024 bytes arrived within 1m0s"},
		{"one byte less than enough", all, paced{wait: 50 * s, n: httpx.MinProgress - 1, left: 2}, 0, httpx.Stalled, "fewer than 1024 bytes"},
		{"no byte", all, paced{wait: 2 * time.Minute, n: httpx.MinProgress, left: 1}, 0, httpx.Stalled, "fewer than 1024 bytes"},
		{"a reader that takes its time", all, paced{wait: s, n: 1, left: 5}, time.Hour, 0, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := &httpx.Limited{Base: &test.server, Limits: func(*http.Request) httpx.Limits { return test.limits }}
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://a.test/", strings.NewReader("xyz"))
				if err != nil {
					t.Fatal(err)
				}
				resp, err := l.RoundTrip(req)
				if err == nil {
					defer resp.Body.Close()
					buffer := make([]byte, httpx.MinProgress)
					for err == nil {
						_, err = resp.Body.Read(buffer)
						time.Sleep(test.pause)
					}
				}
				limit, limited := errors.AsType[*httpx.LimitError](err)
				switch {
				case test.phase == 0 && err != io.EOF:
					t.Errorf("%v, want no error", err)
				case test.phase != 0 && (!limited || limit.Phase != test.phase || !strings.Contains(err.Error(), test.says)):
					t.Errorf("%v, want the limit of phase %d that says %q", err, test.phase, test.says)
				}
			})
		})
	}
}

func TestTheEndOfARequestIsTheCallers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		l := &httpx.Limited{Base: &paced{wait: time.Minute, n: 1, left: 2}, Limits: func(*http.Request) httpx.Limits { return httpx.Limits{} }}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://a.test/", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := l.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Second, func() { cancel(&httpx.LimitError{Phase: httpx.Total, Text: "enough"}) })
		if _, err := io.ReadAll(resp.Body); err == nil || err.Error() != "enough" {
			t.Errorf("read: %v, want the caller's limit", err)
		}
		resp.Body.Close()
		if context.Cause(ctx).Error() != "enough" {
			t.Error("closing a body ended more than its request")
		}
	})
}

func TestTheUserAgentIsOursWhateverALibraryWrote(t *testing.T) {
	t.Parallel()
	req, err := http.NewRequest(http.MethodGet, "http://a.test/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req = req.WithContext(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) {}}))
	req.Header.Set("User-Agent", "a library")
	resp, err := (&httpx.Limited{Base: new(paced), Agent: "modferry/1", Limits: func(*http.Request) httpx.Limits { return httpx.Limits{} }}).RoundTrip(req)
	if err != nil || resp.Header.Get("User-Agent") != "modferry/1" || req.Header.Get("User-Agent") != "a library" {
		t.Errorf("sent %v, %v; the request has %v", resp, err, req.Header)
	}
}
