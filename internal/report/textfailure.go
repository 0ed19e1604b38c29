package report

import (
	"fmt"

	"github.com/modferry/modferry/internal/failure"
)

// retried writes the failed attempts that other attempts made up for.
func (t *text) retried() {
	found := t.view.retried()
	if len(found) == 0 {
		return
	}
	t.heading("Failed attempts that others made up for")
	var rows [][]span
	for _, g := range found {
		what := g.madeUp()
		if g.serious() || t.verbose {
			what += ": " + names(g.modules, t.verbose, asIs)
		}
		mark := style("")
		if g.serious() {
			mark = red
		}
		rows = append(rows, []span{{g.String(), mark}, {text: failure.Plain(g.mirror)}, {text: what}})
	}
	t.table(2, []column{{}, {flexible: true}, {}}, rows)
}

// deferred writes what is left to the go command.
func (t *text) deferred() {
	found := t.view.deferred()
	if len(found) == 0 {
		return
	}
	t.heading("Left to the go command")
	for _, g := range found {
		t.prose(span{text: "  "}, count(len(g.modules), "file")+" ("+g.class.Title()+"): "+names(g.modules, t.verbose, asIs), 4)
	}
}

// failures writes what could not be obtained, by class and mirror.
func (t *text) failures() {
	found := t.view.failed()
	if len(found) == 0 {
		return
	}
	t.heading("Failures")
	explained := map[failure.Class]bool{}
	for i, g := range found {
		if i > 0 {
			t.b.WriteByte('\n')
		}
		t.failure(g, !explained[g.class])
		explained[g.class] = true
	}
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
	t.files(g)
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

// files writes the modules of a group and what was tried for them.
func (t *text) files(g *group) {
	n := len(g.modules)
	if !t.verbose && n > few {
		n = few - 1
	}
	var rows [][]span
	for _, m := range g.modules[:n] {
		rows = append(rows, []span{{text: name(m)}, {text: position(m.File, m.Line)}, {text: tries(m)}})
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

// findings writes the remarks on configuration and checkout, the worst first. A
// run that had nothing to do keeps those to itself that are merely worth
// knowing, unless they may be the reason that it had nothing to do.
func (t *text) findings() {
	all := t.view.findings(t.verbose)
	if len(all) == 0 {
		return
	}
	t.heading("Findings")
	for _, f := range all {
		t.prose(span{"  " + severityOf(f) + ": ", severityStyle(f.Severity)}, remarkOf(f), 4)
		if f.Fix != "" {
			t.prose(span{"    write: ", dim}, failure.Plain(f.Fix), 0)
		}
	}
}

// settings writes the go command's settings of the run and their sources.
func (t *text) settings() {
	rows := [][]span{}
	for _, s := range t.view.settings() {
		rows = append(rows, []span{{text: s.name}, {text: s.value}, {s.source, dim}})
	}
	if len(rows) > 0 {
		t.heading("Settings")
		t.table(2, []column{{}, {flexible: true}, {}}, rows)
	}
}
