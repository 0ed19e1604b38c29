package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
)

// Diagnosis renders r for a person who asked what is wrong: how many findings,
// then each as a compiler shows it (what was found and where, what the go command
// does with it, what to write instead, where to read more), worst first, then
// the mirrors and the settings with where they come from.
func Diagnosis(w io.Writer, r *Result, o TextOptions) error {
	t := &text{page: page{width: o.Width, colour: o.Color}, view: viewOf(r), verbose: o.Verbose}
	all := t.view.findings(true)
	t.diagnosis(all)
	for _, f := range all {
		t.diagnose(f)
	}
	if len(r.Mirrors) > 0 && slices.ContainsFunc(r.Mirrors, func(m Mirror) bool { return m.State != Skipped }) {
		t.mirrors()
	}
	t.settings()
	if _, err := io.WriteString(w, t.b.String()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// diagnosis writes the first line.
func (t *text) diagnosis(all []finding.Finding) {
	counts := map[finding.Severity]int{}
	for _, f := range all {
		counts[f.Severity]++
	}
	var parts []string
	for _, s := range []struct {
		severity finding.Severity
		word     string
	}{{finding.Error, "error"}, {finding.Warning, "warning"}, {finding.Info, "remark"}} {
		if n := counts[s.severity]; n > 0 {
			parts = append(parts, count(n, s.word))
		}
	}
	says := strings.Join(parts, ", ")
	word, colour := "ok", green
	switch {
	case counts[finding.Error] > 0:
		word, colour = "found", red
	case t.r.Outcome != OK || t.r.Interrupted:
		word, colour = t.verdict()
		says = strings.Join(slices.DeleteFunc([]string{failure.Plain(t.r.Message), says}, func(s string) bool { return s == "" }), "; ")
	case counts[finding.Warning] > 0:
		word, colour = "found", yellow
	case says == "":
		says = "nothing to correct"
	default:
		says = "nothing to correct, " + says
	}
	if len(t.r.Mirrors) > 0 && !t.r.Interrupted && slices.ContainsFunc(t.r.Mirrors, func(m Mirror) bool { return m.State != Skipped }) {
		says += "; " + t.view.mirrorState()
	}
	t.prose(span{word + ": ", colour}, says, 2)
}

// diagnose writes one finding.
func (t *text) diagnose(f finding.Finding) {
	t.b.WriteByte('\n')
	t.prose(span{word(string(f.Severity)) + " " + checkOf(f) + ": ", severityStyle(f.Severity)}, placeOf(f), 2)
	t.note("does", failure.Plain(f.Effect))
	t.note("write", failure.Plain(f.Fix))
	t.note("see", f.Doc())
}
