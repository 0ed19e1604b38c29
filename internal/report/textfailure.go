package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/goenv"
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

// retried writes the failed attempts that other attempts made up for.
func (t *text) retried() {
	var found groups
	for _, m := range t.r.Modules {
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
	if len(found.all) == 0 {
		return
	}
	t.heading("Failed attempts that others made up for")
	var rows [][]span
	for _, g := range found.sorted() {
		what := count(g.attempts, "attempt") + " for " + count(len(g.modules), "file")
		if g.serious() || t.verbose {
			what += ": " + t.names(g.modules)
		}
		mark := style("")
		if g.serious() {
			mark = red
		}
		rows = append(rows, []span{{g.String(), mark}, {text: failure.Plain(g.mirror)}, {text: what}})
	}
	t.table(2, []column{{}, {flexible: true}, {}}, rows)
}

// names lists modules, the first few unless all are wanted.
func (t *text) names(modules []Module) string {
	n := len(modules)
	if !t.verbose && n > few {
		n = few - 1
	}
	var names []string
	for _, m := range modules[:n] {
		names = append(names, name(m))
	}
	s := strings.Join(names, ", ")
	if rest := len(modules) - n; rest > 0 {
		s += fmt.Sprintf(" and %d more", rest)
	}
	return s
}

// deferred writes what is left to the go command.
func (t *text) deferred() {
	var found groups
	for _, m := range t.r.Modules {
		if m.Source == FromDeferred {
			g := found.at(trouble{class: m.Class})
			g.modules = append(g.modules, m)
		}
	}
	if len(found.all) == 0 {
		return
	}
	t.heading("Left to the go command")
	for _, g := range found.sorted() {
		t.prose(span{text: "  "}, count(len(g.modules), "file")+" ("+g.class.Title()+"): "+t.names(g.modules), 4)
	}
}

// failures writes what could not be obtained, by class and mirror.
func (t *text) failures() {
	var found groups
	for _, m := range t.r.Modules {
		switch m.Source {
		case FromPresent, FromCache, FromMirror, FromDeferred:
			continue
		}
		g := found.at(decisive(m))
		g.modules = append(g.modules, m)
		g.attempts += len(m.Attempts)
	}
	if len(found.all) == 0 {
		return
	}
	t.heading("Failures")
	explained := map[failure.Class]bool{}
	for i, g := range found.sorted() {
		if i > 0 {
			t.b.WriteByte('\n')
		}
		t.failure(g, !explained[g.class])
		explained[g.class] = true
	}
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

// failure writes one group; what its class means and what to do only once per
// class.
func (t *text) failure(g *group, explain bool) {
	head, tail := g.String()+": ", count(len(g.modules), "file")
	if g.mirror != "" {
		head, tail = g.String()+" ", "at "+failure.Plain(g.mirror)+": "+tail
	}
	t.prose(span{"  " + head, red}, tail, 4)
	if g.class == failure.Cancelled && !t.verbose {
		// The outcome says it all.
		t.note("do", g.class.Remedy())
		return
	}
	t.failed(g)
	if explain {
		t.note("means", g.class.Explain())
		t.note("do", g.class.Remedy())
	}
}

// note writes a labelled text below a failure.
func (t *text) note(label, text string) {
	if text != "" {
		t.prose(span{fmt.Sprintf("    %-6s ", label+":"), dim}, text, 0)
	}
}

// failed writes the modules of a group and what was tried for them.
func (t *text) failed(g *group) {
	n := len(g.modules)
	if !t.verbose && n > few {
		n = few - 1
	}
	var rows [][]span
	for _, m := range g.modules[:n] {
		position := ""
		if m.File != "" {
			position = failure.Neutral(m.File)
			if m.Line > 0 {
				position += fmt.Sprintf(":%d", m.Line)
			}
		}
		tries := ""
		if len(m.Attempts) > 0 {
			tries = count(len(m.Attempts), "attempt")
			if m.MS > 0 {
				tries += " in " + Millis(m.MS)
			}
		}
		if m.Low {
			tries = strings.TrimPrefix(tries+", only graph commands need it", ", ")
		}
		rows = append(rows, []span{{text: name(m)}, {text: position}, {text: tries}})
	}
	t.table(4, []column{{flexible: true}, {flexible: true}, {below: true}}, rows)
	if rest := len(g.modules) - n; rest > 0 {
		t.emit(span{fmt.Sprintf("    and %d more", rest), dim})
	}
	t.note("tried", tried(g.modules))
	label := "error"
	if len(g.modules) > 1 {
		label = "e.g."
	}
	t.note(label, failure.Plain(g.modules[0].Message))
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

// findings writes the remarks on configuration and checkout, the worst first. A
// run that had nothing to do keeps those to itself that are merely worth
// knowing, unless they may be the reason that it had nothing to do.
func (t *text) findings() {
	all := slices.Clone(t.r.Findings)
	if t.idle() && t.tally.all > 0 && !t.verbose {
		all = slices.DeleteFunc(all, func(f goenv.Finding) bool { return f.Severity == goenv.SevInfo })
	}
	if len(all) == 0 {
		return
	}
	rank := func(f goenv.Finding) int {
		return slices.Index([]goenv.Severity{goenv.SevInfo, goenv.SevWarning, goenv.SevError}, f.Severity)
	}
	slices.SortStableFunc(all, func(a, b goenv.Finding) int { return cmp.Compare(rank(b), rank(a)) })
	t.heading("Findings")
	for _, f := range all {
		mark := dim
		switch f.Severity {
		case goenv.SevError:
			mark = red
		case goenv.SevWarning:
			mark = yellow
		}
		t.prose(span{"  " + word(string(f.Severity)) + ": ", mark}, remarkOf(f), 4)
		if f.Instead != "" {
			t.prose(span{"    write: ", dim}, failure.Plain(f.Instead), 0)
		}
	}
}

// remarkOf is a finding in one sentence.
func remarkOf(f goenv.Finding) string {
	var where []string
	for _, s := range []string{f.Setting, f.Found} {
		if s = failure.Plain(s); s != "" {
			where = append(where, s)
		}
	}
	text := strings.Join(where, " ")
	if f.Source != "" {
		text += " (" + failure.Plain(f.Source) + ")"
	}
	if f.File != "" {
		text += " " + failure.Neutral(f.File)
		if f.Line > 0 {
			text += fmt.Sprintf(":%d", f.Line)
		}
	}
	text = strings.TrimSpace(text)
	if effect := failure.Plain(f.Effect); effect != "" && text != "" {
		return text + ": " + effect
	} else if effect != "" {
		return effect
	}
	return text
}

// settings writes the go command's settings of the run and their sources.
func (t *text) settings() {
	s := t.r.Settings
	rows := [][]span{}
	for _, v := range []struct{ name, value string }{
		{"GOPROXY", s.GOPROXY}, {"GOSUMDB", s.GOSUMDB}, {"GOPRIVATE", s.GOPRIVATE},
		{"GONOPROXY", s.GONOPROXY}, {"GONOSUMDB", s.GONOSUMDB}, {"GOMODCACHE", s.ModCache},
	} {
		if v.value != "" {
			rows = append(rows, []span{{text: v.name}, {text: failure.Plain(v.value)}, {failure.Plain(s.Sources[v.name]), dim}})
		}
	}
	if len(rows) > 0 {
		t.heading("Settings")
		t.table(2, []column{{}, {flexible: true}, {}}, rows)
	}
}
