package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/finding"
)

// Outcomes are all outcomes, the best first.
var Outcomes = [...]Outcome{OK, NotReady, Incomplete, Settings, Integrity}

// ExitCode returns the exit code of a run with this outcome. An outcome that
// this version does not know is no success: 1. What keeps the go command from
// working is none of these failures: the next command may be the one that
// mends it, such as go mod tidy.
func (o Outcome) ExitCode() int {
	switch o {
	case OK, NotReady:
		return 0
	case Settings:
		return 2
	case Integrity:
		return 3
	}
	return 1
}

// Judge takes the word ok from a run after which the job cannot go on: a finding
// is an error, so the go command will fail, or has the go command download
// everything itself. Whoever adds findings to a result judges it then.
func Judge(r *Result) {
	if r.Outcome != OK || r.Interrupted {
		return
	}
	says, reasons := "the go command will fail", findingsOf(r, func(f finding.Finding) bool { return f.Severity == finding.Error })
	if len(reasons) == 0 {
		says, reasons = "the go command has to download by itself", findingsOf(r, func(f finding.Finding) bool {
			return f.Check == "go-work-sum-missing" && f.Severity == finding.Warning
		})
	}
	if len(reasons) == 0 {
		return
	}
	f := reasons[0]
	where := Position(f.File, f.Line)
	if f.Line == 0 { // then the file alone does not say what Found is a value of
		where = cmp.Or(f.Setting, f.File)
	}
	message := fmt.Sprintf("%s: %s: %s", says, strings.TrimSpace(where+" "+f.Found), f.Title())
	if more := len(reasons) - 1; more > 0 {
		message += fmt.Sprintf(" (and %d more like it)", more)
	}
	r.Outcome, r.Message = NotReady, strings.TrimSuffix(message+"; "+r.Message, "; ")
}

func findingsOf(r *Result, is func(finding.Finding) bool) []finding.Finding {
	return slices.DeleteFunc(slices.Clone(r.Findings), func(f finding.Finding) bool { return !is(f) })
}

// Aggregate computes r.Totals from r.Modules: modules, files and pages, how many have which
// source, and the bytes received for them, those of failed attempts and of the
// cache included. The duration, and what became of imports, are left alone: only the
// run knows them.
func Aggregate(r *Result) {
	t := r.Totals
	t.Files, t.Pages, t.Bytes, t.BySource = len(r.Modules), 0, 0, map[string]int{}
	modules := map[[2]string]bool{}
	for _, m := range r.Modules {
		if m.Page() {
			t.Pages++
		} else {
			modules[[2]string{m.Path, m.Version}] = true
		}
		t.BySource[m.Source]++
		t.Bytes += m.Received()
	}
	t.Modules = len(modules)
	r.Totals = t
}
