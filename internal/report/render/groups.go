package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
)

// group is modules that met the same trouble.
type group struct {
	report.Trouble
	modules  []report.Module
	attempts int
	lacking  [][]report.Module // of failures: the files of each module
	stated   string            // of failures: report.Cause.Stated
}

// headline is the trouble, the mirror at fault and the reason that it gives:
// "forbidden (HTTP 403) at https://a: blocked by policy".
func (g *group) headline() string {
	text := g.String()
	if mirror := failure.Plain(g.Mirror); mirror != "" {
		text += " at " + mirror
	}
	if g.stated != "" {
		text += ": " + g.stated
	}
	return text
}

// follows is 1 for a trouble that others are the cause of.
func (g *group) follows() int {
	if g.Class == failure.CircuitOpen || g.Class == failure.Cancelled {
		return 1
	}
	return 0
}

// groups collects modules by trouble, in the order in which they were met.
type groups struct {
	all   []*group
	index map[report.Trouble]*group
}

func (gs *groups) at(x report.Trouble) *group {
	g := gs.index[x]
	if g == nil {
		if gs.index == nil {
			gs.index = map[report.Trouble]*group{}
		}
		g = &group{Trouble: x}
		gs.index[x] = g
		gs.all = append(gs.all, g)
	}
	return g
}

// sorted returns the groups, the largest first, and those last that follow from
// others.
func (gs *groups) sorted() []*group {
	slices.SortStableFunc(gs.all, func(a, b *group) int {
		return cmp.Or(cmp.Compare(a.follows(), b.follows()), cmp.Compare(len(b.modules), len(a.modules)), cmp.Compare(b.attempts, a.attempts),
			cmp.Compare(a.Mirror, b.Mirror), cmp.Compare(a.Class, b.Class), cmp.Compare(a.Status, b.Status))
	})
	return gs.all
}

// recovered returns the failed attempts for files that another attempt brought.
func (v *View) recovered() []*group {
	var found groups
	for _, m := range v.Result.Modules {
		if m.Source != report.FromMirror {
			continue
		}
		for _, a := range m.Attempts {
			if a.Class == "" {
				continue
			}
			g := found.at(a.Trouble())
			g.attempts++
			if n := len(g.modules); n == 0 || g.modules[n-1].Name() != m.Name() {
				g.modules = append(g.modules, m)
			}
		}
	}
	return found.sorted()
}

func (v *View) deferred() []*group {
	var found groups
	for _, m := range v.Result.Modules {
		if m.Source == report.FromDeferred {
			g := found.at(report.Trouble{Class: m.Class})
			g.modules = append(g.modules, m)
		}
	}
	return found.sorted()
}

// failed returns what could not be obtained, by its cause. A status is told that
// all failures of its class have.
func failed(r *report.Result) []*group {
	var found groups
	for _, c := range report.Causes(r) {
		g := &group{Trouble: report.Trouble{Mirror: c.Mirror, Class: c.Class}, modules: slices.Concat(c.Modules...), lacking: c.Modules, stated: c.Stated()}
		statuses := map[int]bool{}
		for _, m := range g.modules {
			g.attempts += len(m.Attempts)
			if x := m.Trouble(); x.Class == c.Class {
				g.Status = x.Status
				statuses[x.Status] = true
			}
		}
		if len(statuses) > 1 {
			g.Status = 0
		}
		found.all = append(found.all, g)
	}
	return found.sorted()
}

// tried sums the attempts of modules up, in the order in which they first
// happened: "12 × connection refused at https://a, 4 × forbidden (HTTP 403)
// at https://b". It is nil when there was no more than one attempt for each, all alike.
func tried(modules []report.Module) []Span {
	var found groups
	n := 0
	for _, m := range modules {
		for _, a := range m.Attempts {
			found.at(a.Trouble()).attempts++
			n++
		}
	}
	if len(found.all) < 2 && n <= len(modules) {
		return nil
	}
	var spans []Span
	for i, g := range found.all {
		text := fmt.Sprintf("%d × %s at ", g.attempts, g)
		if i > 0 {
			text = ", " + text
		}
		spans = append(spans, say(text), name(failure.Plain(g.Mirror)))
	}
	return spans
}

// Tries counts what was done to get m.
func Tries(m report.Module) string {
	s := ""
	if len(m.Attempts) > 0 {
		s = report.Count(len(m.Attempts), "attempt")
		if m.MS > 0 {
			s += " in " + report.Millis(m.MS)
		}
	}
	if m.Optional {
		s = strings.TrimPrefix(s+", only graph commands need it", ", ")
	}
	return s
}
