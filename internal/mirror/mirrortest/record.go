package mirrortest

import (
	"net/http"
	"slices"
	"sync"
)

// Request is what a server saw of a request, at the moment it arrived.
type Request struct {
	Method string
	Path   string // escaped, below the server's Base: "/example.test/m000/@v/v1.0.0.zip"
	Host   string
	Proto  string // "HTTP/1.1" or "HTTP/2.0"
	TLS    bool
	Peer   string // whom the client's certificate names, "" for none
	Conn   string // the client's end of the connection; equal for requests of one connection
	Header http.Header
}

// Range is the request's Range header, "" when it asked for everything.
func (r Request) Range() string { return r.Header.Get("Range") }

// Authorization is the request's Authorization header.
func (r Request) Authorization() string { return r.Header.Get("Authorization") }

// recorder keeps the requests of a server.
type recorder struct {
	mu       sync.Mutex
	requests []Request
	waiting  map[chan struct{}]arrival // by the channel to close
	inFlight int
	peak     int
}

// arrival is what a channel of Arrived waits for: n requests that match.
type arrival struct {
	match func(Request) bool
	n     int
}

// enter records r; the caller calls leave when it is answered.
func (rec *recorder) enter(r Request) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.requests = append(rec.requests, r)
	rec.inFlight++
	rec.peak = max(rec.peak, rec.inFlight)
	for ch, a := range rec.waiting {
		if rec.count(a.match) >= a.n {
			close(ch)
			delete(rec.waiting, ch)
		}
	}
}

func (rec *recorder) leave() {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.inFlight--
}

func (rec *recorder) count(match func(Request) bool) int {
	n := 0
	for _, r := range rec.requests {
		if match(r) {
			n++
		}
	}
	return n
}

// onPath matches the requests whose path matches a glob.
func onPath(glob string) func(Request) bool {
	return func(r Request) bool { return Glob(glob, r.Path) }
}

// Requests returns what arrived so far, in order.
func (s *Server) Requests() []Request {
	s.rec.mu.Lock()
	defer s.rec.mu.Unlock()
	return slices.Clone(s.rec.requests)
}

// Matching returns the requests so far whose path matches the glob.
func (s *Server) Matching(glob string) []Request {
	return slices.DeleteFunc(s.Requests(), func(r Request) bool { return !Glob(glob, r.Path) })
}

// Count is the number of requests so far whose path matches the glob.
func (s *Server) Count(glob string) int {
	s.rec.mu.Lock()
	defer s.rec.mu.Unlock()
	return s.rec.count(onPath(glob))
}

// Paths returns the paths that match the glob and were asked for so far, each once: a
// client may ask a second time where the first answer is slow.
func (s *Server) Paths(glob string) []string {
	var paths []string
	for _, r := range s.Matching(glob) {
		paths = append(paths, r.Path)
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// Connections is the number of distinct connections that carried a request.
func (s *Server) Connections() int {
	conns := map[string]bool{}
	for _, r := range s.Requests() {
		conns[r.Conn] = true
	}
	return len(conns)
}

// Peak is the largest number of requests that were in flight at a time.
func (s *Server) Peak() int {
	s.rec.mu.Lock()
	defer s.rec.mu.Unlock()
	return s.rec.peak
}

// Forget drops what was recorded, so that a second phase of a test counts from
// zero.
func (s *Server) Forget() {
	s.rec.mu.Lock()
	defer s.rec.mu.Unlock()
	s.rec.requests = nil
	s.rec.peak = s.rec.inFlight
}

// Arrived returns a channel that is closed as soon as n requests matching the
// glob have arrived, those before the call included: tests wait for it instead
// of sleeping.
func (s *Server) Arrived(glob string, n int) <-chan struct{} {
	return s.ArrivedWith(onPath(glob), n)
}

// ArrivedWith is Arrived for requests that a function chooses. The function
// must not call the server's methods.
func (s *Server) ArrivedWith(match func(Request) bool, n int) <-chan struct{} {
	s.rec.mu.Lock()
	defer s.rec.mu.Unlock()
	ch := make(chan struct{})
	if s.rec.count(match) >= n {
		close(ch)
		return ch
	}
	if s.rec.waiting == nil {
		s.rec.waiting = map[chan struct{}]arrival{}
	}
	s.rec.waiting[ch] = arrival{match, n}
	return ch
}

// Glob reports whether the pattern matches all of s: * stands for any run of
// characters, slashes included. The empty pattern matches everything.
func Glob(pattern, s string) bool {
	if pattern == "" {
		return true
	}
	for i := 0; i < len(pattern); i++ {
		if pattern[i] != '*' {
			if s == "" || s[0] != pattern[i] {
				return false
			}
			s = s[1:]
			continue
		}
		rest := pattern[i+1:]
		if rest == "" {
			return true
		}
		for ; s != ""; s = s[1:] {
			if Glob(rest, s) {
				return true
			}
		}
		return Glob(rest, s)
	}
	return s == ""
}
