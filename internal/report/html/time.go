package html

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/render"
)

// htmlBar is a picture of times, as wide as its cell. Label says the same in
// words.
type htmlBar struct {
	Label    string
	Pieces   []htmlPiece
	from, to float64 // milliseconds at its ends
}

// htmlPiece is a part of a bar, in units of which a bar has htmlWide.
type htmlPiece struct{ Class, X, Width string }

const htmlWide = 1000

// add draws ms milliseconds from a point in time. What is too short to be seen
// is drawn longer, and nothing beyond the ends.
func (b *htmlBar) add(class string, at, ms float64) {
	unit := func(ms float64) float64 {
		x := (ms - b.from) / (b.to - b.from) * htmlWide
		if math.IsNaN(x) {
			return 0
		}
		return min(max(x, 0), htmlWide)
	}
	x := min(unit(at), htmlWide-3)
	b.Pieces = append(b.Pieces, htmlPiece{class, htmlFloat(x), htmlFloat(max(unit(at+ms)-x, 3))})
}

// htmlFloat is a number for the page: attributes of a bar, keys to sort by.
func htmlFloat(f float64) string { return strconv.FormatFloat(math.Round(f*10)/10, 'f', -1, 64) }

func htmlNumber(n float64, text string) htmlCell { return htmlCell{Text: text, Sort: htmlFloat(n)} }

// downloads is the waterfall: every fetch in the order of their starts, with
// its attempts, those included that brought nothing.
func (h *htmlView) downloads() htmlSection {
	var all []report.Module
	for _, m := range h.Result.Modules {
		if m.MS > 0 && m.Source != report.FromPresent && m.Source != report.FromCache && m.Source != report.FromDeferred {
			all = append(all, m)
		}
	}
	if len(all) == 0 {
		return htmlSection{}
	}
	whole := render.PictureOf(all)
	slices.SortStableFunc(all, func(a, b report.Module) int { return cmp.Compare(b.MS, a.MS) })
	shown, rest := all, ""
	if len(all) > htmlRows {
		var bytes int64
		for _, m := range all[htmlRows:] {
			bytes += m.Received()
		}
		shown = all[:htmlRows]
		rest = fmt.Sprintf("The %d that took longest of %d; the others took %s or less each and are %s together.", htmlRows, len(all), report.Millis(all[htmlRows].MS), report.Bytes(bytes))
	}
	slices.SortStableFunc(shown, func(a, b report.Module) int { return cmp.Compare(a.StartMS, b.StartMS) })
	colours, drawn := h.colours(), map[string]bool{}
	t := htmlTable{Caption: "Downloads in the order of their starts", Rest: rest, Columns: []htmlColumn{
		{Title: "file", Head: true, Code: true}, {Title: whole.Scale(), Bar: true}, {Title: "time", Number: true},
		{Title: "size", Number: true}, {Title: "mirror", Code: true}, {Title: "attempts"},
	}}
	for _, m := range shown {
		bar := htmlFetch(m, whole, colours)
		for _, piece := range bar.Pieces {
			drawn[piece.Class] = true
		}
		attempts := htmlNumber(float64(len(m.Attempts)), fmt.Sprint(len(m.Attempts)))
		if len(m.Attempts) > 1 {
			attempts.Text = report.Count(len(m.Attempts), "attempt")
			attempts.More = htmlAttempts(m)
		}
		mirror := htmlCell{Text: failure.Plain(m.Mirror)}
		if m.Source != report.FromMirror {
			mirror = htmlCell{Text: "none", Tone: "bad"}
		}
		t.Rows = append(t.Rows, []htmlCell{
			{Text: m.Name()}, {Bar: bar, Sort: htmlFloat(m.StartMS)}, htmlNumber(m.MS, report.Millis(m.MS)), htmlNumber(float64(m.Received()), report.Bytes(m.Received())), mirror, attempts,
		})
	}
	return htmlSection{ID: "downloads", Title: "Downloads", Keys: h.keys(drawn, colours), Tables: []htmlTable{t}}
}

// htmlColours is how many colours the mirrors share.
const htmlColours = 6

