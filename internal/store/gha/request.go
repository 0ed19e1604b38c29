package gha

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/httpx"
)

// request is what to send, again and again if need be.
type request struct {
	op     string // for messages, e.g. "look up NAME"
	method string
	url    string
	header map[string]string
	body   []byte         // nil: none
	token  bool           // carries the runtime token, and follows no redirect
	passes func(int) bool // the statuses 5xx after which to try again
	far    bool           // also tried again when nobody could be reached

	open atomic.Int32 // bodies that the transport did not close yet
}

// response is an answer whose body is still to come. The limit of its first
// byte goes on until headed or read is called.
type response struct {
	*http.Response
	s      *Store
	r      *request
	ctx    context.Context // the caller's
	reqCtx context.Context // the request's own
	cancel context.CancelCauseFunc
	timer  *time.Timer
}

// silence is the cause of a request that ended because nothing came.
type silence struct {
	class failure.Class
	limit time.Duration
}

func (e *silence) Error() string {
	if e.class == failure.ConnectTimeout {
		return fmt.Sprintf("no connection within %v", e.limit)
	}
	return fmt.Sprintf("no response within %v", e.limit)
}

// send sends a request once. An answer of any status is no error.
func (s *Store) send(ctx context.Context, r *request) (*response, *failure.Error) {
	if ctx.Err() != nil {
		return nil, failure.As(s.ended(ctx, r.op))
	}
	reqCtx, cancel := context.WithCancelCause(ctx)
	var connected atomic.Bool
	quiet := func() *silence {
		if !connected.Load() {
			return &silence{failure.ConnectTimeout, s.o.FirstByte}
		}
		return &silence{failure.FirstByteTimeout, s.o.FirstByte + time.Duration(len(r.body)>>16)*time.Second}
	}
	timer := time.AfterFunc(s.o.FirstByte, func() { cancel(quiet()) })
	resp := &response{s: s, r: r, ctx: ctx, reqCtx: reqCtx, cancel: cancel, timer: timer}
	again := func() {
		if timer.Stop() {
			timer.Reset(quiet().limit)
		}
	}
	traced := httptrace.WithClientTrace(reqCtx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true); again() },
	})
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body) // http.NoBody to net/http when it is empty
	}
	req, err := http.NewRequestWithContext(traced, r.method, r.url, body)
	if err != nil {
		resp.end()
		return nil, s.fail(failure.WrongContent, r.op, r.url, errors.New("the service named a URL that cannot be read"))
	}
	if len(r.body) > 0 {
		req.GetBody = func() (io.ReadCloser, error) {
			r.open.Add(1)
			return &watched{Reader: bytes.NewReader(r.body), read: again, closed: sync.OnceFunc(func() { r.open.Add(-1) })}, nil
		}
		req.Body, _ = req.GetBody()
	}
	req.Header.Set("User-Agent", s.o.UserAgent)
	for name, value := range r.header {
		req.Header.Set(name, value)
	}
	if r.token && s.place.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.place.token)
	}
	got, err := s.client.Do(req)
	if err != nil {
		fe := resp.broke(err)
		resp.end()
		return nil, fe
	}
	resp.Response = got
	again()
	return resp, nil
}

// watched is the body of a request that reports what becomes of it.
type watched struct {
	*bytes.Reader
	read, closed func()
}

func (w *watched) Read(p []byte) (int, error) {
	w.read()
	return w.Reader.Read(p)
}

// WriteTo would bypass Read.
func (w *watched) WriteTo(to io.Writer) (int64, error) {
	return io.Copy(to, struct{ io.Reader }{w})
}

func (w *watched) Close() error {
	w.closed()
	return nil
}

// headed ends the limit of the first byte: the body may take its time.
func (r *response) headed() { r.timer.Stop() }

// end ends the request and what is left of its body.
func (r *response) end() {
	r.timer.Stop()
	if r.Response != nil {
		r.Body.Close()
	}
	r.cancel(nil)
}

// broke classifies an error of the request or of its body. What ended it
// wins over what net/http made of it.
func (r *response) broke(err error) *failure.Error {
	if r.ctx.Err() != nil {
		return failure.As(r.s.ended(r.ctx, r.r.op))
	}
	if quiet, ok := errors.AsType[*silence](context.Cause(r.reqCtx)); ok {
		return r.s.fail(quiet.class, r.r.op, r.r.url, quiet)
	}
	class := failure.Classify(err)
	if class == failure.Cancelled {
		class = failure.CutBody // of HTTP/2: the server cancelled the stream
	}
	return r.s.fail(class, r.r.op, r.r.url, err)
}

// maxAnswer bounds what is read of an answer that is not the entry.
const maxAnswer = 1 << 20

// read reads the body to its end, and ends the request.
func (r *response) read() (answer, *failure.Error) {
	defer r.end()
	body, err := io.ReadAll(io.LimitReader(r.Body, maxAnswer))
	if err != nil {
		return answer{}, r.broke(err)
	}
	return answer{s: r.s, r: r.r, status: r.StatusCode, header: r.Header, body: body}, nil
}

// checkRedirect follows to where an entry is stored. A question that carries the
// token stays where it was asked, and so does what is written: a PUT could
// become a GET that succeeds.
func checkRedirect(req *http.Request, via []*http.Request) error {
	if via[0].Header.Get("Authorization") != "" || via[0].Method != http.MethodGet {
		return http.ErrUseLastResponse
	}
	return httpx.CheckRedirect(req, via)
}
