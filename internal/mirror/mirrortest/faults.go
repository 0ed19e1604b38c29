package mirrortest

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
)

// Status answers with the code and a line of plain text.
func Status(code int) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		http.Error(w, "scripted: "+http.StatusText(code), code)
	}
}

// RetryAfter answers with the code and a Retry-After header, which holds
// seconds or an HTTP date.
func RetryAfter(code int, value string) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		w.Header().Set("Retry-After", value)
		Status(code)(w, r, next)
	}
}

// SlowFirstByte answers nothing until release is closed, then healthily. A nil
// release never comes: the request waits until the client or the server gives
// up.
func SlowFirstByte(release <-chan struct{}) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		select {
		case <-release:
			next.ServeHTTP(w, r)
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
}

// StallAfter sends the header and the first n bytes of the body, then nothing
// until release is closed; then the rest. A nil release never comes. The n
// must be less than the body has.
func StallAfter(n int, release <-chan struct{}) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		full := capture(r, next)
		rest := full.start(w, n)
		select {
		case <-release:
			w.Write(rest)
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
}

// CutAfter sends the header with the true length and the first n bytes of the
// body, then breaks off: HTTP/1.1 closes the connection (an unexpected EOF to
// the client), HTTP/2 resets the stream with INTERNAL_ERROR.
func CutAfter(n int) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		capture(r, next).start(w, n)
		panic(http.ErrAbortHandler)
	}
}

// CutWithoutLength is CutAfter for a body whose length was never announced:
// chunked on HTTP/1.1.
func CutWithoutLength(n int) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		full := capture(r, next)
		full.noLength = true
		full.start(w, n)
		panic(http.ErrAbortHandler)
	}
}

// NoLength answers healthily but does not announce the length.
func NoLength() Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		full := capture(r, next)
		full.noLength = true
		w.Write(full.start(w, 0))
	}
}

// ResetAfter sends the header and n bytes, then resets the TCP connection
// (RST), with everything else that HTTP/2 carries on it. A negative n resets
// before the header. The client sees "connection reset by peer"; over HTTP/2 it
// may be "unexpected EOF", because the kernel reports a reset only once and a
// write of the client may have got it.
func ResetAfter(n int) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if n >= 0 {
			capture(r, next).start(w, n)
		}
		conn, _ := r.Context().Value(connKey{}).(net.Conn)
		if t, ok := conn.(interface{ NetConn() net.Conn }); ok { // *tls.Conn
			conn = t.NetConn()
		}
		if tcp, ok := conn.(*net.TCPConn); ok {
			tcp.SetLinger(0)
			tcp.Close()
		}
		panic(http.ErrAbortHandler)
	}
}

// LengthTooLong announces extra bytes more than it sends.
func LengthTooLong(extra int) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		full := capture(r, next)
		full.announce = len(full.body) + extra
		full.start(w, len(full.body))
		// HTTP/1.1 closes the connection now, HTTP/2 ends the stream early.
	}
}

// LengthTooShort announces missing bytes less than there are. HTTP/1.1 sends
// them all the same, beyond the announced end of the response, and closes the
// connection; HTTP/2 cannot send more than it announced.
func LengthTooShort(missing int) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		full := capture(r, next)
		short := max(len(full.body)-missing, 0)
		if r.ProtoMajor > 1 {
			full.announce = short
			full.start(w, short)
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err) // HTTP/1.1 can always be hijacked
		}
		defer conn.Close()
		full.header.Set("Content-Length", strconv.Itoa(short))
		full.header.Set("Connection", "close")
		var b bytes.Buffer
		fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", full.code, http.StatusText(full.code))
		full.header.Write(&b)
		b.WriteString("\r\n")
		b.Write(full.body)
		conn.Write(b.Bytes())
	}
}

// HTML answers 200 with a login page, as a captive portal does.
func HTML() Fault {
	return Body("text/html; charset=utf-8", []byte("<!DOCTYPE html>\n<html><head><title>Sign in</title></head>\n<body><form action=\"/login\">Accept the terms</form></body></html>\n"))
}

// Empty answers 200 without a body.
func Empty() Fault { return Body("application/octet-stream", nil) }

// Body answers 200 with these bytes whatever was asked for.
func Body(contentType string, data []byte) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Content-Length", strconv.Itoa(len(data)))
		w.Write(data)
	}
}

// Serve answers as a healthy mirror over other fixtures.
func Serve(f *Fixtures) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		(&mirrorHandler{f: f}).ServeHTTP(w, r)
	}
}

// Swap answers with the same kind of file of another module.
func Swap(a *Artifact) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		kind := r.URL.Path[strings.LastIndexByte(r.URL.Path, '.')+1:]
		(&mirrorHandler{}).send(w, r, kind, a.File(kind))
	}
}

