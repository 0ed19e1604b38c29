package render

import (
	"fmt"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
)

// Failure is files that could not be obtained for one reason at one mirror.
type Failure struct {
	Title   string // "server error (HTTP 503)"
	Mirror  string // "" for none
	Class   failure.Class
	Modules []report.Module
	Explain string // what the class means and what to do, "" but for the first
	Remedy  string // failure of a class
	Tried   string // the attempts, "" when there was one for each, all alike
	Error   string // of the first file
}

// Failures is what could not be obtained, by class and mirror.
func (v *View) Failures() []Failure {
	var all []Failure
	explained := map[failure.Class]bool{}
	for _, g := range v.failed() {
		f := Failure{Title: g.String(), Mirror: failure.Plain(g.Mirror), Class: g.Class, Modules: g.modules,
			Tried: tried(g.modules), Error: failure.Plain(g.modules[0].Message)}
		if !explained[g.Class] {
			f.Explain, f.Remedy = g.Class.Explain(), g.Class.Remedy()
		}
		explained[g.Class] = true
		all = append(all, f)
	}
	return all
}

// Shown is the number of files that are listed openly: the first few, none
// when the run ended before them.
func (f Failure) Shown() int {
	switch n := len(f.Modules); {
	case f.Class == failure.Cancelled:
		return 0
	case n > Few:
		return Few - 1
	default:
		return n
	}
}

// FailedFiles is a table of files that failed, and what was tried for each.
func FailedFiles(caption string, modules []report.Module) Table {
	t := Table{Caption: caption, Thing: "file", Bare: true, Columns: []Column{
		{Title: "file", Head: true, Code: true, Flexible: true}, {Title: "line", Code: true, Flexible: true}, {Title: "attempts", Below: true},
	}}
	for _, m := range modules {
		cell := Cell{Text: Tries(m)}
		if len(m.Attempts) > 1 {
			cell.More = attempts(m)
		}
		t.Rows = append(t.Rows, []Cell{{Text: m.Name()}, {Text: report.Position(m.File, m.Line)}, cell})
	}
	return t
}

// Recovered is the failed attempts after which another attempt brought the
// file; every is whether all files are named.
func (v *View) Recovered(every bool) (s Section, attempts int, serious bool) {
	all := v.recovered()
	if len(all) == 0 {
		return Section{}, 0, false
	}
	const title = "Recovered failures"
	t := Table{Caption: title, Thing: "group", Bare: true, Columns: []Column{
		{Title: "trouble", Head: true}, {Title: "mirror", Code: true, Flexible: true}, {Title: "attempts", Number: true, In: Markdown | HTML},
		{Title: "files", Number: true, In: Markdown | HTML}, {Title: "which", In: Markdown | HTML}, {Title: "what", In: Text},
	}}
	for _, g := range all {
		trouble := Cell{Text: g.String()}
		what := report.Count(g.attempts, "attempt") + " for " + report.Count(len(g.modules), "file")
		if g.Serious() {
			serious = true
			trouble.Tone = Bad
		}
		if g.Serious() || every {
			what += ": " + Names(g.modules, every)
		}
		attempts += g.attempts
		t.Rows = append(t.Rows, []Cell{
			trouble, {Text: failure.Plain(g.Mirror)}, counted(g.attempts), counted(len(g.modules)), {Spans: named(g.modules, Few)}, {Text: what},
		})
	}
	return Section{ID: "retried", Title: title, Tables: []Table{t}}, attempts, serious
}

// Deferred is what is left to the go command, by reason, with at most so many
// names for each; 0 for all.
func (v *View) Deferred(most int) Section {
	s := Section{ID: "deferred", Title: "Left to the go command"}
	for _, g := range v.deferred() {
		head := fmt.Sprintf("%s (%s): ", report.Count(len(g.modules), "file"), g.Class.Title())
		s.Items = append(s.Items, line(append([]Span{say(head)}, named(g.modules, most)...)...))
	}
	if len(s.Items) == 0 {
		return Section{}
	}
	return s
}

// named lists modules, at most so many; 0 for all.
func named(modules []report.Module, most int) []Span {
	n := len(modules)
	if most > 0 && n > most {
		n = most - 1
	}
	var spans []Span
	for i, m := range modules[:n] {
		if i > 0 {
			spans = append(spans, say(", "))
		}
		spans = append(spans, name(m.Name()))
	}
	if rest := len(modules) - n; rest > 0 {
		spans = append(spans, say(fmt.Sprintf(" and %d more", rest)))
	}
	return spans
}

// Names lists modules, the first few unless all are wanted.
func Names(modules []report.Module, all bool) string {
	most := Few
	if all {
		most = 0
	}
	return Line{Spans: named(modules, most)}.Plain()
}
