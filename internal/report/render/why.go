package render

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
)

// mostSteps is how many steps of the critical path are shown: the longest.
const mostSteps = 8

// step is a part of the critical path.
type step struct {
	what   string
	mirror string // neutral; "" for none
	from   float64
	ms     float64
	phases []Phase // nil for what is no download
}

// Why says what decided how long the run took: the files of which each began when
// the one before had ended, back from the last one; the rest of the run is beside
// them. It has no content for a run that brought nothing.
func (v *View) Why() Section {
	path := v.criticalPath()
	total := v.Result.Totals.MS
	if len(path) == 0 || total <= 0 {
		return Section{}
	}
	steps := v.steps(path)
	s := Section{ID: "why", Title: "Why it took " + report.Millis(total)}
	s.Lines = append(s.Lines, v.explained(steps))
	if mirror := v.slowestMirror(); mirror != nil {
		s.Lines = append(s.Lines, Line{Spans: mirror})
	}
	t := Table{Caption: "What the run waited for, one after the other", Columns: []Column{
		{Title: "step", Head: true}, {Title: "when", Bar: true}, {Title: "time", Number: true}, {Title: "share", Number: true}, {Title: "mirror", Code: true},
	}}
	least := 0.0
	if len(steps) > mostSteps {
		by := slices.Clone(steps)
		slices.SortFunc(by, func(a, b step) int { return cmp.Compare(b.ms, a.ms) })
		least = by[mostSteps-1].ms
	}
	drawn := map[string]bool{}
	rest, n := 0.0, 0
	for _, x := range steps {
		if x.ms < least {
			rest, n = rest+x.ms, n+1
			continue
		}
		bar := NewBar(0, total)
		bar.Label = fmt.Sprintf("from %s to %s", report.Millis(x.from), report.Millis(x.from+x.ms))
		if x.phases == nil {
			bar.Add("other", x.from, x.ms)
		}
		for _, p := range x.phases {
			bar.Add(p.Key, p.From, p.MS)
			drawn[p.Key] = true
		}
		t.Rows = append(t.Rows, []Cell{{Text: x.what}, {Bar: bar, Sort: sortBy(x.from)}, number(x.ms, report.Millis(x.ms)), percent(x.ms, total), {Text: withoutScheme(x.mirror)}})
	}
	t.Axis = picture{0, total}.axis()
	if n > 0 {
		t.Rest = fmt.Sprintf("and %s between them, together %s", report.Count(n, "shorter step"), report.Millis(rest))
	}
	for _, key := range phaseOrder {
		if drawn[key] {
			s.Keys = append(s.Keys, Key{key, phaseName(key)})
		}
	}
	s.Tables = []Table{t}
	return s
}

func percent(part, whole float64) Cell {
	share := 100 * part / whole
	if math.IsNaN(share) || share > 100 {
		share = 100
	}
	if share > 0 && share < 1 {
		return number(share, "<1%")
	}
	return number(share, fmt.Sprintf("%.0f%%", share))
}

// explained is the answer in two sentences: the longest step, and what took most of
// the downloads that the run waited for.
func (v *View) explained(steps []step) Line {
	longest := steps[0]
	byPhase := map[string]float64{}
	downloads := 0
	for _, x := range steps {
		if x.ms > longest.ms {
			longest = x
		}
		if x.phases != nil {
			downloads++
		}
		for _, p := range x.phases {
			byPhase[p.Key] += p.MS
		}
	}
	share := percent(longest.ms, v.Result.Totals.MS).Text
	spans := []Span{say(share + " of the time: "), {Text: longest.what, Code: longest.phases != nil}, say(", " + report.Millis(longest.ms) + ".")}
	top := ""
	for _, key := range phaseOrder {
		if byPhase[key] > byPhase[top] {
			top = key
		}
	}
	what := phaseName(top)
	switch {
	case top == phaseWait && v.Result.Interrupted:
		what = "waiting for answers"
	case top == phaseWait && byPhase[phaseFailed] > 0:
		what = "waiting after failed attempts"
	case top == phaseWait:
		what = "waiting for a turn, a connection or a redirect"
	}
	switch {
	case top == "":
	case downloads == 1 && longest.phases != nil:
		spans = append(spans, say(fmt.Sprintf(" Most of it: %s, %s.", what, report.Millis(byPhase[top]))))
	case downloads == 1:
		spans = append(spans, say(fmt.Sprintf(" Of the one download that the run waited for, most of the time went to: %s, %s.", what, report.Millis(byPhase[top]))))
	default:
		spans = append(spans, say(fmt.Sprintf(" Of the %d downloads that the run waited for one after the other, most of the time went to: %s, %s.", downloads, what, report.Millis(byPhase[top]))))
	}
	return Line{Spans: spans}
}

