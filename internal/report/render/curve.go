package render

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/report"
)

// Axis is a scale of times below bars or a curve.
type Axis struct {
	From, To float64 // milliseconds at its ends
	Ticks    []Tick
}

// Tick is a point of an axis.
type Tick struct {
	At   string // percent of its length, "12.5"
	Text string
	at   float64
}

// Side is where the text of a tick has room: "left" and "right" are the ends of the
// axis, where it would stand out.
func (t Tick) Side() string {
	switch {
	case t.at < 3:
		return "left"
	case t.at > 97:
		return "right"
	}
	return "middle"
}

// mostTicks is how many ticks an axis has at most.
const mostTicks = 6

// axis is the scale of a picture, at times that people count in.
func (p picture) axis() *Axis {
	length := p.last - p.first
	if !(length > 0) || math.IsInf(length, 1) {
		return nil
	}
	a := &Axis{From: p.first, To: p.last}
	width := niceStep(length / mostTicks)
	for at := math.Ceil(p.first/width) * width; at <= p.last && len(a.Ticks) <= mostTicks; at += width {
		percent := (at - p.first) / length * 100
		a.Ticks = append(a.Ticks, Tick{sortBy(percent), tickText(at), percent})
	}
	return a
}

// tickText is a point in time without what is 0 of it: "1 s", "5 min".
func tickText(ms float64) string {
	text := strings.Replace(report.Millis(ms), ".0 ", " ", 1)
	return strings.TrimSuffix(strings.TrimSuffix(text, " 0 s"), " 0 min")
}

// niceStep is the least time in milliseconds that is at least so much and that people
// count in: of 1, 2 or 5 times a power of ten; above 20 s, of parts of minutes and hours.
func niceStep(least float64) float64 {
	const second, minute, hour = 1000, 60_000, 3_600_000
	unit := 0.001
	if least > 20*second {
		for _, step := range []float64{30 * second, minute, 2 * minute, 5 * minute, 10 * minute, 20 * minute, 30 * minute, hour, 2 * hour, 5 * hour} {
			if step >= least {
				return step
			}
		}
		unit = 10 * hour
	}
	for width := unit; width < math.MaxFloat64/10; width *= 10 {
		for _, n := range []float64{1, 2, 5} {
			if n*width >= least {
				return n * width
			}
		}
	}
	return math.MaxFloat64
}

// Curve is how many requests were under way over a run, and how many bytes came. Its
// paths are for a box of 1000 by 100.
type Curve struct {
	Label            string // the same in words
	Requests, Bytes  string // paths of SVG, made of numbers alone
	MostRequests     string
	MostBytesASecond string // "" when none came
	Axis             *Axis
}

const curvePoints = 200

// curve draws the attempts of a run; nil where their times are not known.
func (v *View) curve(p picture) *Curve {
	width := (p.last - p.first) / curvePoints
	if !(width > 0) || math.IsInf(width, 1) {
		return nil
	}
	var requests, arrived [curvePoints]float64
	known := false
	for _, m := range v.Result.Modules {
		if m.Source == report.FromCache || m.Source == report.FromPresent {
			continue
		}
		for _, a := range m.Attempts {
			if a.MS <= 0 || a.StartMS < m.StartMS {
				continue
			}
			known = true
			spread(&requests, p.first, width, a.StartMS, a.MS, a.MS/width)
			from, ms := bodyOf(a)
			spread(&arrived, p.first, width, from, ms, float64(a.Bytes))
		}
	}
	if !known {
		return nil
	}
	for i := range arrived {
		arrived[i] /= width / 1000
	}
	most, fastest := slices.Max(requests[:]), slices.Max(arrived[:])
	c := &Curve{Axis: p.axis(), Requests: path(requests[:], most), Bytes: path(arrived[:], fastest)}
	c.MostRequests, c.MostBytesASecond = fmt.Sprintf("%.0f", max(math.Round(most), 1)), report.Rate(fastest)
	c.Label = fmt.Sprintf("up to %s requests at the same time", c.MostRequests)
	if c.MostBytesASecond != "" {
		c.Label += ", up to " + c.MostBytesASecond
	}
	return c
}

// bodyOf is when the bytes of an attempt arrived.
func bodyOf(a report.Attempt) (from, ms float64) {
	from, ms = a.StartMS, a.MS
	if a.Class != "" {
		return from, ms
	}
	for _, p := range PhasesOf(a) {
		if p.Key == phaseBody {
			return p.From, p.MS
		}
	}
	return from, ms
}

// spread adds an amount to the points that a span of time covers, evenly. The points
// are width apart, from first on.
func spread(points *[curvePoints]float64, first, width, from, ms, amount float64) {
	to := from + ms
	i := int(min(max((from-first)/width, 0), curvePoints-1))
	for ; i < curvePoints; i++ {
		left, right := first+float64(i)*width, first+float64(i+1)*width
		if left >= to && ms > 0 {
			return
		}
		share := 1.0
		if ms > 0 {
			share = max(min(right, to)-max(left, from), 0) / ms
		}
		points[i] += amount * share
		if ms <= 0 {
			return
		}
	}
}

// path is the steps of points as a closed path, the highest at the top.
func path(points []float64, most float64) string {
	if !(most > 0) {
		return ""
	}
	var b strings.Builder
	b.WriteString("M0 100")
	for i, y := range points {
		x := float64(i) * barUnits / curvePoints
		fmt.Fprintf(&b, "V%s", sortBy(100-min(max(y/most, 0), 1)*96))
		fmt.Fprintf(&b, "H%s", sortBy(x+barUnits/curvePoints))
	}
	b.WriteString("V100Z")
	return b.String()
}
