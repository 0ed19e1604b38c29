package watch

import (
	"io"
	"net/http"
	"time"
)

// answer notes what is answered, and gives each write a limit of its own: one for the
// whole answer would cut large zips on slow links.
type answer struct {
	http.ResponseWriter
	limit  time.Duration
	status int
	bytes  int64
}

// piece is what is written under one limit.
const piece = 1 << 20

func (a *answer) extend() {
	if a.limit > 0 {
		_ = http.NewResponseController(a.ResponseWriter).SetWriteDeadline(time.Now().Add(a.limit)) // what has none is a test
	}
}

func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= http.StatusOK {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	a.begin()
	n, err := a.ResponseWriter.Write(p)
	a.bytes += int64(n)
	return n, err
}

func (a *answer) begin() {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	a.extend()
}

// ReadFrom keeps what copies a file without the detour through memory.
func (a *answer) ReadFrom(src io.Reader) (n int64, err error) {
	whole, ok := src.(*io.LimitedReader)
	if !ok {
		whole = &io.LimitedReader{R: src, N: 1<<63 - 1}
	}
	for whole.N > 0 {
		a.begin()
		part := io.LimitedReader{R: whole.R, N: min(whole.N, piece)}
		want := part.N
		k, err := io.Copy(a.ResponseWriter, &part)
		n, whole.N, a.bytes = n+k, whole.N-k, a.bytes+k
		if err != nil || k < want {
			return n, err
		}
	}
	return n, nil
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
