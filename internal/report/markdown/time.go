package markdown

import (
	"fmt"
	"math"
	"slices"
	"strings"

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
	all := m.Slowest()
	if len(all) == 0 {
		return
	}
	all = all[:min(len(all), drawn)]
	p := render.PictureOf(all)
	text := tableOf(render.Downloads(all, p.Scale(), func(x report.Module) string { return draw(p, x) }))
	if strings.Contains(text, troubled) {
		text += "\n" + code(troubled) + " failed attempts and pauses between attempts\n"
	}
	m.add(timings, section("Slowest downloads", text))
}

// downloads adds the list of all downloads, when the picture does not show all.
func (m *markdown) downloads() {
	all := m.Slowest()
	if len(all) <= drawn {
		return
	}
	title := fmt.Sprintf("All downloads (%d)", len(all))
	if len(all) > most {
		title = fmt.Sprintf("The slowest %d of %d downloads", most, len(all))
	}
	m.add(everyDownload, fold(title, tableOf(render.Downloads(all[:min(len(all), most)], "", nil))))
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
