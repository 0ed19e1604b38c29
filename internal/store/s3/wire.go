package s3

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"sync"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/httpx"
)

// trace is what is known about the requests of one call: minio-go retries and
// wraps, and loses the kind of an error on the way.
type trace struct {
	cancel context.CancelCauseFunc // ends the call, retries included
	slow   bool                    // the server works for long before it answers

	mu     sync.Mutex
	err    *failure.Error // of the last request, nil when there was a response
	date   string         // the server's clock
	waited int            // requests that ran into a time limit
}

type traceKey struct{}

// begin starts a call. Its end has to be called when nothing of the call is
// under way any more, bodies included.
func begin(ctx context.Context) (context.Context, *trace) {
	t := new(trace)
	ctx, t.cancel = context.WithCancelCause(ctx)
	return context.WithValue(ctx, traceKey{}, t), t
}

func (t *trace) end() { t.cancel(nil) }

// failure returns how the last request failed, nil when there was an answer.
func (t *trace) failure() *failure.Error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}

func (t *trace) serverDate() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.date
}

func (t *trace) answered(h http.Header) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.err, t.date = nil, h.Get("Date")
}

// failed notes a failure and ends the call where another try makes no sense:
// minio-go itself repeats everything, also what waited for ten seconds in vain.
func (t *trace) failed(err *failure.Error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.err = err
	switch err.Class {
	case failure.ConnectTimeout, failure.TLSTimeout, failure.FirstByteTimeout, failure.Stall, failure.Timeout:
		t.waited++
	}
	if !err.Class.Temporary() || t.waited >= 2 {
		t.cancel(err)
	}
}

// wire notes in the trace of the call what became of each of its requests.
type wire struct {
	base http.RoundTripper
}

// newWire is what every request goes through, those for credentials included:
// the trace of the call, our name, the limits of time.
func newWire(o Options) *wire {
	limits := func(req *http.Request) httpx.Limits {
		limit := 2 * o.Stall // what is under way to the server has to arrive, too
		if t, _ := req.Context().Value(traceKey{}).(*trace); t != nil && t.slow {
			limit = 10 * o.Stall
		}
		return httpx.Limits{Connect: limit, Answer: limit, Stall: o.Stall}
	}
	return &wire{&httpx.Limited{Base: o.Transport, Limits: limits, Agent: o.UserAgent}}
}

// RoundTrip sends one request.
func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	t, _ := req.Context().Value(traceKey{}).(*trace)
	if t == nil { // a request for credentials
		t = &trace{cancel: func(error) {}}
	}
	r := req.Clone(req.Context())
	r.Header.Set("Accept-Encoding", "identity") // not signed, as the user agent
	resp, err := w.base.RoundTrip(r)
	if err != nil {
		f := classify(req.Context(), &url.Error{Op: req.Method, Err: err})
		t.failed(f)
		return nil, f
	}
	t.answered(resp.Header)
	body := &received{ReadCloser: resp.Body, ctx: req.Context(), trace: t}
	resp.Body = body
	if resp.StatusCode == http.StatusOK && req.URL.Query().Has("list-type") {
		// minio-go takes any XML for a list, a web page for an empty one.
		peeked := bufio.NewReader(body)
		start, _ := peeked.Peek(512)
		if failure.IsPage(start) {
			body.Close()
			f := failure.New(failure.WrongContent, "", "", errPage)
			t.failed(f)
			return nil, f
		}
		resp.Body = struct {
			io.Reader
			io.Closer
		}{peeked, body}
	}
	return resp, nil
}

var errPage = errors.New("what answers is no S3 service, it sent a web page: correct endpoint= in the setting cache")

// classify makes a failure of an error of a request or its body. The cause of
// a cancelled context says more than what net/http makes of it.
func classify(ctx context.Context, err error) *failure.Error {
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if f, ok := errors.AsType[*failure.Error](err); ok {
		return f
	}
	return failure.New(failure.Classify(err), "", "", err)
}

// received is the body of a response. Its errors are *failure.Error, and the
// trace has them.
type received struct {
	io.ReadCloser
	ctx   context.Context
	trace *trace
}

func (b *received) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == nil || err == io.EOF {
		return n, err
	}
	f := classify(b.ctx, err)
	b.trace.mu.Lock()
	b.trace.err = f
	b.trace.mu.Unlock()
	return n, f
}
