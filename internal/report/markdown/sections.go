package markdown

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report/render"
)

// open adds a section under a heading of its own.
func (m *markdown) open(d detail, s render.Section) {
	if s.ID != "" {
		m.add(d, section(s.Title, body(s)))
	}
}

// fold adds a section of which only the title shows; count is behind that,
// unless it is 0.
func (m *markdown) fold(d detail, s render.Section, count int) {
	if s.ID == "" {
		return
	}
	if count > 0 {
		s.Title += fmt.Sprintf(" (%d)", count)
	}
	m.add(d, fold(s.Title, body(s)))
}

// body is what every section may have.
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
	lines = append(append(lines, linesOf(s.Lines)...), linesOf(s.Items)...)
	if len(lines) > 0 {
		parts = append(parts, list(lines))
	}
	if s.Note != "" {
		parts = append(parts, s.Note+"\n")
	}
	return strings.Join(parts, "\n")
}

func linesOf(all []render.Line) []string {
	var lines []string
	for _, l := range all {
		if !l.In.Has(render.Markdown) {
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
	text := ""
	for _, s := range spans {
		if s.Code {
			text += code(s.Text)
		} else {
			text += escape(s.Text)
		}
	}
	return text
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
	text := head.String() + "|\n" + rule.String() + "|\n"
	for i := range lines {
		text += lines[i].String() + "|\n"
	}
	return text
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
		text = sign(cell.Tone) + " " + text
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

// cache adds what a restore did, what it did not let in, and what was saved.
func (m *markdown) cache() {
	s := m.Cache()
	if n := len(s.Items); n > 0 {
		lines := append(linesOf(s.Lines), escape(render.Refused(m.Result.Cache)))
		lines = append(lines, linesOf(s.Items[:min(n, render.Few)])...)
		if n > render.Few {
			lines = append(lines, fmt.Sprintf("and %d more", n-render.Few))
		}
		m.add(fromCache, section(s.Title, list(lines)))
		return
	}
	m.open(fromCache, s)
}

func (m *markdown) origins() {
	failures := "above"
	if m.fine() {
		failures = "below"
	}
	m.open(whereFrom, m.Origins(failures))
}

// contacted is the hosts below a title that counts them, "" when there are none.
func contacted(s render.Section, title string) string {
	if s.ID == "" {
		return ""
	}
	return fold(fmt.Sprintf(title, len(s.Codes)), body(s))
}

// settings adds the go command's settings of the run and their sources.
func (m *markdown) settings() {
	s := m.UsedSettings()
	if s.ID == "" {
		return
	}
	s.Note = escape(strings.TrimSpace(failure.Neutral(m.Result.Tool)))
	m.fold(usedSettings, s, 0)
}
