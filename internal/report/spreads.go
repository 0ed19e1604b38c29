package report

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/modferry/modferry/internal/failure"
)

// leastSamples is how many durations there must be for a percentile to be
// told, and for a phase of connecting to be told of at all.
const leastSamples = 5

// stages are the parts of a request in the order in which they happen; the
// last is all of it.
var stages = [...]struct {
	name, key string // in tables, in metrics
	of        func(Attempt) *float64
}{
	{"lookup", "lookup", func(a Attempt) *float64 { return a.DNSMS }},
	{"connect", "connect", func(a Attempt) *float64 { return a.ConnectMS }},
	{"TLS", "tls", func(a Attempt) *float64 { return a.TLSMS }},
	{"first byte", "first_byte", func(a Attempt) *float64 { return a.FirstByteMS }},
	{"whole file", "whole", func(a Attempt) *float64 {
		if a.Class != "" || a.MS <= 0 {
			return nil // brought nothing
		}
		return &a.MS
	}},
}

// spread is how long one stage of the requests to one mirror took.
type spread struct {
	url           string // of the mirror, as in the result
	mirror, stage string
	ordered       []float64 // milliseconds, one or more
}

// spreads returns the stages of each mirror, the mirrors in the order of the
// result. Connecting is told of when it was done leastSamples times: over
// HTTP/2 one or two connections carry all requests.
func (v *view) spreads() []spread {
	type key struct {
		mirror string
		stage  int
	}
	by, mirrors := map[key][]float64{}, map[string]bool{}
	for _, m := range v.r.Modules {
		for _, a := range m.Attempts {
			for i, s := range stages {
				if ms := s.of(a); ms != nil && *ms >= 0 {
					by[key{a.Mirror, i}] = append(by[key{a.Mirror, i}], *ms)
					mirrors[a.Mirror] = true
				}
			}
		}
	}
	var all []spread
	for _, mirror := range v.ordered(mirrors) {
		for i, s := range stages {
			found := by[key{mirror, i}]
			if len(found) == 0 || len(found) < leastSamples && i < 3 {
				continue
			}
			slices.Sort(found)
			all = append(all, spread{mirror, failure.Plain(mirror), s.name, found})
		}
	}
	return all
}

// ordered returns mirrors as the result orders them, and then those that it
// does not list.
func (v *view) ordered(mirrors map[string]bool) []string {
	place := map[string]int{}
	for i, m := range v.r.Mirrors {
		if _, twice := place[m.URL]; !twice {
			place[m.URL] = i
		}
	}
	rank := func(url string) int {
		if i, ok := place[url]; ok {
			return i
		}
		return len(place)
	}
	list := sorted(mirrors)
	slices.SortStableFunc(list, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	return list
}

// percentile is by nearest rank: the smallest duration that percent of 100 do
// not exceed, one that was measured and not one between two. False means that
// there are too few to tell: less than leastSamples, or so few that it would be
// the longest under another name (p95 of less than 20, p99 of less than 100).
func (s spread) percentile(percent int) (ms float64, ok bool) {
	n := len(s.ordered)
	rank := (n*percent + 99) / 100
	if n < leastSamples || rank >= n {
		return 0, false
	}
	return s.ordered[rank-1], true
}

// longest is the longest duration.
func (s spread) longest() float64 { return s.ordered[len(s.ordered)-1] }

// percents are the percentiles that are told: what is usual, and what a build
// with hundreds of requests waits for.
var percents = [...]int{50, 95, 99}

// cells are the columns that follow mirror and stage: how many, the
// percentiles and the longest.
func (s spread) cells() []string {
	cells := []string{fmt.Sprint(len(s.ordered))}
	for _, p := range percents {
		if ms, ok := s.percentile(p); ok {
			cells = append(cells, Millis(ms))
		} else {
			cells = append(cells, "–")
		}
	}
	return append(cells, Millis(s.longest()))
}

// spreadTitle and spreadNote explain the tables of spreads.
const (
	spreadTitle = "Durations of requests"
	spreadNote  = "Half took no longer than p50, 95 of 100 no longer than p95, 99 of 100 no longer than p99; – where there are too few to tell. " +
		"First byte is of all requests that were answered, whole file of those that brought one."
)

// spreadColumns are the titles of the columns.
func spreadColumns() []column {
	list := []column{{title: "mirror", flexible: true}, {title: "stage"}, {title: "requests", right: true}}
	for _, p := range percents {
		list = append(list, column{title: fmt.Sprintf("p%d", p), right: true})
	}
	return append(list, column{title: "longest", right: true})
}
