package mirror

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/httpx"
)

// Response is a file, or a part of one, about to be read. Close it. One with the
// status 304 has no body: the file is the one that the caller has.
type Response struct {
	Status int
	// ETag and CacheControl are the headers as they were sent, "" when they were
	// not. An ETag here may be a weak one.
	ETag, CacheControl string

	Type      string // Content-Type
	Offset    int64  // where the body starts within the file
	Length    int64  // bytes of the body, -1 unknown
	Size      int64  // bytes of the whole file, -1 unknown
	Validator string // strong ETag (or Last-Modified) of the file; "" when there is none
	Ranges    bool   // parts can be asked for
	// Portable says that Validator may prove that another mirror has the same
	// file: a time of modification can't.
	Portable bool

	body    *body
	release func()
}

// Read reads the body. Its errors are *failure.Error or io.EOF.
func (r *Response) Read(p []byte) (int, error) { return r.body.Read(p) }

// Received is how many bytes of the file were read so far.
func (r *Response) Received() int64 { return r.body.read }

// Close ends the request; a body that was not read to its end costs an
// HTTP/1.1 connection.
func (r *Response) Close() error {
	err := r.body.Close()
	r.release()
	return err
}

// OnClose adds what happens when the response is closed.
func (r *Response) OnClose(f func()) {
	before := r.release
	r.release = func() { before(); f() }
}

// describe fills in what the header says of the file. Of a body with a content
// coding the length, the validator and the ranges are the coded one's, which
// say nothing of the file.
func (r *Response) describe(req Request, resp *http.Response, plain bool) error {
	coded, err := decode(resp, !plain && !req.part())
	if err != nil {
		return err
	}
	r.Length, r.Size = -1, -1
	if !coded {
		r.Length, r.Size = resp.ContentLength, resp.ContentLength
		r.Validator = validator(resp.Header)
	}
	r.Ranges = resp.Header.Get("Accept-Ranges") == "bytes" && r.Validator != "" && r.Size > 0
	r.Portable = strongETag(r.Validator)
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	if !req.part() {
		return errors.New("a part of the file, though the whole was asked for")
	}
	if coded {
		return errors.New("a part of the file in a content coding")
	}
	part, err := httpx.ParseContentRange(resp.Header.Get("Content-Range"))
	if err != nil {
		return err
	}
	if part.Start != req.Offset || (req.End > 0 && part.End > req.End) {
		return fmt.Errorf("asked for the bytes from %d, got those from %d to %d", req.Offset, part.Start, part.End)
	}
	if !sameEntity(resp.Header, req.Validator) {
		return errors.New("the part belongs to another version of the file")
	}
	r.Validator = req.Validator
	r.Offset, r.Length, r.Size, r.Ranges = part.Start, part.End-part.Start, part.Size, true
	return nil
}

// validator returns what If-Range accepts to prove that an entity is the same
// byte for byte (RFC 9110, 13.1.5): a strong ETag, or, of a server that sends
// no ETag at all, a Last-Modified that is at least a second older than the
// response. A weak ETag says that the bytes may differ.
func validator(h http.Header) string {
	if e := h.Get("ETag"); e != "" {
		if strongETag(e) {
			return e
		}
		return ""
	}
	mod, err1 := http.ParseTime(h.Get("Last-Modified"))
	date, err2 := http.ParseTime(h.Get("Date"))
	if err1 == nil && err2 == nil && date.Sub(mod) >= time.Second {
		return h.Get("Last-Modified")
	}
	return ""
}

func strongETag(s string) bool {
	return strings.HasPrefix(s, `"`) && strings.HasSuffix(s, `"`) && len(s) > 2
}

// sameEntity reports whether a part is of the entity that validator names. A
// server may leave out what If-Range has asked for; what it sends must agree.
func sameEntity(h http.Header, validator string) bool {
	name := "Last-Modified"
	if strongETag(validator) {
		name = "ETag"
	}
	got := h.Get(name)
	return got == "" || got == validator
}

// statusError makes the failure of a response that is not a file.
func statusError(resp *http.Response, shown string, now time.Time) *failure.Error {
	e := failure.New(failure.FromStatus(resp.StatusCode), "get", shown, nil)
	e.Status = resp.StatusCode
	e.RetryAfter = httpx.RetryAfter(resp.Header.Get("Retry-After"), now).Milliseconds()
	e.Detail = reason(resp)
	return e
}
