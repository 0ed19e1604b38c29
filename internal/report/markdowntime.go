package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/failure"
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
	all := m.view.slowest()
	if len(all) == 0 {
		return
	}
	all = all[:min(len(all), drawn)]
	p := pictureOf(all)
	var rows [][]string
	for _, x := range all {
		rows = append(rows, []string{
			unbroken(Millis(x.MS)), code(p.draw(x)), code(name(x)), unbroken(Bytes(received(x))), unbroken(again(x)),
		})
	}
	text := tableOf([]column{
		{title: "time", right: true}, {title: p.scale()}, {title: "file"}, {title: "size", right: true}, {title: "attempts"},
	}, rows)
	if strings.Contains(text, troubled) {
		text += "\n" + code(troubled) + " failed attempts and pauses between attempts\n"
	}
	m.add(timings, section("Slowest downloads", text))
}

// downloads adds the list of all downloads, when the picture does not show all.
func (m *markdown) downloads() {
	all := m.view.slowest()
	if len(all) <= drawn {
		return
	}
	var rows [][]string
	for _, x := range all[:min(len(all), most)] {
		rows = append(rows, []string{unbroken(Millis(x.MS)), code(name(x)), unbroken(Bytes(received(x))), code(failure.Plain(x.Mirror)), unbroken(again(x))})
	}
	title := fmt.Sprintf("All downloads (%d)", len(all))
	if len(rows) < len(all) {
		title = fmt.Sprintf("The slowest %d of %d downloads", len(rows), len(all))
	}
	m.add(everyDownload, fold(title, tableOf([]column{
		{title: "time", right: true}, {title: "file"}, {title: "size", right: true}, {title: "mirror"}, {title: "attempts"},
	}, rows)))
}

// bySize returns modules, the largest first.
func bySize(modules []Module) []Module {
	return slices.SortedStableFunc(slices.Values(modules), func(a, b Module) int { return cmp.Compare(b.Bytes, a.Bytes) })
}

// picture shows when downloads were under way, each in a line of as many
// characters, from the start of the first to the end of the last.
type picture struct{ first, last float64 }

// cellsWide is the width of a line of a picture.
const cellsWide = 30

func pictureOf(modules []Module) picture {
	p := picture{math.Inf(1), math.Inf(-1)}
	for _, m := range modules {
		p.first, p.last = min(p.first, m.StartMS), max(p.last, m.StartMS+m.MS)
	}
	return p
}

// scale is what stands above the lines: what their ends mean.
func (p picture) scale() string { return "from " + Millis(p.first) + " to " + Millis(p.last) }

// draw draws one line. Where the attempts are timed, failed ones and pauses
// between attempts look different from the one that brought the file.
func (p picture) draw(m Module) string {
	line := slices.Repeat([]string{resting}, cellsWide)
	fill := func(from, to float64, with string) {
		i, j := p.cell(from, math.Floor), p.cell(to, math.Ceil)
		i = min(i, cellsWide-1)
		for k := i; k < max(j, i+1); k++ {
			line[k] = with
		}
	}
	timed := func(a Attempt) bool { return a.Class == "" && a.StartMS >= m.StartMS && a.MS > 0 }
	if i := slices.IndexFunc(m.Attempts, timed); i >= 0 {
		fill(m.StartMS, m.StartMS+m.MS, troubled)
		fill(m.Attempts[i].StartMS, m.Attempts[i].StartMS+m.Attempts[i].MS, bringing)
	} else {
		fill(m.StartMS, m.StartMS+m.MS, bringing)
	}
	return strings.Join(line, "")
}

// cell is the place of a time in a line, from 0 to cellsWide.
func (p picture) cell(ms float64, round func(float64) float64) int {
	at := round((ms - p.first) / (p.last - p.first) * cellsWide)
	if math.IsNaN(at) {
		return 0
	}
	return int(min(max(at, 0), cellsWide))
}
