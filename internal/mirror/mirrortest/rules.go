package mirrortest

import (
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"sync"
)

// Fault answers a request in place of the mirror, or with its help: next is
// the healthy server. A fault that waits ends with the request's context,
// which the server's Close ends too.
type Fault func(w http.ResponseWriter, r *http.Request, next http.Handler)

// Rule says which requests meet a fault. The first rule that applies decides.
type Rule struct {
	// Path is a Glob on the escaped path below the server's Base; "" means
	// every path.
	Path string
	// Match narrows it further; nil means no further condition. It is not
	// called concurrently.
	Match func(*http.Request) bool
	// Skip lets that many matching requests pass first.
	Skip int
	// Times bounds how many meet the fault; 0 means all.
	Times int
	// PerPath counts Skip and Times for each path on its own.
	PerPath bool
	// Probability of the fault for requests that are due; 0 means certain.
	// Whether the n-th request of a path meets it depends on Seed, the path
	// and n alone.
	Probability float64
	Seed        uint64

	Do Fault
}

// Always makes every request whose path matches meet the fault.
func Always(glob string, do Fault) Rule { return Rule{Path: glob, Do: do} }

// First makes the first n requests whose path matches meet the fault.
func First(n int, glob string, do Fault) Rule { return Rule{Path: glob, Times: n, Do: do} }

// FirstOfEach makes the first n requests of every matching path meet the fault.
func FirstOfEach(n int, glob string, do Fault) Rule {
	return Rule{Path: glob, Times: n, PerPath: true, Do: do}
}

// Sometimes makes a share p of the matching requests meet the fault.
func Sometimes(p float64, seed uint64, glob string, do Fault) Rule {
	return Rule{Path: glob, Probability: p, Seed: seed, Do: do}
}

// Fault adds rules after those that are there.
func (s *Server) Fault(add ...Rule) {
	s.rules.mu.Lock()
	defer s.rules.mu.Unlock()
	for _, r := range add {
		s.rules.list = append(s.rules.list, &ruleState{Rule: r, seen: map[string]int{}})
	}
}

// Heal removes all rules. Requests that wait in a fault go on waiting.
func (s *Server) Heal() {
	s.rules.mu.Lock()
	defer s.rules.mu.Unlock()
	s.rules.list = nil
}

// rules are a server's rules with what they have counted.
type rules struct {
	mu   sync.Mutex
	list []*ruleState
}

type ruleState struct {
	Rule
	seen map[string]int // matching requests by path; "" counts all
}

// choose returns the fault for a request, nil for none.
func (rs *rules) choose(path string, r *http.Request) Fault {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	for _, rule := range rs.list {
		if rule.due(path, r) {
			return rule.Do
		}
	}
	return nil
}

func (s *ruleState) due(path string, r *http.Request) bool {
	if !Glob(s.Path, path) || s.Match != nil && !s.Match(r) {
		return false
	}
	nth := s.seen[path]
	s.seen[path]++
	n := s.seen[""]
	s.seen[""]++
	if s.PerPath {
		n = nth
	}
	if n < s.Skip || s.Times > 0 && n >= s.Skip+s.Times {
		return false
	}
	if s.Probability == 0 {
		return true
	}
	h := fnv.New64a()
	h.Write([]byte(path))
	return rand.New(rand.NewPCG(s.Seed, h.Sum64()+uint64(nth))).Float64() < s.Probability
}
