package gha

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
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

// response is an answer whose body is still to come. Whoever reads the bytes of
// an entry supervises their throughput; read has a limit of its own.
type response struct {
	*http.Response
	s      *Store
	r      *request
	ctx    context.Context // the caller's
	cancel context.CancelCauseFunc
}

// limits are those of one request: what the system holds of its body on the way
// to the server gets a second for every 64 KiB.
func (s *Store) limits(r *http.Request) httpx.Limits {
	return httpx.Limits{Connect: s.o.FirstByte, Answer: s.o.FirstByte + time.Duration(max(r.ContentLength, 0)>>16)*time.Second}
}

// send sends a request once. An answer of any status is no error.
func (s *Store) send(ctx context.Context, r *request) (*response, *failure.Error) {
	if ctx.Err() != nil {
		return nil, failure.As(s.ended(ctx, r.op))
	}
	reqCtx, cancel := context.WithCancelCause(ctx)
	resp := &response{s: s, r: r, ctx: ctx, cancel: cancel}
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body) // http.NoBody to net/http when it is empty
	}
	req, err := http.NewRequestWithContext(reqCtx, r.method, r.url, body)
	if err != nil {
		resp.end()
		return nil, s.fail(failure.WrongContent, r.op, r.url, errors.New("the service named a URL that cannot be read"))
	}
	if len(r.body) > 0 {
		req.GetBody = func() (io.ReadCloser, error) {
			r.open.Add(1)
			return &watched{Reader: bytes.NewReader(r.body), closed: sync.OnceFunc(func() { r.open.Add(-1) })}, nil
		}
		req.Body, _ = req.GetBody()
	}
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
	return resp, nil
}

// watched is the body of a request that reports when the transport lets go of
// it.
type watched struct {
	io.Reader
	closed func()
}

func (w *watched) Close() error {
	w.closed()
	return nil
}

func (r *response) end() {
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
	class := failure.Classify(err)
	if class == failure.Cancelled {
		class = failure.CutBody // of HTTP/2: the server cancelled the stream
	}
	return r.s.fail(class, r.r.op, r.r.url, err)
}

// maxAnswer bounds what is read of an answer that is not the entry.
const maxAnswer = 1 << 20

// read reads the body to its end within the limit of the first byte, and ends
// the request.
func (r *response) read() (answer, *failure.Error) {
	defer r.end()
	limit := r.s.o.FirstByte
	defer time.AfterFunc(limit, func() { r.cancel(httpx.NoAnswer(limit)) }).Stop()
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
