package markdown

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/render"
)

// open adds a section under a heading of its own.
func (p *page) open(s render.Section) {
	if s.ID != "" {
		p.add(s.ID, section(s.Title, body(s)))
	}
}

// fold adds a section of which only the title shows, and how many things it is
// about.
func (p *page) fold(s render.Section) {
	if s.ID == "" {
		return
	}
	if s.Count > 0 {
		s.Title += fmt.Sprintf(" (%d)", s.Count)
	}
	p.add(s.ID, fold(s.Title, body(s)))
}

// failures adds what could not be obtained, each group as a block of its own.
func (m *markdown) failures(s render.Section) {
	for i, g := range s.Groups {
		text := failureOf(g, s.Told && !m.Result.Interrupted)
		if i == 0 && !s.Told {
			text = section(s.Title, text)
		}
		m.add(s.ID, text)
		if n := len(g.Files.Rows); n > 0 {
			m.add(failedFiles, fold(report.Count(n, "file"), tableOf(g.Files)))
		}
	}
}

// remarks adds what is to be put in order, in sight.
func (m *markdown) remarks(s render.Section) {
	if s.ID != "" {
		m.add(s.ID, body(s))
	}
}

// titled is the title of a group, with a link to what explains it.
func titled(g render.Group) string {
	if g.Link != "" {
		return "**[" + escape(g.Title) + "](" + g.Link + ")**"
	}
	return "**" + escape(g.Title) + "**"
}

// failureOf is a group of failures, without its title where the outcome has told it.
func failureOf(g render.Group, told bool) string {
	var parts []string
	if !told {
		parts = append(parts, titled(g)+spansOf(g.Rest)+"\n")
	}
	if g.Remedy != "" {
		parts = append(parts, "**What to do:** "+escape(g.Remedy)+"\n")
	}
	if g.Explain != "" {
		parts = append(parts, escape(g.Explain)+"\n")
	}
	if lines := linesOf(append([]render.Line{g.Affected}, g.Notes...)); len(lines) > 0 {
		parts = append(parts, list(lines))
	}
	return strings.Join(parts, "\n")
}

// remark is a group without files, in one line.
func remark(g render.Group) string {
	title := escape(g.Title)
	if g.Link != "" {
		title = "[" + title + "](" + g.Link + ")"
	}
	text := signs[g.Tone] + " " + title + strings.TrimSuffix(spansOf(g.Rest), ".")
	for _, n := range g.Notes {
		text += ". " + report.Capital(n.Label) + ": " + spansOf(n.Spans)
	}
	return text
}

func body(s render.Section) string {
	var parts []string
	if len(s.Codes) > 0 {
		parts = append(parts, fence(s.Codes...))
	}
	var lines []string
	for _, t := range s.Tables {
		parts = append(parts, tableOf(t))
		lines = append(lines, linesOf(t.Asides())...)
	}
	for _, g := range s.Groups {
		lines = append(lines, remark(g))
	}
	lines = append(append(lines, linesOf(s.Lines)...), linesOf(s.Items)...)
	if len(lines) > 0 {
		parts = append(parts, list(lines))
	}
	if s.Note != "" {
		parts = append(parts, escape(s.Note)+"\n")
	}
	return strings.Join(parts, "\n")
}

func linesOf(all []render.Line) []string {
	var lines []string
	for _, l := range all {
		if !l.In.Has(render.Markdown) || l.Spans == nil {
			continue
		}
		text := spansOf(l.Spans)
		if l.Label != "" {
			text = escape(l.Label+": ") + text
		}
		lines = append(lines, text)
	}
	return lines
}

func spansOf(spans []render.Span) string {
	var text strings.Builder
	for _, s := range spans {
		if s.Code {
			text.WriteString(code(s.Text))
		} else {
			text.WriteString(escape(s.Text))
		}
	}
	return text.String()
}

// tableOf returns a table under the titles of its columns. As in text, columns
// in which no row has anything are left out.
func tableOf(t render.Table) string {
	t = t.For(render.Markdown)
	var head, rule strings.Builder
	lines := make([]strings.Builder, len(t.Rows))
	for i, c := range t.Columns {
		empty := true
		for _, row := range t.Rows {
			empty = empty && row[i].Plain() == ""
		}
		if empty {
			continue
		}
		head.WriteString("| " + c.Title + " ")
		if c.Number {
			rule.WriteString("|--:")
		} else {
			rule.WriteString("|---")
		}
		for k, row := range t.Rows {
			lines[k].WriteString("| " + cellOf(c, row[i]) + " ")
		}
	}
	text := &head
	text.WriteString("|\n" + rule.String() + "|\n")
	for i := range lines {
		text.WriteString(lines[i].String() + "|\n")
	}
	return text.String()
}

// cellOf is an escaped cell.
func cellOf(c render.Column, cell render.Cell) string {
	text := ""
	switch {
	case cell.Spans != nil:
		text = spansOf(cell.Spans)
	case c.Code && !cell.Words:
		text = code(cell.Text)
	case c.Number:
		text = quantity(cell.Text)
	default:
		text = escape(cell.Text)
	}
	if cell.Tone != render.Neutral {
		text = signs[cell.Tone] + " " + text
	}
	if c.Number || c.Unbroken {
		text = unbroken(text)
	}
	return text
}

// measured is numbers with units of ours.
var measured = regexp.MustCompile(`^(?:(?:<?[0-9]{1,6}(?:\.[0-9])?|\?|–|to|ms|s|min|h|[kMGT]?B(?:/s)?)(?: |$))+$`)

// quantity is a number with its unit, in which a dot ends no number of a list;
// what is none is escaped.
func quantity(s string) string {
	if measured.MatchString(s) {
		return s
	}
	return escape(s)
}
