package markdown

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/render"
)

// Rows of tables of files.
const (
	drawn = 10  // downloads in the timing picture
	most  = 300 // files in a list of all: a browser takes seconds for some thousand rows
)

// The characters of a timing picture. All have the same width wherever they
// are shown, which blanks beside other characters have not.
const (
	resting  = "░"
	troubled = "▒"
	bringing = "█"
)

// slowest adds a picture of the downloads that took longest.
func (m *markdown) slowest() {
	all := m.View.Slowest()
	if len(all) == 0 {
		return
	}
	all = all[:min(len(all), drawn)]
	p := render.PictureOf(all)
	var rows [][]string
	for _, x := range all {
		rows = append(rows, []string{
			unbroken(report.Millis(x.MS)), code(draw(p, x)), code(x.Name()), unbroken(report.Bytes(x.Received())), unbroken(render.Again(x)),
		})
	}
	text := tableOf([]render.Column{
		{Title: "time", Right: true}, {Title: p.Scale()}, {Title: "file"}, {Title: "size", Right: true}, {Title: "attempts"},
	}, rows)
	if strings.Contains(text, troubled) {
		text += "\n" + code(troubled) + " failed attempts and pauses between attempts\n"
	}
	m.add(timings, section("Slowest downloads", text))
}

// downloads adds the list of all downloads, when the picture does not show all.
func (m *markdown) downloads() {
	all := m.View.Slowest()
	if len(all) <= drawn {
		return
	}
	var rows [][]string
	for _, x := range all[:min(len(all), most)] {
		rows = append(rows, []string{unbroken(report.Millis(x.MS)), code(x.Name()), unbroken(report.Bytes(x.Received())), code(failure.Plain(x.Mirror)), unbroken(render.Again(x))})
	}
	title := fmt.Sprintf("All downloads (%d)", len(all))
	if len(rows) < len(all) {
		title = fmt.Sprintf("The slowest %d of %d downloads", len(rows), len(all))
	}
	m.add(everyDownload, fold(title, tableOf([]render.Column{
		{Title: "time", Right: true}, {Title: "file"}, {Title: "size", Right: true}, {Title: "mirror"}, {Title: "attempts"},
	}, rows)))
}

// bySize returns modules, the largest first.
func bySize(modules []report.Module) []report.Module {
	return slices.SortedStableFunc(slices.Values(modules), func(a, b report.Module) int { return cmp.Compare(b.Bytes, a.Bytes) })
}

// cellsWide is the width of a line of a picture.
const cellsWide = 30

// draw draws one line. Where the attempts are timed, failed ones and pauses
// between attempts look different from the one that brought the file.
func draw(p render.Picture, m report.Module) string {
	line := slices.Repeat([]string{resting}, cellsWide)
	fill := func(from, to float64, with string) {
		i, j := cell(p, from, math.Floor), cell(p, to, math.Ceil)
		i = min(i, cellsWide-1)
		for k := i; k < max(j, i+1); k++ {
			line[k] = with
		}
	}
	timed := func(a report.Attempt) bool { return a.Class == "" && a.StartMS >= m.StartMS && a.MS > 0 }
	if i := slices.IndexFunc(m.Attempts, timed); i >= 0 {
		fill(m.StartMS, m.StartMS+m.MS, troubled)
		fill(m.Attempts[i].StartMS, m.Attempts[i].StartMS+m.Attempts[i].MS, bringing)
	} else {
		fill(m.StartMS, m.StartMS+m.MS, bringing)
	}
	return strings.Join(line, "")
}

// cell is the place of a time in a line, from 0 to cellsWide.
func cell(p render.Picture, ms float64, round func(float64) float64) int {
	at := round((ms - p.First) / (p.Last - p.First) * cellsWide)
	if math.IsNaN(at) {
		return 0
	}
	return int(min(max(at, 0), cellsWide))
}
