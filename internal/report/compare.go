package report

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/modferry/modferry/internal/failure"
)

// slower and slowerMS are when a time is worth a line: half as much again, and
// by more than networks differ anyway from one minute to the next.
const (
	slower   = 1.5
	slowerMS = 100
)

// Compare renders as text what changed from the run old to the run new: the
// outcome, what got slower or faster, mirrors and cache, and the modules that
// are new, gone, newly failing or obtained again. What is the same is left out.
// It says first why the two do not compare as they are, if that is so; times are
// called slower or faster only of the same work: of the run when both fetched
// the same files, of requests by their percentiles, of a file with itself.
func Compare(w io.Writer, old, new *Result) error {
	c := &comparison{old: old, new: new}
	c.outcome()
	c.caveats()
	c.run()
	c.settings()
	c.mirrors()
	c.cache()
	c.modules()
	c.downloads()
	if _, err := io.WriteString(w, c.b.String()); err != nil {
		return fmt.Errorf("write comparison: %w", err)
	}
	return nil
}

// comparison is a rendering under way.
type comparison struct {
	page
	old, new *Result
}

// section writes lines under a heading, if there are any.
func (c *comparison) section(heading string, lines []string) {
	if len(lines) == 0 {
		return
	}
	c.heading(heading)
	for _, line := range lines {
		c.prose(span{text: "  "}, line, 4)
	}
}

// changed is "from → to", "" when they are the same.
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
	return fmt.Sprintf("%s: %s → %s", word, Millis(from), Millis(to))
}

func (c *comparison) outcome() {
	was, _ := (&view{r: c.old}).verdict()
	is, colour := (&view{r: c.new}).verdict()
	if was == is {
		c.emit(span{is, colour}, span{text: " as before"})
	} else {
		c.emit(span{was + " → " + is, colour})
	}
	if message := failure.Plain(c.new.Message); message != "" && c.new.Outcome != OK {
		c.prose(span{text: "  "}, message, 2)
	}
}

// run tells of the run as a whole.
func (c *comparison) run() {
	var lines []string
	a, b := c.old.Totals, c.new.Totals
	switch s := pace(a.MS, b.MS); {
	case !c.sameWork() || c.old.Interrupted || c.new.Interrupted:
		lines = append(lines, "the run took, for other work: "+Millis(a.MS)+" → "+Millis(b.MS))
	case s != "":
		lines = append(lines, "the run got "+s)
	default:
		lines = append(lines, "the run took about as long: "+Millis(a.MS)+" → "+Millis(b.MS))
	}
	if s := changed(Bytes(a.Bytes), Bytes(b.Bytes)); s != "" {
		lines = append(lines, "received: "+s)
	}
	if s := changed(count(len(c.old.Modules), "file"), count(len(c.new.Modules), "file")); s != "" {
		lines = append(lines, "work list: "+s)
	}
	c.section("Run", lines)
}

func (c *comparison) settings() {
	a, b := (&view{r: c.old}).settings(), (&view{r: c.new}).settings()
	var lines []string
	if s := changed(failure.Plain(c.old.Tool), failure.Plain(c.new.Tool)); s != "" {
		lines = append(lines, "tool: "+s)
	}
	value := func(list []setting, name string) string {
		for _, s := range list {
			if s.name == name {
				return s.value
			}
		}
		return ""
	}
	seen := map[string]bool{}
	for _, s := range slices.Concat(a, b) {
		if seen[s.name] {
			continue
		}
		seen[s.name] = true
		if d := changed(value(a, s.name), value(b, s.name)); d != "" {
			lines = append(lines, s.name+": "+d)
		}
	}
	c.section("Settings", lines)
}

