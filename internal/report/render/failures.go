package render

import (
	"fmt"
	"slices"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
)

// Few is how many modules of a kind are listed when not all are wanted.
const Few = 5

// Failures is what could not be obtained, by class and mirror. What a class
// means and what to do about it stands at its first group.
func (v *View) Failures() Section {
	s := Section{ID: "failures", Title: "Failures", Told: v.cause() != ""}
	explained := map[failure.Class]bool{}
	for _, g := range v.causes {
		if g.Class == failure.Cancelled && v.Result.Interrupted {
			continue
		}
		group := Group{Class: g.Class, Title: g.String(), Tone: Bad, Link: g.Class.Doc(), Files: failedFiles(g.modules)}
		if mirror := failure.Plain(g.Mirror); mirror != "" {
			group.Rest = []Span{say(" at "), name(mirror)}
		}
		if g.stated != "" {
			group.Rest = append(group.Rest, say(": "+g.stated))
		}
		if !s.Told {
			group.Rest = append(group.Rest, say(": "+report.Amount(g.lacking)))
		}
		if !explained[g.Class] {
			group.Explain, group.Remedy = g.Class.Explain(), v.remedy(g.Class)
		}
		explained[g.Class] = true
		group.Affected = Line{Label: v.lacking(), Spans: affected(g.lacking)}
		group.Notes = v.notesOn(g)
		s.Groups = append(s.Groups, group)
	}
	if v.Result.Interrupted && len(s.Groups) == 0 {
		return v.interruption()
	}
	if len(s.Groups) == 0 {
		return Section{}
	}
	return s
}

// remedy is what to do about a class of failures. Where no source was asked, none is
// to blame.
func (v *View) remedy(c failure.Class) string {
	if v.Audit() && c == failure.HashMismatch {
		return "modferry fetch --verify-present replaces what differs; with --scope all also what no package imports. If it fails, too, the line in go.sum is wrong: find out who wrote it."
	}
	return c.Remedy()
}

// interruption is what stands in the place of failures when somebody ended the run:
// its files did not fail, and the outcome says why.
func (v *View) interruption() Section {
	c := failure.Cancelled
	g := Group{Class: c, Title: "What to do", Tone: Fair, Link: c.Doc(), Rest: []Span{say(": " + c.Remedy())}}
	return Section{ID: "failures", Title: "Interruption", Told: true, Groups: []Group{g}}
}

// notesOn says which setting names the mirror that is at fault, what was tried, and
// what happened to the first file.
func (v *View) notesOn(g *group) []Line {
	label, setting := "error", ""
	if len(g.modules) > 1 {
		label = "e.g."
	}
	if source := failure.Plain(v.Result.Settings.Sources["GOPROXY"]); source != "" && g.Mirror != "" {
		setting = "GOPROXY, " + source
	}
	notes := []Line{
		{Label: "set by", Spans: []Span{say(setting)}},
		{Label: "tried", Spans: tried(g.modules)},
		{Label: label, Spans: []Span{name(failure.Plain(g.modules[0].Message))}},
	}
	return slices.DeleteFunc(notes, func(l Line) bool { return l.Plain() == "" })
}

// affected names the first few modules, each with the line that asks for it.
func affected(modules [][]report.Module) []Span {
	n := len(modules)
	if n > Few {
		n = Few - 1
	}
	var spans []Span
	for i, files := range modules[:n] {
		m := files[0]
		if i > 0 {
			spans = append(spans, say(", "))
		}
		of := failure.Neutral(m.Path + "@" + m.Version)
		if m.Query() {
			of = m.Name()
		}
		spans = append(spans, name(of))
		if at := report.Position(m.File, m.Line); at != "" {
			spans = append(spans, say(" ("+at+")"))
		}
	}
	if rest := len(modules) - n; rest > 0 {
		spans = append(spans, say(fmt.Sprintf(" and %d more", rest)))
	}
	return spans
}

// failedFiles is a table of files that failed, and what was tried for each.
func failedFiles(modules []report.Module) Table {
	t := Table{Bare: true, Columns: []Column{
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
func (v *View) Recovered(every bool) Section {
	t := Table{Thing: "group", Bare: true, Columns: []Column{
		{Title: "trouble", Head: true}, {Title: "mirror", Code: true, Flexible: true}, {Title: "attempts", Number: true, In: Markdown | HTML},
		{Title: "files", Number: true, In: Markdown | HTML}, {Title: "which", In: Markdown | HTML}, {Title: "what", In: Text},
	}}
	attempts := 0
	for _, g := range v.recovered() {
		trouble := Cell{Text: g.String()}
		what := report.Count(g.attempts, "attempt") + " for " + report.Count(len(g.modules), "file")
		if g.Serious() {
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
	s := tabled("retried", "Recovered failures", t)
	s.Count = attempts
	return s
}

// Deferred is what is left to the go command, by reason, with at most so many
// names for each; 0 for all.
func (v *View) Deferred(most int) Section {
	s := Section{ID: "deferred", Title: "Left to the go command", Count: v.Tally.Deferred}
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