// colours gives each mirror the class of its colour.
func (h *htmlView) colours() map[string]string {
	by := map[string]string{}
	for _, m := range h.Result.Mirrors {
		if by[m.URL] == "" {
			by[m.URL] = fmt.Sprintf("m%d", len(by)%htmlColours+1)
		}
	}
	return by
}

// keys explains the colours that are drawn.
func (h *htmlView) keys(drawn map[string]bool, colours map[string]string) []htmlKey {
	var keys []htmlKey
	explained := map[string]bool{}
	for _, m := range h.Result.Mirrors {
		if drawn[colours[m.URL]] && !explained[m.URL] && len(keys) < 2*htmlColours {
			keys = append(keys, htmlKey{colours[m.URL], failure.Plain(m.URL)})
			explained[m.URL] = true
		}
	}
	for _, key := range []htmlKey{{"failed", "failed attempt (lower bar)"}, {"pause", "waiting"}} {
		if drawn[key.Class] {
			keys = append(keys, key)
		}
	}
	return keys
}

// htmlFetch draws one fetch: its attempts where their times are known, one
// piece where they are not.
func htmlFetch(m report.Module, whole render.Picture, colours map[string]string) *htmlBar {
	bar := &htmlBar{from: whole.First, to: whole.Last}
	bar.Label = fmt.Sprintf("from %s to %s", report.Millis(m.StartMS), report.Millis(m.StartMS+m.MS))
	timed := len(m.Attempts) > 0
	for i, a := range m.Attempts {
		timed = timed && a.StartMS >= m.StartMS && (i == 0 || a.StartMS > 0) && a.MS > 0
	}
	class := func(mirror string) string { return cmp.Or(colours[mirror], "m1") }
	switch {
	case timed:
		if first := m.Attempts[0]; len(m.Attempts) > 1 || first.StartMS > m.StartMS {
			bar.add("pause", m.StartMS, m.MS)
		}
		// A hedge overlaps what it was started for; the one that brought the
		// file is drawn last.
		for _, a := range m.Attempts {
			if a.Class != "" {
				bar.add("failed", a.StartMS, a.MS)
			}
		}
		for _, a := range m.Attempts {
			if a.Class == "" {
				bar.add(class(a.Mirror), a.StartMS, a.MS)
			}
		}
	case m.Source == report.FromMirror:
		bar.add(class(m.Mirror), m.StartMS, m.MS)
	default:
		bar.add("failed", m.StartMS, m.MS)
	}
	if len(m.Attempts) > 1 {
		bar.Label += ", " + report.Count(len(m.Attempts), "attempt")
	}
	if m.Source != report.FromMirror {
		bar.Label += ", failed"
	}
	return bar
}

// htmlAttempts is what was tried for a module, in words.
func htmlAttempts(m report.Module) []string {
	attempts, rest := htmlCut(m.Attempts, 20, "attempt")
	var lines []string
	for i, a := range attempts {
		parts := []string{failure.Plain(a.Mirror) + ": " + htmlAnswer(a)}
		if a.MS > 0 {
			parts = append(parts, report.Millis(a.MS))
		}
		if a.FirstByteMS != nil && *a.FirstByteMS >= 0 {
			parts = append(parts, "first byte after "+report.Millis(*a.FirstByteMS))
		}
		if a.Bytes > 0 {
			parts = append(parts, report.Bytes(a.Bytes))
		}
		if a.Resumed > 0 {
			parts = append(parts, "resumed at "+report.Bytes(a.Resumed))
		}
		switch {
		case a.Hedge:
			parts = append(parts, "hedge")
		case i > 0 && attempts[i-1].Mirror != a.Mirror:
			parts = append(parts, "takeover")
		}
		if a.Detail != "" {
			parts = append(parts, failure.Plain(a.Detail))
		}
		lines = append(lines, strings.Join(parts, ", "))
	}
	if rest != "" {
		lines = append(lines, rest)
	}
	return lines
}

// htmlAnswer is what came of an attempt.
func htmlAnswer(a report.Attempt) string {
	if a.Class == "" {
		return "brought the file"
	}
	return a.Trouble().String()
}
