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
	Verbose bool // every module instead of the first few, settings and hosts
}

// Write renders r for a person who reads a log: the outcome first, then why it
// is so, from the chain to the totals. A run that had nothing to do takes two
// lines.
func Write(w io.Writer, r *report.Result, o Options) error {
	t := &text{Page: Page{width: o.Width, colour: o.Color}, View: render.Of(r), verbose: o.Verbose}
	most := render.Few
	if o.Verbose {
		most = 0
	}
	t.outcome()
	switch {
	case r.Outcome == report.Settings && !o.Verbose:
	case t.Idle() && !o.Verbose:
		t.chainInBrief()
	default:
		t.section(t.Chain())
		t.section(t.Mirrors())
		t.section(t.Origins())
		t.section(t.Slowest(render.Few))
		if o.Verbose {
			t.section(t.Spreads())
		}
		t.section(t.Recovered(o.Verbose))
		t.section(t.Deferred(most))
		if c := r.Cache; len(c.Rejected) > 0 || c.Reason != "" && !t.Idle() {
			t.section(t.Cache(most))
		}
	}
	t.section(t.Failures())
	t.section(t.Remarks(o.Verbose))
	if o.Verbose {
		t.section(t.UsedSettings())
		t.section(t.Answers())
		t.section(t.Hosts())
	}
	if !t.Idle() || o.Verbose {
		t.totals()
	}
	return t.WriteTo(w, "report")
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
		if i > 0 && len(g.Files.Rows) > 0 {
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

// group writes the files of a group, what happened to them, and what to do.
func (t *text) group(g render.Group) {
	rest := render.Line{Spans: g.Rest}.Plain()
	tail, colon := strings.CutPrefix(rest, ":")
	if colon {
		g.Title += ":"
	}
	t.Prose(Span{"  " + g.Title + " ", styles[g.Tone]}, tail, 4)
	shown := g.Shown
	if t.verbose {
		shown = len(g.Files.Rows)
	}
	if hidden := len(g.Files.Rows) - shown; shown > 0 || hidden == 0 {
		g.Files.Rows = g.Files.Rows[:shown]
		t.table(4, g.Files)
		if hidden > 0 {
			t.Emit(Span{fmt.Sprintf("    and %d more", hidden), dim})
		}
	}
	t.notes(4, append(g.Notes, note("means", g.Explain), note("do", g.Remedy))...)
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

func (t *text) chainInBrief() {
	if t.Result.Choice.Chain != "" {
		t.Emit(Span{"chain: ", bold}, Span{Text: t.ChainInBrief()})
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
