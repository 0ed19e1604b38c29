package render

import (
	"math"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/report"
)

// picture shows when downloads were under way, each in a line of as many
// characters, from the start of the first to the end of the last.
type picture struct{ first, last float64 }

// pictureOf is the span in which the downloads of modules, at least one, were.
func pictureOf(modules []report.Module) picture {
	p := picture{math.Inf(1), math.Inf(-1)}
	for _, m := range modules {
		p.first, p.last = min(p.first, m.StartMS), max(p.last, m.StartMS+m.MS)
	}
	return p
}

// scale is what stands above the lines: what their ends mean.
func (p picture) scale() string {
	return "from " + report.Millis(p.first) + " to " + report.Millis(p.last)
}

// The characters of a line. All have the same width wherever they are shown,
// which blanks beside other characters have not.
const (
	resting  = "░"
	troubled = "▒"
	bringing = "█"
)

const lineLength = 24

// draw draws one line. Where the attempts are timed, failed ones and pauses
// between attempts look different from the one that brought the file.
func (p picture) draw(m report.Module) string {
	line := slices.Repeat([]string{resting}, lineLength)
	fill := func(from, to float64, with string) {
		i, j := p.at(from, math.Floor), p.at(to, math.Ceil)
		i = min(i, lineLength-1)
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

// at is the place of a time in a line, from 0 to lineLength.
func (p picture) at(ms float64, round func(float64) float64) int {
	at := round((ms - p.first) / (p.last - p.first) * lineLength)
	if math.IsNaN(at) {
		return 0
	}
	return int(min(max(at, 0), lineLength))
}

// Bar is a picture of times, as wide as its cell. Label says the same in words.
type Bar struct {
	Label    string
	Pieces   []Piece
	from, to float64 // milliseconds at its ends
}

// NewBar is an empty bar from one point in time to another, in milliseconds.
func NewBar(from, to float64) *Bar { return &Bar{from: from, to: to} }

// Piece is a part of a bar, in units of which a bar has barUnits.
type Piece struct{ Class, X, Width string }

const barUnits = 1000

// leastPiece is drawn of what is too short to be seen.
const leastPiece = 3

// Add draws ms milliseconds from a point in time, and nothing beyond the ends. What
// is too short to be seen is as wide as can be seen.
func (b *Bar) Add(class string, at, ms float64) {
	x := min(b.unit(at), barUnits-leastPiece)
	b.Pieces = append(b.Pieces, Piece{class, sortBy(x), sortBy(max(b.unit(at+ms)-x, leastPiece))})
}

// over draws over what is there, as exactly as it can be seen.
func (b *Bar) over(class string, at, ms float64) {
	if x := b.unit(at); b.unit(at+ms)-x >= leastOver {
		b.Pieces = append(b.Pieces, Piece{class, sortBy(x), sortBy(b.unit(at+ms) - x)})
	}
}

// leastOver is the least that is drawn over something: it can be seen enlarged.
const leastOver = 0.3

func (b *Bar) unit(ms float64) float64 {
	x := (ms - b.from) / (b.to - b.from) * barUnits
	if math.IsNaN(x) {
		return 0
	}
	return min(max(x, 0), barUnits)
}
