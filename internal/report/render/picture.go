package render

import (
	"math"

	"github.com/modferry/modferry/internal/report"
)

// Picture shows when downloads were under way, each in a line of as many
// characters, from the start of the first to the end of the last.
type Picture struct{ First, Last float64 }

// PictureOf is the span in which the downloads of modules, at least one, were.
func PictureOf(modules []report.Module) Picture {
	p := Picture{math.Inf(1), math.Inf(-1)}
	for _, m := range modules {
		p.First, p.Last = min(p.First, m.StartMS), max(p.Last, m.StartMS+m.MS)
	}
	return p
}

// Scale is what stands above the lines: what their ends mean.
func (p Picture) Scale() string {
	return "from " + report.Millis(p.First) + " to " + report.Millis(p.Last)
}
