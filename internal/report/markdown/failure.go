package markdown

import (
	"fmt"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/render"
)

// failures adds what could not be obtained, by class and mirror.
func (m *markdown) failures() {
	for i, f := range m.Failures() {
		text := failureOf(f)
		if i == 0 {
			text = section("Failures", text)
		}
		m.add(failureGroups, text)
		if rest := f.Modules[f.Shown():]; len(rest) > 0 {
			title := fmt.Sprintf("and %d more", len(rest))
			if len(rest) == len(f.Modules) {
				title = "Which files"
			}
			m.add(furtherFiles, fold(title, tableOf(render.FailedFiles("", rest))))
		}
	}
}

// failureOf is one failure with its first files.
func failureOf(f render.Failure) string {
	text := "**" + escape(f.Title) + "**"
	if f.Mirror != "" {
		text += " at " + code(f.Mirror)
	}
	text += ": " + report.Count(len(f.Modules), "file") + "\n"
	if f.Remedy != "" {
		if f.Class != failure.Cancelled { // the outcome says it
			text += "\n" + escape(f.Explain) + "\n"
		}
		text += "\n**What to do:** " + escape(f.Remedy) + "\n"
	}
	n := f.Shown()
	if n == 0 {
		return text
	}
	text += "\n" + tableOf(render.FailedFiles("", f.Modules[:n]))
	var lines []string
	if f.Tried != "" {
		lines = append(lines, "tried: "+escape(f.Tried))
	}
	if f.Error != "" {
		label := "error"
		if len(f.Modules) > 1 {
			label = "for example"
		}
		lines = append(lines, label+": "+escape(f.Error))
	}
	if len(lines) > 0 {
		text += "\n" + list(lines)
	}
	return text
}

// recovered adds the failed attempts after which another brought the file,
// openly when wrong bytes were among them.
func (m *markdown) recovered() {
	s, attempts, serious := m.Recovered(false)
	if serious {
		m.open(recoveredFailures, s)
	} else {
		m.fold(recoveredFailures, s, attempts)
	}
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
		if f.Fix != "" {
			line += ". Fix: " + code(failure.Plain(f.Fix))
		}
		lines = append(lines, line)
	}
	if !grave {
		m.add(remarks, fold(fmt.Sprintf("Findings (%d)", len(lines)), list(lines)))
		return
	}
	m.add(remarks, section("Findings", list(lines)))
}
