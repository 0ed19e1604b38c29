package text

import (
	"slices"
	"strconv"
	"strings"

	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/render"
)

const gap = "  "

// Least widths of columns when a line is too narrow.
const (
	leastFlexible = 24
	leastLast     = 26
)

// table writes rows of cells under each other. Columns in which no row has
// text are left out. Where lines have a width and it is too small, the last
// column moves to lines of its own if it may; then optional columns are left
// out, from the right; then flexible ones are cut.
func (p *Page) table(indent int, t render.Table) {
	t = t.For(render.Text)
	rows := make([][]Span, len(t.Rows))
	for i, row := range t.Rows {
		for k, cell := range row {
			rows[i] = append(rows[i], spanOf(t, t.Columns[k], cell))
		}
	}
	if t.Bare {
		for i := range t.Columns {
			t.Columns[i].Title = ""
		}
	}
	g := newGrid(t.Columns, rows)
	if len(g.rows) == 0 || len(g.columns) == 0 {
		return
	}
	room, below := g.fit(indent, p.width)
	if below && g.headed {
		g.rows[0][len(g.columns)-1].Text = ""
	}
	for _, row := range g.rows {
		p.row(g, row, indent, room, below)
	}
}

func spanOf(t render.Table, c render.Column, cell render.Cell) Span {
	s := Span{Text: cell.Plain()}
	if n, err := strconv.Atoi(s.Text); err == nil && t.Bare && c.Unit != "" {
		s.Text = report.Count(n, c.Unit)
	}
	switch {
	case c.Faint:
		s.style = dim
	case cell.Tone != render.Neutral:
		s.style = styles[cell.Tone]
	}
	return s
}

// row writes one row; room are the cells for its last column, 0 for no limit.
func (p *Page) row(g *grid, row []Span, indent, room int, below bool) {
	last := len(row) - 1
	spans := []Span{{Text: strings.Repeat(" ", indent)}}
	used := indent
	for i, c := range row[:last] {
		text := render.Cut(c.Text, g.widths[i])
		pad := strings.Repeat(" ", g.widths[i]-render.Cells(text))
		if g.columns[i].Number {
			spans = append(spans, Span{Text: pad}, Span{text, c.style}, Span{Text: gap})
		} else {
			spans = append(spans, Span{text, c.style}, Span{Text: pad + gap})
		}
		used += g.widths[i] + len(gap)
	}
	end := row[last]
	lines := []string{end.Text}
	if room > 0 && render.Cells(end.Text) > room {
		lines = wrap(end.Text, room)
	}
	if below {
		used = indent + 2*len(gap)
	} else {
		spans = append(spans, Span{lines[0], end.style})
		lines = lines[1:]
	}
	p.Emit(spans...)
	for _, line := range lines {
		if line != "" {
			p.Emit(Span{Text: strings.Repeat(" ", used)}, Span{line, end.style})
		}
	}
}

type grid struct {
	columns []render.Column
	rows    [][]Span
	widths  []int
	headed  bool // the first row is the head
}

// newGrid puts the head over the rows, when there is one, and leaves out the
// columns that are empty in every row.
func newGrid(columns []render.Column, rows [][]Span) *grid {
	g := &grid{columns: slices.Clone(columns)}
	head := make([]Span, len(columns))
	for i, c := range columns {
		head[i] = Span{c.Title, dim}
	}
	if slices.ContainsFunc(head, func(s Span) bool { return s.Text != "" }) && len(rows) > 0 {
		g.headed = true
		g.rows = append(g.rows, head)
	}
	for _, row := range rows {
		g.rows = append(g.rows, slices.Clone(row))
	}
	for i := range slices.Backward(columns) {
		if !slices.ContainsFunc(rows, func(row []Span) bool { return row[i].Text != "" }) {
			g.drop(i)
		}
	}
	g.widths = make([]int, len(g.columns))
	for _, row := range g.rows {
		for i, c := range row {
			g.widths[i] = max(g.widths[i], render.Cells(c.Text))
		}
	}
	return g
}

func (g *grid) drop(i int) {
	g.columns = slices.Delete(g.columns, i, i+1)
	for k := range g.rows {
		g.rows[k] = slices.Delete(g.rows[k], i, i+1)
	}
	if g.widths != nil {
		g.widths = slices.Delete(g.widths, i, i+1)
	}
}

// fixed is the width of a line up to the last column.
func (g *grid) fixed(indent int) int {
	n := indent
	for _, w := range g.widths[:len(g.widths)-1] {
		n += w + len(gap)
	}
	return n
}

// fit makes the lines at most width wide, as far as that goes. It returns the
// cells for the last column and whether that stands on lines of its own.
func (g *grid) fit(indent, width int) (room int, below bool) {
	if width <= 0 {
		return 0, false
	}
	last := len(g.columns) - 1
	need := min(g.widths[last], leastLast)
	if below = g.columns[last].Below && g.fixed(indent)+need > width; below {
		need = 0
	}
	for i, c := range slices.Backward(g.columns[:last]) {
		if c.Optional && g.fixed(indent)+need > width {
			g.drop(i)
		}
	}
	for i, c := range g.columns[:len(g.columns)-1] {
		if over := g.fixed(indent) + need - width; c.Flexible && over > 0 {
			g.widths[i] -= min(over, max(g.widths[i]-leastFlexible, 0))
		}
	}
	if below {
		return max(width-indent-2*len(gap), leastFlexible), true
	}
	return max(width-g.fixed(indent), leastFlexible), false
}
