package relay

import (
	"cmp"
	"net"
	"net/http"
	"path"
	"slices"
	"strconv"
	"sync"

	"github.com/modferry/modferry/internal/failure"
)

// Step is what a step of the job asked for.
type Step struct {
	Name  string `json:"name"`  // its id, or what the runner calls it
	Files int    `json:"files"` // zips and go.mod files, also such as were there
	Bytes int64  `json:"bytes"`
}

// steps counts what steps ask for, where the system says whose connection it is.
type steps struct {
	mu   sync.Mutex
	busy sync.WaitGroup
	of   map[string]string // connection → step
	all  map[string]*Step
}

// Connections and steps that are remembered at a time.
const mostSteps = 1000

// serve lets h answer, and counts the answer. To find out who asks takes longer than
// many an answer, so nobody waits for that.
func (s *steps) serve(h http.Handler, w http.ResponseWriter, req *http.Request) {
	kind := path.Ext(req.URL.Path)
	local, ok := req.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok || kind != ".zip" && kind != ".mod" {
		h.ServeHTTP(w, req)
		return
	}
	done := make(chan int64, 1)
	s.busy.Go(func() {
		name := s.name(req.RemoteAddr, local.String())
		if size := <-done; size >= 0 && name != "" {
			s.count(name, size)
		}
	})
	size := int64(-1)
	defer func() { done <- size }() // also when the client has left
	h.ServeHTTP(w, req)
	if w.Header().Get("X-Cache") != "" {
		size, _ = strconv.ParseInt(w.Header().Get("Content-Length"), 10, 64)
	}
}

func (s *steps) name(client, server string) string {
	s.mu.Lock()
	name, known := s.of[client]
	s.mu.Unlock()
	if known {
		return name
	}
	if name = failure.Plain(stepOf(client, server)); len(name) > 100 {
		name = name[:100]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil || len(s.of) == mostSteps {
		s.of = map[string]string{}
	}
	s.of[client] = name
	return name
}

func (s *steps) count(name string, size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[string]*Step{}
	}
	if s.all[name] == nil {
		if len(s.all) == mostSteps {
			return
		}
		s.all[name] = &Step{Name: name}
	}
	s.all[name].Files++
	s.all[name].Bytes += size
}

// list is what was counted, the most first.
func (s *steps) list() []Step {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Step
	for _, of := range s.all {
		all = append(all, *of)
	}
	slices.SortFunc(all, func(a, b Step) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Name, b.Name))
	})
	return all
}