// Flip answers with one bit of the entity changed, at an offset from its
// beginning (or, when negative, from its end), under the ETag of the true one:
// what a broken cache or disk does. Ranges of the entity are served as usual.
func Flip(offset int) Fault {
	return Edit(func(body []byte) []byte {
		if offset < 0 {
			offset += len(body)
		}
		if 0 <= offset && offset < len(body) {
			body[offset] ^= 0x40
		}
		return body
	})
}

// Truncate answers with only the first n bytes, announced as if they were all.
func Truncate(n int) Fault {
	return Edit(func(body []byte) []byte { return body[:min(n, len(body))] })
}

// Edit answers with what f makes of the whole entity, under the headers of the
// true one. The function gets a copy of its own.
func Edit(f func(body []byte) []byte) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		whole := r.Clone(r.Context())
		whole.Header.Del("Range")
		full := capture(whole, next)
		full.header.Del("Content-Length")
		maps.Copy(w.Header(), full.header)
		if full.code != http.StatusOK {
			w.WriteHeader(full.code)
			w.Write(full.body)
			return
		}
		serveEntity(w, r, f(full.body))
	}
}

// RedirectTo sends the client to the same path (that below the server's Base)
// under another URL: a storage host, or one that fails.
func RedirectTo(base string) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		http.Redirect(w, r, strings.TrimSuffix(base, "/")+r.URL.RequestURI(), http.StatusFound)
	}
}

// RedirectLoop sends the client to where it is.
func RedirectLoop() Fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		http.Redirect(w, r, r.RequestURI, http.StatusFound)
	}
}

// WrongRange answers a request for a range with 206 and the bytes from shift
// further on, and everything else healthily.
func WrongRange(shift int) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		spec, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes=")
		first, last, _ := strings.Cut(spec, "-")
		from, err := strconv.Atoi(first)
		if !ok || err != nil {
			next.ServeHTTP(w, r)
			return
		}
		moved := r.Clone(r.Context())
		moved.Header.Set("Range", fmt.Sprintf("bytes=%d-%s", from+shift, last))
		next.ServeHTTP(w, moved)
	}
}

// Gzip answers healthily but claims that the body is gzip.
func Gzip() Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		w.Header().Set("Content-Encoding", "gzip")
		next.ServeHTTP(w, r)
	}
}

// Coded answers healthily in gzip under this Content-Encoding, whatever was
// asked for, with the validators of the plain body, and to a range with the
// range of the plain body, coded: what a careless cache does.
func Coded(coding string) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		full := capture(r, next)
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write(full.body)
		z.Close()
		full.body = b.Bytes()
		full.header.Set("Content-Encoding", coding)
		w.Write(full.start(w, 0))
	}
}

// Header answers healthily, with this header field in place of its own; an
// empty value leaves it out.
func Header(name, value string) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		full := capture(r, next)
		full.header.Del(name)
		if value != "" {
			full.header.Set(name, value)
		}
		w.Write(full.start(w, 0))
	}
}

// IsPart matches requests for a range, to narrow a Rule.
func IsPart(r *http.Request) bool { return r.Header.Get("Range") != "" }

// Chain lets each fault wrap the next: Chain(SlowFirstByte(c), CutAfter(10)).
func Chain(first Fault, then ...Fault) Fault {
	if len(then) == 0 {
		return first
	}
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		first(w, r, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			Chain(then[0], then[1:]...)(w, r, next)
		}))
	}
}

// response is what a handler would have answered.
type response struct {
	code     int
	header   http.Header
	body     []byte
	announce int // the Content-Length to state, when not that of body
	noLength bool
}

// capture asks next without sending anything.
func capture(r *http.Request, next http.Handler) *response {
	rec := httptest.NewRecorder()
	next.ServeHTTP(rec, r)
	return &response{code: rec.Code, header: rec.Header(), body: rec.Body.Bytes(), announce: -1}
}

// start sends the header and the first n bytes so that they reach the client
// now, and returns the rest.
func (p *response) start(w http.ResponseWriter, n int) []byte {
	maps.Copy(w.Header(), p.header)
	switch {
	case p.noLength:
		w.Header().Del("Content-Length")
	case p.announce >= 0:
		w.Header().Set("Content-Length", strconv.Itoa(p.announce))
	default:
		w.Header().Set("Content-Length", strconv.Itoa(len(p.body)))
	}
	n = min(n, len(p.body))
	w.WriteHeader(p.code)
	w.Write(p.body[:n])
	http.NewResponseController(w).Flush()
	return p.body[n:]
}
