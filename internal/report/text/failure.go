package text

import (
	"fmt"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/render"
)

// retried writes the failed attempts that other attempts made up for.
func (t *text) retried() {
	found := t.View.Retried()
	if len(found) == 0 {
		return
	}
	t.Heading("Failed attempts that others made up for")
	var rows [][]Span
	for _, g := range found {
		what := g.MadeUp()
		if g.Serious() || t.verbose {
			what += ": " + render.Names(g.Modules, t.verbose, render.AsIs)
		}
		mark := style("")
		if g.Serious() {
			mark = red
		}
		rows = append(rows, []Span{{g.String(), mark}, {Text: failure.Plain(g.Mirror)}, {Text: what}})
	}
	t.table(2, []render.Column{{}, {Flexible: true}, {}}, rows)
}

// deferred writes what is left to the go command.
func (t *text) deferred() {
	found := t.View.Deferred()
	if len(found) == 0 {
		return
	}
	t.Heading("Left to the go command")
	for _, g := range found {
		t.Prose(Span{Text: "  "}, report.Count(len(g.Modules), "file")+" ("+g.Class.Title()+"): "+render.Names(g.Modules, t.verbose, render.AsIs), 4)
	}
}

// failures writes what could not be obtained, by class and mirror.
func (t *text) failures() {
	found := t.View.Failed()
	if len(found) == 0 {
		return
	}
	t.Heading("Failures")
	explained := map[failure.Class]bool{}
	for i, g := range found {
		if i > 0 {
			t.b.WriteByte('\n')
		}
		t.failure(g, !explained[g.Class])
		explained[g.Class] = true
	}
}

// failure writes one group; what its class means and what to do only once per
// class.
func (t *text) failure(g *render.Group, explain bool) {
	head, tail := g.String()+": ", report.Count(len(g.Modules), "file")
	if g.Mirror != "" {
		head, tail = g.String()+" ", "at "+failure.Plain(g.Mirror)+": "+tail
	}
	t.Prose(Span{"  " + head, red}, tail, 4)
	if g.Class == failure.Cancelled && !t.verbose {
		// The outcome says it all.
		t.note("do", g.Class.Remedy())
		return
	}
	t.files(g)
	if explain {
		t.note("means", g.Class.Explain())
		t.note("do", g.Class.Remedy())
	}
}

// note writes a labelled text below a failure.
func (t *text) note(label, text string) {
	if text != "" {
		t.Prose(Span{fmt.Sprintf("    %-6s ", label+":"), dim}, text, 0)
	}
}

// files writes the modules of a group and what was tried for them.
func (t *text) files(g *render.Group) {
	n := len(g.Modules)
	if !t.verbose && n > render.Few {
		n = render.Few - 1
	}
	var rows [][]Span
	for _, m := range g.Modules[:n] {
		rows = append(rows, []Span{{Text: m.Name()}, {Text: report.Position(m.File, m.Line)}, {Text: render.Tries(m)}})
	}
	t.table(4, []render.Column{{Flexible: true}, {Flexible: true}, {Below: true}}, rows)
	if rest := len(g.Modules) - n; rest > 0 {
		t.Emit(Span{fmt.Sprintf("    and %d more", rest), dim})
	}
	t.note("tried", render.Tried(g.Modules))
	label := "error"
	if len(g.Modules) > 1 {
		label = "e.g."
	}
	t.note(label, failure.Plain(g.Modules[0].Message))
}

// findings writes the remarks on configuration and checkout, the worst first. A
// run that had nothing to do keeps those to itself that are merely worth
// knowing, unless they may be the reason that it had nothing to do.
func (t *text) findings() {
	all := t.View.Findings(t.verbose)
	if len(all) == 0 {
		return
	}
	t.Heading("Findings")
	for _, f := range all {
		t.Prose(Span{"  " + render.SeverityOf(f) + ": ", styleOf(render.SeverityTone(f.Severity))}, render.RemarkOf(f), 4)
		if f.Instead != "" {
			t.Prose(Span{"    write: ", dim}, failure.Plain(f.Instead), 0)
		}
	}
}

// settings writes the go command's settings of the run and their sources.
func (t *text) settings() {
	rows := [][]Span{}
	for _, s := range t.View.Settings() {
		rows = append(rows, []Span{{Text: s.Name}, {Text: s.Value}, {s.Source, dim}})
	}
	if len(rows) > 0 {
		t.Heading("Settings")
		t.table(2, []render.Column{{}, {Flexible: true}, {}}, rows)
	}
}
