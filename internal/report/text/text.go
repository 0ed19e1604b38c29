// Package text renders results and logs of go commands for people who read a log
// or a terminal.
//
// No text of a result can begin a line of its own, a workflow command or a
// terminal sequence in what it writes: every line passes through Page.Emit.
package text

import (
	"fmt"
	"io"
	"strings"

	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/render"
)

// Options choose how Text renders.
type Options struct {
	Color   bool // with terminal sequences for colours
	Width   int  // of lines, 0 for a log that breaks long lines itself
	Verbose bool // the details, too, with every module, settings and hosts
}

// Write renders r for a person who reads a terminal or a log: what became of the run
// in one line, why it failed and what to do about it, and what else is to be put in
// order. How it came about is told where details are wanted, and before the
// failures: those stand last, where eyes are.
func Write(w io.Writer, r *report.Result, o Options) error {
	t := newText(r, o)
	t.outcome()
	failures := t.Failures()
	switch {
	case o.Verbose:
		t.details()
	case failures.Told && r.Interrupted: // nobody who interrupts a run wants advice
		failures = render.Section{}
	case failures.Told:
		t.notes(2, notesOf(failures.Groups[0])...)
		failures = render.Section{}
	}
	if len(failures.Groups) > 0 {
		t.section(failures)
	}
	if t.Result.Preflight && !o.Verbose {
		t.section(t.Mirrors())
		t.section(t.Chain())
	}
	if !r.Interrupted || o.Verbose {
		t.section(t.Remarks(o.Verbose))
	}
	return t.WriteTo(w, "report")
}

// Details renders what Write leaves out unless it is verbose: the place to fold it is
// the reader's.
func Details(w io.Writer, r *report.Result, o Options) error {
	o.Verbose = true
	t := newText(r, o)
	t.details()
	t.section(t.Notes())
	return t.WriteTo(w, "report")
}

func newText(r *report.Result, o Options) *text {
	return &text{Page: Page{width: o.Width, colour: o.Color}, View: render.Of(r), verbose: o.Verbose}
}

func (t *text) details() {
	if t.Result.Outcome == report.Settings {
		t.section(t.UsedSettings())
		return
	}
	cache := render.Section{}
	if c := t.Result.Cache; len(c.Rejected) > 0 || c.Reason != "" { // of the rest "Where the files came from" tells
		cache = t.Cache(0)
	}
	why := t.Why()
	why.Tables = nil // the sentences
	for _, s := range []render.Section{
		why, t.Chain(), t.Mirrors(), t.Origins(), t.Slowest(render.Few), t.Spreads(), t.Recovered(true), t.Deferred(0), cache,
		t.UsedSettings(), t.Answers(), t.Hosts(),
	} {
		t.section(s)
	}
	t.totals()
}

type text struct {
	Page
	*render.View
	verbose bool
}

func (t *text) section(s render.Section) {
	if s.ID == "" {
		return
	}
	t.Heading(s.Title)
	for _, code := range s.Codes {
		t.Prose(Span{Text: "  "}, code, 4)
	}
	for i, g := range s.Groups {
		if i > 0 && g.Remedy != "" {
			t.b.WriteByte('\n')
		}
		t.group(g)
	}
	for _, table := range s.Tables {
		t.table(2, table)
	}
	t.lines(s.Lines)
	for _, item := range s.Items {
		t.Prose(Span{"  - ", dim}, item.Plain(), 0)
	}
	if s.Note != "" {
		t.Prose(Span{Text: "  "}, s.Note, 2)
	}
}

// notesOf is what to do about a group, who is affected, and how it happened.
func notesOf(g render.Group) []render.Line {
	notes := []render.Line{note("fix", g.Remedy), note("means", g.Explain), g.Affected}
	return append(append(notes, g.Notes...), note("see", g.Link))
}

// group writes what failed for one reason and what to do, or a remark.
func (t *text) group(g render.Group) {
	rest := render.Line{Spans: g.Rest}.Plain()
	tail, colon := strings.CutPrefix(rest, ":")
	if colon {
		g.Title += ":"
	}
	t.Prose(Span{"  " + g.Title + " ", styles[g.Tone]}, tail, 4)
	if t.verbose {
		g.Affected = render.Line{} // the table has them all
		t.table(4, g.Files)
	}
	t.notes(4, notesOf(g)...)
}

func (t *text) lines(lines []render.Line) {
	for _, line := range lines {
		switch {
		case !line.In.Has(render.Text):
		case line.Label != "":
			t.Prose(Span{"  " + line.Label + ": ", dim}, line.Plain(), 4)
		default:
			t.Prose(Span{Text: "  "}, line.Plain(), 4)
		}
	}
}

func (t *text) outcome() {
	word, colour := t.Verdict()
	clause, remark := t.Says()
	t.Prose(Span{word + ": ", styles[colour]}, clause, 2)
	if remark != "" {
		t.Prose(Span{Text: "  "}, remark, 0)
	}
}

func (t *text) totals() {
	if t.Tally.All == 0 {
		return
	}
	t.Heading("Totals")
	var parts []string
	for _, c := range t.Counts() {
		parts = append(parts, fmt.Sprintf("%d %s", c.N, c.What))
	}
	line := report.Count(t.Tally.All, "file") + ": " + strings.Join(parts, ", ")
	if n := t.Result.Totals.Pages; n > 0 {
		line += fmt.Sprintf("; %d of them about versions", n)
	}
	if t.Result.Totals.Bytes > 0 {
		line += "; " + report.Bytes(t.Result.Totals.Bytes) + " received"
	}
	t.Prose(Span{Text: "  "}, line+"; "+report.Millis(t.Result.Totals.MS), 4)
}
