// Package compare tells what changed from one run to another.
package compare

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/render"
	"github.com/modferry/modferry/internal/report/text"
)

// slower and slowerMS are when a time is worth a line: half as much again, and
// by more than networks differ anyway from one minute to the next.
const (
	slower   = 1.5
	slowerMS = 100
)

// Write renders as text what changed from the run old to the run new: the
// outcome, what got slower or faster, mirrors and cache, and the modules that
// are new, gone, newly failing or obtained again. What is the same is left out.
// It says first why the two do not compare as they are, if that is so; times are
// called slower or faster only of the same work: of the run when both fetched
// the same files, of requests by their percentiles, of a file with itself.
func Write(w io.Writer, old, new *report.Result) error {
	c := of(old, new)
	var page text.Page
	was, is, tone := c.verdicts()
	if was == is {
		page.Emit(text.Toned(is, tone), text.Span{Text: " as before"})
	} else {
		page.Emit(text.Toned(was+" → "+is, tone))
	}
	if message := c.message(); message != "" {
		page.Prose(text.Span{Text: "  "}, message, 2)
	}
	for _, s := range c.sections {
		page.Heading(s.heading)
		for _, line := range s.lines {
			page.Prose(text.Span{Text: "  "}, line, 4)
		}
	}
	return page.WriteTo(w, "comparison")
}

type comparison struct {
	old, new *report.Result
	sections []section
}

// section is what changed in one respect.
type section struct {
	heading string
	lines   []string
}

// of compares two runs.
func of(old, new *report.Result) *comparison {
	c := &comparison{old: old, new: new}
	c.caveats()
	c.run()
	c.settings()
	c.mirrors()
	c.cache()
	c.modules()
	c.downloads()
	return c
}

func (c *comparison) section(heading string, lines []string) {
	if len(lines) > 0 {
		c.sections = append(c.sections, section{heading, lines})
	}
}

// verdicts are the outcomes of both runs, and the tone of the new one.
func (c *comparison) verdicts() (was, is string, tone render.Tone) {
	was, _ = render.Of(c.old).Verdict()
	is, tone = render.Of(c.new).Verdict()
	return was, is, tone
}

// message is why the new run is not ok.
func (c *comparison) message() string {
	if c.new.Outcome == report.OK {
		return ""
	}
	return failure.Plain(c.new.Message)
}

type list []string

func (l *list) add(format string, args ...any) { *l = append(*l, fmt.Sprintf(format, args...)) }

func (l *list) changed(what, from, to string) {
	if s := changed(from, to); s != "" {
		l.add("%s: %s", what, s)
	}
}

func changed(from, to string) string {
	if from == to {
		return ""
	}
	return cmp.Or(from, "nothing") + " → " + cmp.Or(to, "nothing")
}

// pace describes how a time changed, "" when the change is not worth a word.
func pace(from, to float64) string {
	if !(from >= 0 && to >= 0) || math.Abs(to-from) < slowerMS {
		return ""
	}
	word := "slower"
	if to < from {
		word = "faster"
	}
	if low, high := min(from, to), max(from, to); high < low*slower {
		return ""
	}
	return fmt.Sprintf("%s: %s → %s", word, report.Millis(from), report.Millis(to))
}

// took is how the time of the run changed, in one clause.
func (c *comparison) took() string {
	a, b := c.old.Totals.MS, c.new.Totals.MS
	switch s := pace(a, b); {
	case !c.sameWork() || c.old.Interrupted || c.new.Interrupted:
		return fmt.Sprintf("the run took, for different work: %s → %s", report.Millis(a), report.Millis(b))
	case s != "":
		return "the run got " + s
	}
	return fmt.Sprintf("the run took about as long: %s → %s", report.Millis(a), report.Millis(b))
}

func (c *comparison) run() {
	lines := list{c.took()}
	a, b := c.old.Totals, c.new.Totals
	lines.changed("received", report.Bytes(a.Bytes), report.Bytes(b.Bytes))
	lines.changed("work list", report.Count(len(c.old.Modules), "file"), report.Count(len(c.new.Modules), "file"))
	c.section("Run", lines)
}

func (c *comparison) settings() {
	a, b := render.Of(c.old).Settings(), render.Of(c.new).Settings()
	var lines list
	lines.changed("tool", failure.Plain(c.old.Tool), failure.Plain(c.new.Tool))
	before, after := map[string]string{}, map[string]string{}
	for _, s := range a {
		before[s.Name] = s.Value
	}
	for _, s := range b {
		after[s.Name] = s.Value
	}
	for _, s := range slices.Concat(a, b) {
		lines.changed(s.Name, before[s.Name], after[s.Name])
		before[s.Name] = after[s.Name] // told
	}
	c.section("Settings", lines)
}

