package ghatest

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
)

// Fault answers a request in place of the service, or with its help: next is
// the healthy service. A fault that waits ends with the request's context,
// which the server's Close ends, too.
type Fault func(w http.ResponseWriter, r *http.Request, next http.Handler)

// Rule says which requests meet a fault. The first rule that applies decides.
type Rule struct {
	Op Op // "" means every request
	// Match narrows it further; nil means no further condition. It is not
	// called concurrently.
	Match func(Request) bool
	// Skip lets that many matching requests pass first.
	Skip int
	// Times bounds how many meet the fault; 0 means all.
	Times int

	Do Fault
}

// Always makes every request of a kind meet the fault.
func Always(op Op, do Fault) Rule { return Rule{Op: op, Do: do} }

// First makes the first n requests of a kind meet the fault.
func First(n int, op Op, do Fault) Rule { return Rule{Op: op, Times: n, Do: do} }

// Nth makes one request of a kind meet the fault, counted from 1.
func Nth(n int, op Op, do Fault) Rule { return Rule{Op: op, Skip: n - 1, Times: 1, Do: do} }

// From makes the n-th request of a kind, counted from 1, and all later ones
// meet the fault.
func From(n int, op Op, do Fault) Rule { return Rule{Op: op, Skip: n - 1, Do: do} }

// Fault adds rules after those that are there.
func (s *Server) Fault(add ...Rule) {
	s.rules.mu.Lock()
	defer s.rules.mu.Unlock()
	for _, r := range add {
		s.rules.list = append(s.rules.list, &ruleState{Rule: r})
	}
}

// Heal removes all rules. Requests that wait in a fault go on waiting.
func (s *Server) Heal() {
	s.rules.mu.Lock()
	defer s.rules.mu.Unlock()
	s.rules.list = nil
}

type rules struct {
	mu   sync.Mutex
	list []*ruleState
}

type ruleState struct {
	Rule
	seen int
}

// choose returns the fault for a request, nil for none.
func (rs *rules) choose(req Request) Fault {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	for _, rule := range rs.list {
		if rule.Op != "" && rule.Op != req.Op || rule.Match != nil && !rule.Match(req) {
			continue
		}
		n := rule.seen
		rule.seen++
		if n >= rule.Skip && (rule.Times == 0 || n < rule.Skip+rule.Times) {
			return rule.Do
		}
	}
	return nil
}

// Status answers with the code and a line of plain text.
func Status(code int) Fault {
	return Answer(code, "text/plain; charset=utf-8", "scripted: "+http.StatusText(code)+"\n")
}

// RetryAfter answers with the code and a Retry-After header, which holds
// seconds or an HTTP date.
func RetryAfter(code int, value string) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		w.Header().Set("Retry-After", value)
		Status(code)(w, r, next)
	}
}

// Answer answers with these bytes, whatever was asked. What the request brings
// is read to its end.
func Answer(code int, contentType, body string) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(code)
		io.WriteString(w, body)
	}
}

// Twirp answers with an error of the service v2.
func Twirp(code int, name, message string) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		io.Copy(io.Discard, r.Body)
		twirpError(w, code, name, message)
	}
}

// NotOK answers 200 with ok:false, as v2 says no.
func NotOK(message string) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		io.Copy(io.Discard, r.Body)
		writeJSON(w, http.StatusOK, map[string]any{"ok": false, "message": message})
	}
}

// Expired answers 403 as Azure does for a URL that is no longer valid.
func Expired() Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		io.Copy(io.Discard, r.Body)
		azureError(w, http.StatusForbidden, "AuthenticationFailed", "Signature not valid in the specified time frame")
	}
}

// Wait does nothing until release is closed, then what the service does. A nil
// release never comes: the request waits until the client or the server gives
// up.
func Wait(release <-chan struct{}) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		select {
		case <-release:
			next.ServeHTTP(w, r)
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
}

// Signal closes reached when a request meets it for the first time, then goes
// on with the fault then, nil meaning the healthy service.
func Signal(reached chan<- struct{}, then Fault) Fault {
	var once sync.Once
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		once.Do(func() { close(reached) })
		if then == nil {
			next.ServeHTTP(w, r)
			return
		}
		then(w, r, next)
	}
}

// Call calls f and then does what the service does.
func Call(f func()) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		f()
		next.ServeHTTP(w, r)
	}
}

// CutAfter sends the header and the first n bytes of the body, then ends the
// connection.
func CutAfter(n int64) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(&limitedBody{ResponseWriter: w, left: n, then: func() { panic(http.ErrAbortHandler) }}, r)
	}
}

// StallAfter sends the header and the first n bytes of the body, then nothing
// until release is closed; then the rest. A nil release never comes.
func StallAfter(n int64, release <-chan struct{}) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(&limitedBody{ResponseWriter: w, left: n, then: func() {
			select {
			case <-release:
			case <-r.Context().Done():
				panic(http.ErrAbortHandler)
			}
		}}, r)
	}
}

// Reset resets the connection (RST) instead of answering, before anything of
// the request's body was read.
func Reset() Fault {
	return func(_ http.ResponseWriter, r *http.Request, _ http.Handler) { reset(r) }
}

// ResetAfterReading takes n bytes of what the request brings, then resets the
// connection.
func ResetAfterReading(n int64) Fault {
	return func(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
		io.CopyN(io.Discard, r.Body, n)
		reset(r)
	}
}

// LoseAnswer does what was asked, but resets the connection instead of
// answering.
func LoseAnswer() Fault {
	return func(_ http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(&discarded{header: http.Header{}}, r)
		reset(r)
	}
}

func reset(r *http.Request) {
	if tcp, ok := r.Context().Value(connKey{}).(*net.TCPConn); ok {
		tcp.SetLinger(0)
		tcp.Close()
	}
	panic(http.ErrAbortHandler)
}

// limitedBody calls then once, before the byte after the left ones.
type limitedBody struct {
	http.ResponseWriter
	left int64
	then func()
}

func (l *limitedBody) Write(b []byte) (int, error) {
	if l.then == nil || int64(len(b)) <= l.left {
		l.left -= int64(len(b))
		return l.ResponseWriter.Write(b)
	}
	n, err := l.ResponseWriter.Write(b[:l.left])
	if err != nil {
		return n, err
	}
	http.NewResponseController(l.ResponseWriter).Flush()
	l.then()
	l.then = nil
	m, err := l.ResponseWriter.Write(b[n:])
	return n + m, err
}

// discarded takes an answer that nobody gets.
type discarded struct{ header http.Header }

func (d *discarded) Header() http.Header         { return d.header }
func (d *discarded) WriteHeader(int)             {}
func (d *discarded) Write(b []byte) (int, error) { return len(b), nil }

// WrongRange answers a request for a range with 206 and the bytes from shift
// further on.
func WrongRange(shift int64) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		moved := r.Clone(r.Context())
		var from, to int64
		if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &from, &to); err == nil {
			moved.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", from+shift, to+shift))
		}
		next.ServeHTTP(w, moved)
	}
}
