package markdown

import (
	"fmt"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/render"
)

// failures adds what could not be obtained, by class and mirror; what a class
// means and what to do only once per class.
func (m *markdown) failures() {
	explained := map[failure.Class]bool{}
	for i, g := range m.Failed() {
		text := m.failure(g, !explained[g.Class])
		if i == 0 {
			text = section("Failures", text)
		}
		m.add(failureGroups, text)
		explained[g.Class] = true
		if rest := g.Modules[shown(g):]; len(rest) > 0 {
			title := fmt.Sprintf("and %d more", len(rest))
			if len(rest) == len(g.Modules) {
				title = "Which files"
			}
			m.add(furtherFiles, fold(title, failedFiles(rest)))
		}
	}
}

// shown is the number of modules of a failure that are listed openly: the
// first few, none when the run ended before them.
func shown(g *render.Group) int {
	switch n := len(g.Modules); {
	case g.Class == failure.Cancelled:
		return 0
	case n > render.Few:
		return render.Few - 1
	default:
		return n
	}
}

// failure is one group.
func (m *markdown) failure(g *render.Group, explain bool) string {
	text := "**" + escape(g.String()) + "**"
	if g.Mirror != "" {
		text += " at " + code(failure.Plain(g.Mirror))
	}
	text += ": " + report.Count(len(g.Modules), "file") + "\n"
	if explain {
		if g.Class != failure.Cancelled { // the outcome says it
			text += "\n" + escape(g.Class.Explain()) + "\n"
		}
		text += "\n**What to do:** " + escape(g.Class.Remedy()) + "\n"
	}
	if n := shown(g); n > 0 {
		text += "\n" + failedFiles(g.Modules[:n])
		var lines []string
		if s := render.Tried(g.Modules); s != "" {
			lines = append(lines, "tried: "+escape(s))
		}
		if s := failure.Plain(g.Modules[0].Message); s != "" {
			label := "error"
			if len(g.Modules) > 1 {
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
func failedFiles(modules []report.Module) string {
	var rows [][]string
	for _, m := range modules {
		rows = append(rows, []string{code(m.Name()), code(report.Position(m.File, m.Line)), render.Tries(m)})
	}
	return tableOf([]render.Column{{Title: "file"}, {Title: "line"}, {Title: "attempts"}}, rows)
}

// retried adds the failed attempts that other attempts made up for, openly
// when wrong bytes were among them.
func (m *markdown) retried() {
	all := m.View.Retried()
	if len(all) == 0 {
		return
	}
	attempts, serious := 0, false
	var rows [][]string
	for _, g := range all {
		what := g.String()
		if g.Serious() {
			serious = true
			what = sign(render.Bad) + " " + what
		}
		attempts += g.Attempts
		rows = append(rows, []string{escape(what), code(failure.Plain(g.Mirror)), fmt.Sprint(g.Attempts), fmt.Sprint(len(g.Modules)), render.Names(g.Modules, false, code)})
	}
	table := tableOf([]render.Column{{Title: "trouble"}, {Title: "mirror"}, {Title: "attempts", Right: true}, {Title: "files", Right: true}, {Title: "which"}}, rows)
	if serious {
		m.add(madeUpFor, section("Failed attempts that others made up for", table))
		return
	}
	m.add(madeUpFor, fold(fmt.Sprintf("Failed attempts that others made up for (%d)", attempts), table))
}

// deferred adds what is left to the go command.
func (m *markdown) deferred() {
	all := m.View.Deferred()
	if len(all) == 0 {
		return
	}
	var lines []string
	for _, g := range all {
		lines = append(lines, report.Count(len(g.Modules), "file")+" ("+escape(g.Class.Title())+"): "+render.Names(g.Modules, true, code))
	}
	m.add(leftToGo, fold(fmt.Sprintf("Left to the go command (%d)", m.Tally.Deferred), list(lines)))
}

// findings adds the remarks on configuration and checkout, folded when all of
// them are merely worth knowing.
func (m *markdown) findings() {
	all := m.View.Findings(false)
	if len(all) == 0 {
		return
	}
	var lines []string
	grave := false
	for _, f := range all {
		grave = grave || f.Severity != finding.Info
		severity := escape(render.SeverityOf(f))
		if doc := f.Doc(); doc != "" {
			severity = "[" + severity + "](" + doc + ")"
		}
		line := sign(render.SeverityTone(f.Severity)) + " " + severity + ": " + escape(strings.TrimSuffix(render.RemarkOf(f), "."))
		if f.Instead != "" {
			line += ". Write: " + code(failure.Plain(f.Instead))
		}
		lines = append(lines, line)
	}
	if !grave {
		m.add(remarks, fold(fmt.Sprintf("Findings (%d)", len(lines)), list(lines)))
		return
	}
	m.add(remarks, section("Findings", list(lines)))
}