func (c *comparison) mirrors() {
	before := map[string]report.Mirror{}
	for _, m := range c.old.Mirrors {
		before[m.URL] = m
	}
	earlier, later := spreadsOf(c.old), spreadsOf(c.new)
	var lines list
	for _, m := range c.new.Mirrors {
		url := failure.Plain(m.URL)
		was, known := before[m.URL]
		delete(before, m.URL)
		if !known {
			lines.add("%s: new, %s", url, stateOf(m))
			continue
		}
		lines.changed(url, stateOf(was), stateOf(m))
		if was.Rank != m.Rank {
			lines.add("%s: %s → %s in the chain", url, place(was.Rank), place(m.Rank))
		}
		for _, p := range render.Phases {
			if from, to := p.OfProbe(was), p.OfProbe(m); from != nil && to != nil {
				if s := pace(*from, *to); s != "" {
					lines.add("%s: %s %s", url, p.Name, s)
				}
			}
		}
		lines = append(lines, requests(url, earlier[m.URL], later[m.URL])...)
		if from, to := was.ThroughputBPS, m.ThroughputBPS; from != nil && to != nil && *from >= 1 && *to >= 1 &&
			max(*from, *to) >= min(*from, *to)*slower {
			lines.add("%s: throughput %s", url, changed(report.Rate(*from), report.Rate(*to)))
		}
		if was.Failures != m.Failures {
			lines.add("%s: %s → %d", url, report.Count(was.Failures, "failed attempt"), m.Failures)
		}
	}
	for _, m := range c.old.Mirrors {
		if _, gone := before[m.URL]; gone {
			lines.add("%s: no longer in the run, was %s", failure.Plain(m.URL), stateOf(m))
			delete(before, m.URL)
		}
	}
	if a, b := c.old.SumDB, c.new.SumDB; a != nil && b != nil {
		lines.changed("checksum database "+failure.Plain(b.Name), render.Database(a), render.Database(b))
	}
	c.section("Mirrors", lines)
}

// spreadsOf are the stages of the requests of a run, by URL of the mirror and
// name of the stage.
func spreadsOf(r *report.Result) map[string]map[string]render.Spread {
	v := render.Of(r)
	by := map[string]map[string]render.Spread{}
	for _, s := range v.Durations() {
		if by[s.URL] == nil {
			by[s.URL] = map[string]render.Spread{}
		}
		by[s.URL][s.Stage] = s
	}
	return by
}

// requests tells how the requests to a mirror changed up to the first byte;
// what follows depends on the sizes of the files.
func requests(mirror string, before, after map[string]render.Spread) []string {
	var lines []string
	for _, s := range render.Phases {
		was, is := before[s.Name], after[s.Name]
		for _, p := range render.Percents {
			from, known := was.Percentile(p)
			to, too := is.Percentile(p)
			if change := pace(from, to); known && too && change != "" {
				lines = append(lines, fmt.Sprintf("%s: %s of requests, p%d of %d and %d, %s", mirror, s.Name, p, len(was.Ordered), len(is.Ordered), change))
			}
		}
	}
	return lines
}

func stateOf(m report.Mirror) string {
	s := cmp.Or(failure.Neutral(m.State), "unknown")
	if title := m.Class.Title(); title != "" {
		s += " (" + title + ")"
	}
	return s
}

func place(rank int) string {
	if rank <= 0 {
		return "left out"
	}
	return fmt.Sprintf("place %d", rank)
}

func (c *comparison) cache() {
	a, b := c.old.Cache, c.new.Cache
	var lines list
	lines.changed("store", failure.Plain(a.Store), failure.Plain(b.Store))
	lines.changed("hit", failure.Neutral(a.Hit), failure.Neutral(b.Hit))
	lines.changed("files", fmt.Sprint(a.Files), fmt.Sprint(b.Files))
	lines.changed("received", report.Bytes(a.Bytes), report.Bytes(b.Bytes))
	lines.changed("not let in", fmt.Sprint(len(a.Rejected)), fmt.Sprint(len(b.Rejected)))
	if s := pace(a.MS, b.MS); s != "" && a.MS > 0 && b.MS > 0 {
		lines.add("the restore got %s", s)
	}
	if reason := failure.Plain(b.Reason); reason != "" && b.Reason != a.Reason {
		lines.add("now: %s", reason)
	}
	c.section("Cache", lines)
}
