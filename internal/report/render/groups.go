package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
)

// Group is modules that met the same trouble.
type Group struct {
	report.Trouble
	Modules  []report.Module
	Attempts int
}

// follows is 1 for a trouble that others are the cause of.
func (g *Group) follows() int {
	if g.Class == failure.CircuitOpen || g.Class == failure.Cancelled {
		return 1
	}
	return 0
}

// groups collects modules by trouble, in the order in which they were met.
type groups struct {
	all   []*Group
	index map[report.Trouble]*Group
}

func (gs *groups) at(x report.Trouble) *Group {
	g := gs.index[x]
	if g == nil {
		if gs.index == nil {
			gs.index = map[report.Trouble]*Group{}
		}
		g = &Group{Trouble: x}
		gs.index[x] = g
		gs.all = append(gs.all, g)
	}
	return g
}

// sorted returns the groups, the largest first, and those last that follow from
// others.
func (gs *groups) sorted() []*Group {
	slices.SortStableFunc(gs.all, func(a, b *Group) int {
		return cmp.Or(cmp.Compare(a.follows(), b.follows()), cmp.Compare(len(b.Modules), len(a.Modules)), cmp.Compare(b.Attempts, a.Attempts),
			cmp.Compare(a.Mirror, b.Mirror), cmp.Compare(a.Class, b.Class), cmp.Compare(a.Status, b.Status))
	})
	return gs.all
}

// Retried returns the failed attempts that other attempts made up for.
func (v *View) Retried() []*Group {
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
			g.Attempts++
			if n := len(g.Modules); n == 0 || g.Modules[n-1].Name() != m.Name() {
				g.Modules = append(g.Modules, m)
			}
		}
	}
	return found.sorted()
}

// MadeUp counts the attempts of a group that others made up for.
func (g *Group) MadeUp() string {
	return report.Count(g.Attempts, "attempt") + " for " + report.Count(len(g.Modules), "file")
}

// Deferred returns what is left to the go command, by reason.
func (v *View) Deferred() []*Group {
	var found groups
	for _, m := range v.Result.Modules {
		if m.Source == report.FromDeferred {
			g := found.at(report.Trouble{Class: m.Class})
			g.Modules = append(g.Modules, m)
		}
	}
	return found.sorted()
}

// Failed returns what could not be obtained, by class and mirror.
func (v *View) Failed() []*Group {
	var found groups
	for _, m := range v.Result.Modules {
		switch m.Source {
		case report.FromPresent, report.FromCache, report.FromMirror, report.FromDeferred:
			continue
		}
		x := m.Trouble()
		x.Mirror = report.Blamed(v.Result, m)
		g := found.at(x)
		g.Modules = append(g.Modules, m)
		g.Attempts += len(m.Attempts)
	}
	return found.sorted()
}

// Tried sums the attempts of modules up, in the order in which they first
// happened: "12 × connection refused at https://a, 4 × forbidden (HTTP 403)
// at https://b". It is "" when there was no more than one attempt for each, all alike.
func Tried(modules []report.Module) string {
	var found groups
	n := 0
	for _, m := range modules {
		for _, a := range m.Attempts {
			found.at(a.Trouble()).Attempts++
			n++
		}
	}
	if len(found.all) < 2 && n <= len(modules) {
		return ""
	}
	var parts []string
	for _, g := range found.all {
		parts = append(parts, fmt.Sprintf("%d × %s at %s", g.Attempts, g, failure.Plain(g.Mirror)))
	}
	return strings.Join(parts, ", ")
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
	if m.Low {
		s = strings.TrimPrefix(s+", only graph commands need it", ", ")
	}
	return s
}

// Names lists modules, each name in the given form, the first few unless all
// are wanted.
func Names(modules []report.Module, all bool, form func(string) string) string {
	n := len(modules)
	if !all && n > Few {
		n = Few - 1
	}
	var list []string
	for _, m := range modules[:n] {
		list = append(list, form(m.Name()))
	}
	s := strings.Join(list, ", ")
	if rest := len(modules) - n; rest > 0 {
		s += fmt.Sprintf(" and %d more", rest)
	}
	return s
}

// AsIs is the form of names in text.
func AsIs(s string) string { return s }
