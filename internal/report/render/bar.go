package render

import (
	"math"
)

// Bar is a picture of times, as wide as its cell. Label says the same in words.
type Bar struct {
	Label    string
	Pieces   []Piece
	from, to float64 // milliseconds at its ends
}

// Piece is a part of a bar, in units of which a bar has barUnits.
type Piece struct{ Class, X, Width string }

const barUnits = 1000

// leastPiece is drawn of what is too short to be seen.
const leastPiece = 3

// add draws ms milliseconds from a point in time, and nothing beyond the ends.
func (b *Bar) add(class string, at, ms float64) {
	unit := func(ms float64) float64 {
		x := (ms - b.from) / (b.to - b.from) * barUnits
		if math.IsNaN(x) {
			return 0
		}
		return min(max(x, 0), barUnits)
	}
	x := min(unit(at), barUnits-leastPiece)
	b.Pieces = append(b.Pieces, Piece{class, sortBy(x), sortBy(max(unit(at+ms)-x, leastPiece))})
}
