package report

import (
	"fmt"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
)

// failures adds what could not be obtained, by class and mirror; what a class
// means and what to do only once per class.
func (m *markdown) failures() {
	explained := map[failure.Class]bool{}
	for i, g := range m.failed() {
		text := m.failure(g, !explained[g.class])
		if i == 0 {
			text = section("Failures", text)
		}
		m.add(failureGroups, text)
		explained[g.class] = true
		if rest := g.modules[g.shown():]; len(rest) > 0 {
			title := fmt.Sprintf("and %d more", len(rest))
			if len(rest) == len(g.modules) {
				title = "Which files"
			}
			m.add(furtherFiles, fold(title, failedFiles(rest)))
		}
	}
}

// shown is the number of modules of a failure that are listed openly: the
// first few, none when the run ended before them.
func (g *group) shown() int {
	switch n := len(g.modules); {
	case g.class == failure.Cancelled:
		return 0
	case n > few:
		return few - 1
	default:
		return n
	}
}

// failure is one group.
func (m *markdown) failure(g *group, explain bool) string {
	text := "**" + escape(g.String()) + "**"
	if g.mirror != "" {
		text += " at " + code(failure.Plain(g.mirror))
	}
	text += ": " + count(len(g.modules), "file") + "\n"
	if explain {
		if g.class != failure.Cancelled { // the outcome says it
			text += "\n" + escape(g.class.Explain()) + "\n"
		}
		text += "\n**What to do:** " + escape(g.class.Remedy()) + "\n"
	}
	if n := g.shown(); n > 0 {
		text += "\n" + failedFiles(g.modules[:n])
		var lines []string
		if s := tried(g.modules); s != "" {
			lines = append(lines, "tried: "+escape(s))
		}
		if s := failure.Plain(g.modules[0].Message); s != "" {
			label := "error"
			if len(g.modules) > 1 {
				label = "for example"
			}
			lines = append(lines, label+": "+escape(s))
		}
		if len(lines) > 0 {
			text += "\n" + list(lines)
		}
	}
	return text
}

// failedFiles is a table of files that failed.
func failedFiles(modules []Module) string {
	var rows [][]string
	for _, m := range modules {
		rows = append(rows, []string{code(name(m)), code(position(m.File, m.Line)), tries(m)})
	}
	return tableOf([]column{{title: "file"}, {title: "line"}, {title: "attempts"}}, rows)
}

// retried adds the failed attempts that other attempts made up for, openly
// when wrong bytes were among them.
func (m *markdown) retried() {
	all := m.view.retried()
	if len(all) == 0 {
		return
	}
	attempts, serious := 0, false
	var rows [][]string
	for _, g := range all {
		what := g.String()
		if g.serious() {
			serious = true
			what = red.sign() + " " + what
		}
		attempts += g.attempts
		rows = append(rows, []string{escape(what), code(failure.Plain(g.mirror)), fmt.Sprint(g.attempts), fmt.Sprint(len(g.modules)), names(g.modules, false, code)})
	}
	table := tableOf([]column{{title: "trouble"}, {title: "mirror"}, {title: "attempts", right: true}, {title: "files", right: true}, {title: "which"}}, rows)
	if serious {
		m.add(madeUpFor, section("Failed attempts that others made up for", table))
		return
	}
	m.add(madeUpFor, fold(fmt.Sprintf("Failed attempts that others made up for (%d)", attempts), table))
}

// deferred adds what is left to the go command.
func (m *markdown) deferred() {
	all := m.view.deferred()
	if len(all) == 0 {
		return
	}
	var lines []string
	for _, g := range all {
		lines = append(lines, count(len(g.modules), "file")+" ("+escape(g.class.Title())+"): "+names(g.modules, true, code))
	}
	m.add(leftToGo, fold(fmt.Sprintf("Left to the go command (%d)", m.tally.deferred), list(lines)))
}

// findings adds the remarks on configuration and checkout, folded when all of
// them are merely worth knowing.
func (m *markdown) findings() {
	all := m.view.findings(false)
	if len(all) == 0 {
		return
	}
	var lines []string
	grave := false
	for _, f := range all {
		grave = grave || f.Severity != finding.Info
		severity := escape(severityOf(f))
		if doc := f.Doc(); doc != "" {
			severity = "[" + severity + "](" + doc + ")"
		}
		line := severityStyle(f.Severity).sign() + " " + severity + ": " + escape(strings.TrimSuffix(remarkOf(f), "."))
		if f.Fix != "" {
			line += ". Write: " + code(failure.Plain(f.Fix))
		}
		lines = append(lines, line)
	}
	if !grave {
		m.add(remarks, fold(fmt.Sprintf("Findings (%d)", len(lines)), list(lines)))
		return
	}
	m.add(remarks, section("Findings", list(lines)))
}
