package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/failure"
)

// trouble is a kind of failed attempts at one mirror.
type trouble struct {
	mirror string
	class  failure.Class
	status int
}

// String is "server error (HTTP 503)".
func (x trouble) String() string {
	if x.status != 0 && x.status != 200 && x.status != 206 {
		return fmt.Sprintf("%s (HTTP %d)", x.class.Title(), x.status)
	}
	return x.class.Title()
}

// group is modules that met the same trouble.
type group struct {
	trouble
	modules  []Module
	attempts int
}

// serious reports whether a trouble is worth naming the modules for, even
// though another attempt made up for it: wrong bytes were offered.
func (g *group) serious() bool {
	switch g.class {
	case failure.HashMismatch, failure.UnsafeZip, failure.TooLarge:
		return true
	}
	return false
}

// follows is 1 for a trouble that others are the cause of.
func (g *group) follows() int {
	if g.class == failure.CircuitOpen || g.class == failure.Cancelled {
		return 1
	}
	return 0
}

// groups collects modules by trouble, in the order in which they were met.
type groups struct {
	all   []*group
	index map[trouble]*group
}

func (gs *groups) at(x trouble) *group {
	g := gs.index[x]
	if g == nil {
		if gs.index == nil {
			gs.index = map[trouble]*group{}
		}
		g = &group{trouble: x}
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
			cmp.Compare(a.mirror, b.mirror), cmp.Compare(a.class, b.class), cmp.Compare(a.status, b.status))
	})
	return gs.all
}

// retried returns the failed attempts that other attempts made up for.
func (v *view) retried() []*group {
	var found groups
	for _, m := range v.r.Modules {
		if m.Source != FromMirror {
			continue
		}
		for _, a := range m.Attempts {
			if a.Class == "" {
				continue
			}
			g := found.at(trouble{a.Mirror, a.Class, a.Status})
			g.attempts++
			if n := len(g.modules); n == 0 || name(g.modules[n-1]) != name(m) {
				g.modules = append(g.modules, m)
			}
		}
	}
	return found.sorted()
}

// madeUp counts the attempts of a group that others made up for.
func (g *group) madeUp() string {
	return count(g.attempts, "attempt") + " for " + count(len(g.modules), "file")
}

// deferred returns what is left to the go command, by reason.
func (v *view) deferred() []*group {
	var found groups
	for _, m := range v.r.Modules {
		if m.Source == FromDeferred {
			g := found.at(trouble{class: m.Class})
			g.modules = append(g.modules, m)
		}
	}
	return found.sorted()
}

// failed returns what could not be obtained, by class and mirror.
func (v *view) failed() []*group {
	var found groups
	for _, m := range v.r.Modules {
		switch m.Source {
		case FromPresent, FromCache, FromMirror, FromDeferred:
			continue
		}
		x := decisive(m)
		x.mirror = blamed(v.r, m)
		g := found.at(x)
		g.modules = append(g.modules, m)
		g.attempts += len(m.Attempts)
	}
	return found.sorted()
}

// decisive is the trouble that a failed module is filed under: its class at
// the mirror that met it last.
func decisive(m Module) trouble {
	x := trouble{class: m.Class, mirror: m.Mirror}
	if x.class == "" {
		x.class = failure.Unknown
	}
	for _, a := range slices.Backward(m.Attempts) {
		if a.Class == m.Class {
			return trouble{a.Mirror, m.Class, a.Status}
		}
	}
	return x
}

// tried sums the attempts of modules up, in the order in which they first
// happened: "12 × connection refused at https://a, 4 × forbidden (HTTP 403)
// at https://b". It is "" when there was no more than one attempt for each, all alike.
func tried(modules []Module) string {
	var found groups
	n := 0
	for _, m := range modules {
		for _, a := range m.Attempts {
			found.at(trouble{a.Mirror, a.Class, a.Status}).attempts++
			n++
		}
	}
	if len(found.all) < 2 && n <= len(modules) {
		return ""
	}
	var parts []string
	for _, g := range found.all {
		parts = append(parts, fmt.Sprintf("%d × %s at %s", g.attempts, g, failure.Plain(g.mirror)))
	}
	return strings.Join(parts, ", ")
}

// tries counts what was done to get m.
func tries(m Module) string {
	s := ""
	if len(m.Attempts) > 0 {
		s = count(len(m.Attempts), "attempt")
		if m.MS > 0 {
			s += " in " + Millis(m.MS)
		}
	}
	if m.Low {
		s = strings.TrimPrefix(s+", only graph commands need it", ", ")
	}
	return s
}

// position is a line of a file of the checkout, "" when there is no file.
func position(file string, line int) string {
	s := failure.Neutral(file)
	if s != "" && line > 0 {
		s += fmt.Sprintf(":%d", line)
	}
	return s
}

// names lists modules, each name in the given form, the first few unless all
// are wanted.
func names(modules []Module, all bool, form func(string) string) string {
	n := len(modules)
	if !all && n > few {
		n = few - 1
	}
	var list []string
	for _, m := range modules[:n] {
		list = append(list, form(name(m)))
	}
	s := strings.Join(list, ", ")
	if rest := len(modules) - n; rest > 0 {
		s += fmt.Sprintf(" and %d more", rest)
	}
	return s
}

// asIs is the form of names in text.
func asIs(s string) string { return s }
