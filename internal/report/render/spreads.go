package render

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
)

// leastSamples is how many durations there must be for a percentile to be
// told, and for a phase of connecting to be told of at all.
const leastSamples = 5

// Stage is a part of a request.
type Stage struct {
	Name, Key string // in tables, in metrics
	connects  bool   // not needed where a connection is there already
	Of        func(report.Attempt) *float64
	OfProbe   func(report.Mirror) *float64 // nil for one that a probe does not have
}

// Stages are the parts of a request in the order in which they happen; the
// last is all of it.
var Stages = [...]Stage{
	{"lookup", "lookup", true, func(a report.Attempt) *float64 { return a.DNSMS }, func(m report.Mirror) *float64 { return m.DNSMS }},
	{"connect", "connect", true, func(a report.Attempt) *float64 { return a.ConnectMS }, func(m report.Mirror) *float64 { return m.ConnectMS }},
	{"TLS", "tls", true, func(a report.Attempt) *float64 { return a.TLSMS }, func(m report.Mirror) *float64 { return m.TLSMS }},
	{"first byte", "first_byte", false, func(a report.Attempt) *float64 { return a.FirstByteMS }, func(m report.Mirror) *float64 { return m.FirstByteMS }},
	{"whole file", "whole", false, whole, nil},
}

// Phases are the stages of a probe.
var Phases = Stages[:len(Stages)-1]

func whole(a report.Attempt) *float64 {
	if a.Class != "" || a.MS <= 0 {
		return nil // brought nothing
	}
	return &a.MS
}

// Spread is how long one stage of the requests to one mirror took.
type Spread struct {
	URL           string // of the mirror, as in the result
	Mirror, Stage string
	Ordered       []float64 // milliseconds, one or more
}

// Durations returns the stages of each mirror, the mirrors in the order of the
// result. Connecting is told of when it was done leastSamples times: over
// HTTP/2 one or two connections carry all requests.
func (v *View) Durations() []Spread {
	type key struct {
		mirror string
		stage  int
	}
	by, mirrors := map[key][]float64{}, map[string]bool{}
	for _, m := range v.Result.Modules {
		for _, a := range m.Attempts {
			for i, s := range Stages {
				if ms := s.Of(a); ms != nil && *ms >= 0 {
					by[key{a.Mirror, i}] = append(by[key{a.Mirror, i}], *ms)
					mirrors[a.Mirror] = true
				}
			}
		}
	}
	var all []Spread
	for _, mirror := range v.ordered(mirrors) {
		for i, s := range Stages {
			found := by[key{mirror, i}]
			if len(found) == 0 || len(found) < leastSamples && s.connects {
				continue
			}
			slices.Sort(found)
			all = append(all, Spread{mirror, failure.Plain(mirror), s.Name, found})
		}
	}
	return all
}

// ordered returns mirrors as the result orders them, and then those that it
// does not list.
func (v *View) ordered(mirrors map[string]bool) []string {
	place := map[string]int{}
	for i, m := range v.Result.Mirrors {
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
	list := slices.Sorted(maps.Keys(mirrors))
	slices.SortStableFunc(list, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	return list
}

// Percentile is by nearest rank: the smallest duration that percent of 100 do
// not exceed, one that was measured and not one between two. False means that
// there are too few to tell: less than leastSamples, or so few that it would be
// the longest under another name (p95 of less than 20, p99 of less than 100).
func (s Spread) Percentile(percent int) (ms float64, ok bool) {
	n := len(s.Ordered)
	rank := (n*percent + 99) / 100
	if n < leastSamples || rank >= n {
		return 0, false
	}
	return s.Ordered[rank-1], true
}

func (s Spread) longest() float64 { return s.Ordered[len(s.Ordered)-1] }

// Percents are the percentiles that are told: what is usual, and what a build
// with hundreds of requests waits for.
var Percents = [...]int{50, 95, 99}

// Spreads is how long the stages of requests took.
func (v *View) Spreads() Section {
	t := Table{Thing: "stage", Columns: []Column{
		{Title: "mirror", Head: true, Code: true, Flexible: true}, {Title: "stage"}, {Title: "requests", Number: true},
	}}
	for _, p := range Percents {
		t.Columns = append(t.Columns, Column{Title: fmt.Sprintf("p%d", p), Number: true})
	}
	t.Columns = append(t.Columns, Column{Title: "longest", Number: true})
	for _, s := range v.Durations() {
		row := []Cell{{Text: s.Mirror}, {Text: s.Stage}, counted(len(s.Ordered))}
		for _, p := range Percents {
			cell := Cell{Text: "–", Sort: "-1"}
			if ms, ok := s.Percentile(p); ok {
				cell = number(ms, report.Millis(ms))
			}
			row = append(row, cell)
		}
		t.Rows = append(t.Rows, append(row, number(s.longest(), report.Millis(s.longest()))))
	}
	s := tabled("spreads", "Durations of requests", t)
	s.Note = "Half of the requests took no longer than p50, 95 of 100 no longer than p95, 99 of 100 no longer than p99; – means too few to tell. " +
		"First byte counts all requests that were answered, whole file those that brought one."
	return s
}
