package report

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

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
func Compare(w io.Writer, old, new *Result) error {
	c := &comparison{old: old, new: new}
	c.outcome()
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
	var lines []string
	a, b := c.old.Totals, c.new.Totals
	if s := pace(a.MS, b.MS); s != "" {
		lines = append(lines, "the run got "+s)
	} else {
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
	c.section("Mirrors", lines)
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

// entry names a file of the work list.
type entry struct{ path, version, kind string }

func entriesOf(r *Result) map[entry]Module {
	all := make(map[entry]Module, len(r.Modules))
	for _, m := range r.Modules {
		all[entry{m.Path, m.Version, m.Kind}] = m
	}
	return all
}

func (c *comparison) modules() {
	before, after := entriesOf(c.old), entriesOf(c.new)
	var added, gone, failing, back []Module
	for _, m := range c.new.Modules {
		was, known := before[entry{m.Path, m.Version, m.Kind}]
		switch {
		case !known:
			added = append(added, m)
		case failed(was) && !failed(m):
			back = append(back, m)
		}
		if failed(m) && (!known || !failed(was)) {
			failing = append(failing, m)
		}
	}
	for _, m := range c.old.Modules {
		if _, there := after[entry{m.Path, m.Version, m.Kind}]; !there {
			gone = append(gone, m)
		}
	}
	var lines []string
	for _, m := range failing {
		if len(lines) == few {
			lines = append(lines, fmt.Sprintf("and %d more", len(failing)-few))
			break
		}
		lines = append(lines, strings.TrimSuffix(name(m)+": "+cmp.Or(failure.Plain(m.Message), m.Class.Title()), ": "))
	}
	c.section("Now failing", lines)
	for _, x := range []struct {
		heading string
		modules []Module
	}{{"Obtained again", back}, {"New", added}, {"Gone", gone}} {
		if len(x.modules) > 0 {
			c.section(fmt.Sprintf("%s (%s)", x.heading, count(len(x.modules), "file")), []string{names(x.modules, false, asIs)})
		}
	}
}

// downloads lists what both runs fetched from mirrors and the new one took
// longer for, the worst first.
func (c *comparison) downloads() {
	before := entriesOf(c.old)
	type pair struct{ was, is Module }
	var list []pair
	for _, m := range c.new.Modules {
		was, known := before[entry{m.Path, m.Version, m.Kind}]
		if known && was.Source == FromMirror && m.Source == FromMirror && m.MS > was.MS && pace(was.MS, m.MS) != "" {
			list = append(list, pair{was, m})
		}
	}
	slices.SortStableFunc(list, func(a, b pair) int { return cmp.Compare(b.is.MS-b.was.MS, a.is.MS-a.was.MS) })
	var lines []string
	for _, p := range list[:min(len(list), few)] {
		line := fmt.Sprintf("%s: %s → %s", name(p.is), Millis(p.was.MS), Millis(p.is.MS))
		if d := changed(failure.Plain(p.was.Mirror), failure.Plain(p.is.Mirror)); d != "" {
			line += ", " + d
		}
		if n := len(p.is.Attempts); n > len(p.was.Attempts) && n > 1 {
			line += ", " + count(n, "attempt")
		}
		lines = append(lines, line)
	}
	if rest := len(list) - few; rest > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", rest))
	}
	c.section("Slower downloads", lines)
}
