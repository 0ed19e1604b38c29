package report

import (
	"slices"
	"strings"
)

// column is one of a table. The last column is the one with running text: it
// is aligned to the left and broken where it does not fit.
type column struct {
	title    string // "" for a table without head
	right    bool   // aligned to the right
	flexible bool   // may be cut in the middle when the line is too narrow
	optional bool   // may be left out when the line is too narrow
	below    bool   // of the last: may stand on lines of its own when the line is too narrow
}

// gap separates columns.
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
func (p *page) table(indent int, columns []column, rows [][]span) {
	g := newGrid(columns, rows)
	if len(g.rows) == 0 || len(g.columns) == 0 {
		return
	}
	room, below := g.fit(indent, p.width)
	if below && g.headed {
		g.rows[0][len(g.columns)-1].text = ""
	}
	for _, row := range g.rows {
		p.row(g, row, indent, room, below)
	}
}

// row writes one row; room are the cells for its last column, 0 for no limit.
func (p *page) row(g *grid, row []span, indent, room int, below bool) {
	last := len(row) - 1
	spans := []span{{text: strings.Repeat(" ", indent)}}
	used := indent
	for i, c := range row[:last] {
		text := cut(c.text, g.widths[i])
		pad := strings.Repeat(" ", g.widths[i]-cells(text))
		if g.columns[i].right {
			spans = append(spans, span{text: pad}, span{text, c.style}, span{text: gap})
		} else {
			spans = append(spans, span{text, c.style}, span{text: pad + gap})
		}
		used += g.widths[i] + len(gap)
	}
	end := row[last]
	lines := []string{end.text}
	if room > 0 && cells(end.text) > room {
		lines = wrap(end.text, room)
	}
	if below {
		used = indent + 2*len(gap)
	} else {
		spans = append(spans, span{lines[0], end.style})
		lines = lines[1:]
	}
	p.emit(spans...)
	for _, line := range lines {
		if line != "" {
			p.emit(span{text: strings.Repeat(" ", used)}, span{line, end.style})
		}
	}
}

// grid is a table with the width of each column.
type grid struct {
	columns []column
	rows    [][]span
	widths  []int
	headed  bool // the first row is the head
}

// newGrid puts the head over the rows, when there is one, and leaves out the
// columns that are empty in every row.
func newGrid(columns []column, rows [][]span) *grid {
	g := &grid{columns: slices.Clone(columns)}
	head := make([]span, len(columns))
	for i, c := range columns {
		head[i] = span{c.title, dim}
	}
	if slices.ContainsFunc(head, func(s span) bool { return s.text != "" }) && len(rows) > 0 {
		g.headed = true
		g.rows = append(g.rows, head)
	}
	for _, row := range rows {
		g.rows = append(g.rows, slices.Clone(row))
	}
	for i := range slices.Backward(columns) {
		if !slices.ContainsFunc(rows, func(row []span) bool { return row[i].text != "" }) {
			g.drop(i)
		}
	}
	g.widths = make([]int, len(g.columns))
	for _, row := range g.rows {
		for i, c := range row {
			g.widths[i] = max(g.widths[i], cells(c.text))
		}
	}
	return g
}

// drop leaves out a column.
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
	if below = g.columns[last].below && g.fixed(indent)+need > width; below {
		need = 0
	}
	for i, c := range slices.Backward(g.columns[:last]) {
		if c.optional && g.fixed(indent)+need > width {
			g.drop(i)
		}
	}
	for i, c := range g.columns[:len(g.columns)-1] {
		if over := g.fixed(indent) + need - width; c.flexible && over > 0 {
			g.widths[i] -= min(over, max(g.widths[i]-leastFlexible, 0))
		}
	}
	if below {
		return max(width-indent-2*len(gap), leastFlexible), true
	}
	return max(width-g.fixed(indent), leastFlexible), false
}
