package text

import (
	"io"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/render"
)

// Diagnosis renders r for a person who asked what is wrong: how many findings,
// then each as a compiler shows it (what was found and where, what the go command
// does with it, what to do about it, where to read more), worst first, then
// the mirrors and the settings with where they come from.
func Diagnosis(w io.Writer, r *report.Result, o Options) error {
	t := &text{Page: Page{width: o.Width, colour: o.Color}, View: render.Of(r), verbose: o.Verbose}
	all := t.View.Findings(true)
	t.diagnosis(all)
	for _, f := range all {
		t.diagnose(f)
	}
	if t.probed() {
		t.section(t.Mirrors())
	}
	t.section(t.UsedSettings())
	return t.WriteTo(w, "report")
}

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
			parts = append(parts, report.Count(n, s.word))
		}
	}
	says := strings.Join(parts, ", ")
	word, colour := "ok", render.Good
	switch {
	case counts[finding.Error] > 0:
		word, colour = "found", render.Bad
	case t.Result.Outcome != report.OK || t.Result.Interrupted:
		word, colour = t.Verdict()
		message := failure.Plain(t.Result.Message)
		if t.Result.Interrupted {
			message, _ = t.Says()
		}
		says = strings.Join(slices.DeleteFunc([]string{message, says}, func(s string) bool { return s == "" }), "; ")
	case counts[finding.Warning] > 0:
		word, colour = "found", render.Fair
	case says == "":
		says = "nothing to correct"
	default:
		says = "nothing to correct, " + says
	}
	if t.probed() && !t.Result.Interrupted {
		says += "; " + t.View.MirrorState()
	}
	t.Prose(Span{word + ": ", styles[colour]}, says, 2)
}

func (t *text) probed() bool {
	return slices.ContainsFunc(t.Result.Mirrors, func(m report.Mirror) bool { return m.State != report.Skipped })
}

func (t *text) diagnose(f finding.Finding) {
	t.b.WriteByte('\n')
	t.Prose(Span{render.Word(string(f.Severity)) + " " + render.CheckOf(f) + ": ", styles[render.SeverityTone(f.Severity)]}, render.PlaceOf(f), 2)
	t.notes(4, note("effect", failure.Plain(f.Effect)), note("fix", failure.Plain(f.Fix)), note("see", f.Doc()))
}