// slowestMirror tells which of several mirrors took longest for a first byte, half of
// its requests considered.
func (v *View) slowestMirror() []Span {
	var slowest Spread
	at, n := 0.0, 0
	for _, s := range v.Durations() {
		if ms, ok := s.Percentile(50); ok && s.Stage == "first byte" {
			if n++; ms > at {
				slowest, at = s, ms
			}
		}
	}
	if n == 0 {
		return nil
	}
	what, then := "the mirror ", " answered "
	if n > 1 {
		what, then = "the slowest mirror, ", ", answered "
	}
	rate := ""
	for _, m := range v.Result.Mirrors {
		if m.URL == slowest.URL && m.ThroughputBPS != nil && report.Rate(*m.ThroughputBPS) != "" {
			rate = " and sent each file at " + report.Rate(*m.ThroughputBPS)
		}
	}
	return []Span{say(what), name(slowest.Mirror), say(then + "half of its requests within " + report.Millis(at) + rate + ".")}
}

// criticalPath is the files that decided when the run ended, in the order of time.
func (v *View) criticalPath() []report.Module {
	var all []report.Module
	for _, m := range v.Result.Modules {
		brought := m.Source == report.FromMirror || m.Source == report.FromCache || m.Failed() && len(m.Attempts) > 0
		if brought && m.MS > 0 && m.StartMS >= 0 && !math.IsInf(m.StartMS+m.MS, 0) {
			all = append(all, m)
		}
	}
	if len(all) == 0 {
		return nil
	}
	end := func(m report.Module) float64 { return m.StartMS + m.MS }
	slices.SortStableFunc(all, func(a, b report.Module) int { return cmp.Compare(end(b), end(a)) })
	path := all[:1:1]
	const sameTime = 1 // ms: what starts the next file ends a moment later
	for _, m := range all[1:] {
		if first := path[len(path)-1]; end(m) <= first.StartMS+sameTime && m.StartMS < first.StartMS {
			path = append(path, m)
		}
	}
	slices.Reverse(path)
	return path
}

// steps are the files of the path with what was before, between and after them.
func (v *View) steps(path []report.Module) []step {
	const least = 5 // ms: shorter gaps are no steps
	var steps []step
	at := 0.0
	gap := func(what string, to float64) {
		if to-at >= least {
			steps = append(steps, step{what: what, from: at, ms: to - at})
		}
	}
	for i, m := range path {
		what := "waiting for the next file"
		if i == 0 {
			what = "before the first file (settings, checkout, cache, probes)"
		}
		gap(what, m.StartMS)
		x := step{what: m.Name(), mirror: failure.Plain(m.Mirror), from: m.StartMS, ms: m.MS}
		if m.Source == report.FromCache {
			x.what, x.mirror = "restore from the cache", ""
		} else {
			x.phases = phases(m)
		}
		steps = append(steps, x)
		at = max(at, m.StartMS+m.MS)
	}
	last := "after the last file (checks and reports)"
	if v.Result.Interrupted {
		last = "files that were under way when the run was interrupted"
	}
	gap(last, v.Result.Totals.MS)
	return steps
}