func (c *comparison) mirrors() {
	before := map[string]Mirror{}
	for _, m := range c.old.Mirrors {
		before[m.URL] = m
	}
	earlier, later := spreadsOf(c.old), spreadsOf(c.new)
	var lines []string
	for _, m := range c.new.Mirrors {
		url := failure.Plain(m.URL)
		was, known := before[m.URL]
		delete(before, m.URL)
		if !known {
			lines = append(lines, url+": new, "+stateOf(m))
			continue
		}
		if s := changed(stateOf(was), stateOf(m)); s != "" {
			lines = append(lines, url+": "+s)
		}
		if was.Rank != m.Rank {
			lines = append(lines, url+": "+place(was.Rank)+" → "+place(m.Rank)+" in the chain")
		}
		for _, phase := range []struct {
			name     string
			from, to *float64
		}{
			{"name lookup", was.DNSMS, m.DNSMS}, {"connection", was.ConnectMS, m.ConnectMS}, {"TLS handshake", was.TLSMS, m.TLSMS},
			{"first byte", was.FirstByteMS, m.FirstByteMS},
		} {
			if phase.from == nil || phase.to == nil {
				continue
			}
			if s := pace(*phase.from, *phase.to); s != "" {
				lines = append(lines, url+": "+phase.name+" "+s)
			}
		}
		lines = append(lines, requests(url, earlier[m.URL], later[m.URL])...)
		if from, to := was.ThroughputBPS, m.ThroughputBPS; from != nil && to != nil && *from >= 1 && *to >= 1 &&
			max(*from, *to) >= min(*from, *to)*slower {
			lines = append(lines, url+": throughput "+changed(Rate(*from), Rate(*to)))
		}
		if was.Failures != m.Failures {
			lines = append(lines, fmt.Sprintf("%s: %s → %d", url, count(was.Failures, "failed attempt"), m.Failures))
		}
	}
	for _, m := range c.old.Mirrors {
		if _, gone := before[m.URL]; gone {
			lines = append(lines, failure.Plain(m.URL)+": not in the run any more, was "+stateOf(m))
			delete(before, m.URL)
		}
	}
	if a, b := c.old.SumDB, c.new.SumDB; a != nil && b != nil {
		if s := changed(database(a), database(b)); s != "" {
			lines = append(lines, "checksum database "+failure.Plain(b.Name)+": "+s)
		}
	}
	c.section("Mirrors", lines)
}

// spreadsOf are the stages of the requests of a run, by URL of the mirror and
// name of the stage.
func spreadsOf(r *Result) map[string]map[string]spread {
	v := viewOf(r)
	by := map[string]map[string]spread{}
	for _, s := range v.spreads() {
		if by[s.url] == nil {
			by[s.url] = map[string]spread{}
		}
		by[s.url][s.stage] = s
	}
	return by
}

// requests tells how the requests to a mirror changed up to the first byte;
// what follows depends on the sizes of the files.
func requests(mirror string, before, after map[string]spread) []string {
	var lines []string
	for _, s := range stages[:len(stages)-1] {
		was, is := before[s.name], after[s.name]
		for _, p := range percents {
			from, known := was.percentile(p)
			to, too := is.percentile(p)
			if change := pace(from, to); known && too && change != "" {
				lines = append(lines, fmt.Sprintf("%s: %s of requests, p%d of %d and %d, %s", mirror, s.name, p, len(was.ordered), len(is.ordered), change))
			}
		}
	}
	return lines
}

// stateOf is a mirror's state, with the class of a failing one.
func stateOf(m Mirror) string {
	s := cmp.Or(failure.Neutral(m.State), "unknown")
	if title := m.Class.Title(); title != "" {
		s += " (" + title + ")"
	}
	return s
}

// place is a mirror's rank in words.
func place(rank int) string {
	if rank <= 0 {
		return "left out"
	}
	return fmt.Sprintf("place %d", rank)
}

func (c *comparison) cache() {
	a, b := c.old.Cache, c.new.Cache
	var lines []string
	for _, x := range []struct{ what, from, to string }{
		{"store", failure.Plain(a.Store), failure.Plain(b.Store)},
		{"hit", failure.Neutral(a.Hit), failure.Neutral(b.Hit)},
		{"files", fmt.Sprint(a.Modules), fmt.Sprint(b.Modules)},
		{"received", Bytes(a.Bytes), Bytes(b.Bytes)},
		{"not let in", fmt.Sprint(len(a.Rejected)), fmt.Sprint(len(b.Rejected))},
	} {
		if s := changed(x.from, x.to); s != "" {
			lines = append(lines, x.what+": "+s)
		}
	}
	if s := pace(a.MS, b.MS); s != "" && a.MS > 0 && b.MS > 0 {
		lines = append(lines, "the restore got "+s)
	}
	if reason := failure.Plain(b.Reason); reason != "" && b.Reason != a.Reason {
		lines = append(lines, "now: "+reason)
	}
	c.section("Cache", lines)
}
