package render

import (
	"cmp"
	"fmt"
	"math"
	"strconv"

	"github.com/modferry/modferry/internal/failure"
)

// Medium is a set of the forms that a result is written in.
type Medium uint8

// The media. What is in none of them by name is in all.
const (
	Text Medium = 1 << iota
	Markdown
	HTML
)

// Has reports whether one of the media is in m.
func (m Medium) Has(one Medium) bool { return m == 0 || m&one != 0 }

// Section is one answer to a reader's questions. A section without content has
// no ID and is not written.
type Section struct {
	ID, Title string
	Count     int      // how many things it is about, 0 where that is not told
	Told      bool     // the outcome names its one group: the title need not stand there again
	Codes     []string // to be copied as they are
	Lines     []Line
	Items     []Line // a list
	Keys      []Key  // to the colours of bars
	Curve     *Curve // above the tables; nil for none
	Groups    []Group
	Tables    []Table
	Note      string // explains the rest
}

// tabled is a section that is a table; none when that has no rows.
func tabled(id, title string, t Table) Section {
	if len(t.Rows) == 0 {
		return Section{}
	}
	t.Caption = cmp.Or(t.Caption, title)
	return Section{ID: id, Title: title, Tables: []Table{t}}
}

// Group is a part of a section: what failed for one reason, or a remark.
type Group struct {
	Class    failure.Class // "" for a remark
	Title    string
	Tone     Tone   // of the title
	Link     string // where the title is explained, "" for nowhere
	Rest     []Span // what follows the title in its line
	Remedy   string // sentences; "" where it is told elsewhere
	Explain  string // sentences; "" where it is told elsewhere
	Affected Line   // who, the first few by name
	Notes    []Line // with labels
	Files    Table  // no rows for none
}

// Line is one line or sentence.
type Line struct {
	Label string // what it is, without a colon; may be ""
	Spans []Span
	In    Medium
}

// Span is a piece of a line; Code is a name to be copied.
type Span struct {
	Text string
	Code bool
}

func say(text string) Span  { return Span{Text: text} }
func name(text string) Span { return Span{Text: text, Code: true} }

func line(spans ...Span) Line { return Line{Spans: spans} }

// Plain is the text of a line without its label.
func (l Line) Plain() string {
	text := ""
	for _, s := range l.Spans {
		text += s.Text
	}
	return text
}

// cut keeps the first few of a list, 0 for all, and says how many it left out.
func cut(all []Line, most int) []Line {
	if rest := len(all) - most; most > 0 && rest > 0 {
		return append(all[:most:most], line(say(fmt.Sprintf("and %d more", rest))))
	}
	return all
}

// Key explains a colour.
type Key struct{ Class, Text string }

// Table is rows of cells below columns.
type Table struct {
	Caption string
	Bare    bool // without a head in text, where counts then carry their unit
	Columns []Column
	Rows    [][]Cell
	Thing   string // what a row is: "mirror"
	Rest    string // says what was left out
	Axis    *Axis  // of its bars; nil for none
}

// Column says how the cells below it look. The last one of a table has running
// text: where there is room for it only, it is broken.
type Column struct {
	Title    string
	Name     string // Title in HTML, "" for the same
	Unit     string // of a count: "file"
	Head     bool   // names the row
	Code     bool   // to be copied
	Number   bool   // of ours, aligned to the right
	Bar      bool
	Faint    bool // a remark at most
	Unbroken bool // words that stay on one line
	Flexible bool // may be cut in the middle when the line is too narrow
	Optional bool // may be left out when the line is too narrow
	Below    bool // of the last: may stand on lines of its own when the line is too narrow
	Facet    bool // has few different words, to filter by
	Aside    bool // Markdown lists its texts below the table: they would make all columns narrow
	In       Medium
	Dash     Medium // where a cell without a text shows a dash
}

// Cell is what stands in a table.
type Cell struct {
	Text  string
	Spans []Span // instead of Text, where only parts are code
	Words bool   // no code, whatever its column is
	Sort  string // the number to sort by, "" to sort by Text
	Tone  Tone
	Bar   *Bar
	More  []string // folded below the text
}

// Plain is the text of a cell.
func (c Cell) Plain() string {
	if c.Spans != nil {
		return Line{Spans: c.Spans}.Plain()
	}
	return c.Text
}

// For is the part of a table that a medium shows.
func (t Table) For(m Medium) Table {
	shown := t
	shown.Columns, shown.Rows = nil, make([][]Cell, len(t.Rows))
	for i, c := range t.Columns {
		if !c.In.Has(m) || c.Aside && m == Markdown {
			continue
		}
		shown.Columns = append(shown.Columns, c)
		for k, row := range t.Rows {
			cell := row[i]
			if c.Dash&m != 0 && cell.Plain() == "" {
				cell.Text = dash(m)
			}
			shown.Rows[k] = append(shown.Rows[k], cell)
		}
	}
	return shown
}

func dash(m Medium) string {
	if m == Text {
		return "-"
	}
	return "–"
}

// Asides are the texts that stand beside a table in Markdown, each below the
// name of its row.
func (t Table) Asides() []Line {
	var lines []Line
	for i, c := range t.Columns {
		if !c.Aside {
			continue
		}
		for _, row := range t.Rows {
			if row[i].Text != "" {
				lines = append(lines, line(name(t.nameOf(row)), say(": "+row[i].Text)))
			}
		}
	}
	return lines
}

func (t Table) nameOf(row []Cell) string {
	for i, c := range t.Columns {
		if c.Head {
			return row[i].Text
		}
	}
	return ""
}

// sortBy is a number as a table is sorted by it.
func sortBy(n float64) string { return strconv.FormatFloat(math.Round(n*10)/10, 'f', -1, 64) }

func number(n float64, text string) Cell { return Cell{Text: text, Sort: sortBy(n)} }

func counted(n int) Cell { return number(float64(n), strconv.Itoa(n)) }

// unmeasured is sorted before what was measured.
func unmeasured() Cell { return Cell{Sort: "-1"} }

// Tone says whether a word is good news.
type Tone int

// The tones; Neutral is that of every other word.
const (
	Neutral Tone = iota
	Quiet        // of no importance
	Good
	Fair
	Bad
)
