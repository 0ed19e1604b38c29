package text

import (
	"fmt"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/render"
)

// failures writes what could not be obtained, by class and mirror.
func (t *text) failures() {
	for i, f := range t.Failures() {
		if i == 0 {
			t.Heading("Failures")
		} else {
			t.b.WriteByte('\n')
		}
		t.failure(f)
	}
}

func (t *text) failure(f render.Failure) {
	head, tail := f.Title+": ", report.Count(len(f.Modules), "file")
	if f.Mirror != "" {
		head, tail = f.Title+" ", "at "+f.Mirror+": "+tail
	}
	t.Prose(Span{"  " + head, red}, tail, 4)
	if f.Class == failure.Cancelled && !t.verbose {
		// The outcome says it all.
		t.note("do", f.Class.Remedy())
		return
	}
	t.files(f)
	t.note("means", f.Explain)
	t.note("do", f.Remedy)
}

// note writes a labelled text below a failure.
func (t *text) note(label, text string) {
	if text != "" {
		t.Prose(Span{fmt.Sprintf("    %-6s ", label+":"), dim}, text, 0)
	}
}

// files writes the modules of a failure and what was tried for them.
func (t *text) files(f render.Failure) {
	n := len(f.Modules)
	if !t.verbose && n > render.Few {
		n = render.Few - 1
	}
	t.table(4, render.FailedFiles("", f.Modules[:n]))
	if rest := len(f.Modules) - n; rest > 0 {
		t.Emit(Span{fmt.Sprintf("    and %d more", rest), dim})
	}
	t.note("tried", f.Tried)
	label := "error"
	if len(f.Modules) > 1 {
		label = "e.g."
	}
	t.note(label, f.Error)
}

// findings writes the remarks on configuration and checkout, the worst first.
func (t *text) findings() {
	all := t.Findings(t.verbose)
	if len(all) == 0 {
		return
	}
	t.Heading("Findings")
	for _, f := range all {
		t.Prose(Span{"  " + render.SeverityOf(f) + ": ", styleOf(render.SeverityTone(f.Severity))}, render.RemarkOf(f), 4)
		if f.Fix != "" {
			t.Prose(Span{"    fix: ", dim}, failure.Plain(f.Fix), 0)
		}
	}
}
