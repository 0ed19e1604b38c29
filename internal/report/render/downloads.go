package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
)

// Slowest is the downloads that took longest, at most so many, with a picture of
// their times.
func (v *View) Slowest(most int) Section {
	all := v.longest()
	if len(all) == 0 {
		return Section{}
	}
	all = all[:min(len(all), most)]
	p := pictureOf(all)
	t := downloads(all, func(m report.Module) string { return p.draw(m) })
	t.Columns[1].Title, t.Columns[4].In = p.scale(), Text|HTML
	s := tabled("slowest", "Slowest downloads", t)
	if slices.ContainsFunc(t.Rows, func(row []Cell) bool { return strings.Contains(row[1].Text, troubled) }) {
		s.Lines = []Line{{Spans: []Span{name(troubled), say(" failed attempts and pauses between attempts")}, In: Markdown}}
	}
	return s
}

// Downloads is the downloads when there are more than so many, the longest first
// and at most so many.
func (v *View) Downloads(more, most int) Section {
	all := v.longest()
	if len(all) <= more {
		return Section{}
	}
	s := tabled("downloads", "All downloads", downloads(all[:min(len(all), most)], nil))
	s.Count = len(all)
	if len(all) > most {
		s.Title, s.Count = fmt.Sprintf("The slowest %d of %d downloads", most, len(all)), 0
	}
	return s
}

func (v *View) longest() []report.Module {
	var all []report.Module
	for _, m := range v.Result.Modules {
		if m.Source == report.FromMirror && m.MS > 0 {
			all = append(all, m)
		}
	}
	slices.SortStableFunc(all, func(a, b report.Module) int { return cmp.Compare(b.MS, a.MS) })
	return all
}

// downloads is a table; draw, nil for none, makes Markdown's picture of the times.
func downloads(modules []report.Module, draw func(report.Module) string) Table {
	t := Table{Bare: true, Columns: []Column{
		{Title: "time", Number: true}, {Code: true, In: Markdown}, {Title: "file", Head: true, Code: true, Flexible: true},
		{Title: "size", Number: true}, {Title: "mirror", Code: true, Optional: true}, {Title: "attempts", Unbroken: true},
	}}
	for _, m := range modules {
		times, again := "", ""
		if draw != nil {
			times = draw(m)
		}
		if len(m.Attempts) > 1 {
			again = report.Count(len(m.Attempts), "attempt")
		}
		t.Rows = append(t.Rows, []Cell{
			number(m.MS, report.Millis(m.MS)), {Text: times}, {Text: m.Name()}, number(float64(m.Received()), report.Bytes(m.Received())),
			{Text: failure.Plain(m.Mirror)}, {Text: again},
		})
	}
	return t
}

// Most rows of tables of files. A browser takes seconds for some ten thousand.
const (
	mostBars  = 500  // downloads, each with a bar
	MostFiles = 2000 // files, in words
)

// Waterfall is every download in the order of their starts, with its attempts,
// those included that brought nothing.
func (v *View) Waterfall() Section {
	var all []report.Module
	for _, m := range v.Result.Modules {
		if m.MS > 0 && m.Source != report.FromPresent && m.Source != report.FromCache && m.Source != report.FromDeferred {
			all = append(all, m)
		}
	}
	if len(all) == 0 {
		return Section{}
	}
	whole := pictureOf(all)
	slices.SortStableFunc(all, func(a, b report.Module) int { return cmp.Compare(b.MS, a.MS) })
	shown, rest := all, ""
	if len(all) > mostBars {
		var bytes int64
		for _, m := range all[mostBars:] {
			bytes += m.Received()
		}
		shown = all[:mostBars]
		rest = fmt.Sprintf("The slowest %d of %d; each of the others took %s or less, and together they are %s.",
			mostBars, len(all), report.Millis(all[mostBars].MS), report.Bytes(bytes))
	}
	slices.SortStableFunc(shown, func(a, b report.Module) int { return cmp.Compare(a.StartMS, b.StartMS) })
	colours, drawn := v.colours(), map[string]bool{}
	t := Table{Caption: "Downloads in the order of their starts", Rest: rest, Columns: []Column{
		{Title: "file", Head: true, Code: true}, {Title: whole.scale(), Bar: true}, {Title: "time", Number: true},
		{Title: "size", Number: true}, {Title: "mirror", Code: true}, {Title: "attempts"},
	}}
	for _, m := range shown {
		bar := fetched(m, whole, colours)
		for _, piece := range bar.Pieces {
			drawn[piece.Class] = true
		}
		count := counted(len(m.Attempts))
		if len(m.Attempts) > 1 {
			count.Text = report.Count(len(m.Attempts), "attempt")
			count.More = attempts(m)
		}
		mirror := Cell{Text: failure.Plain(m.Mirror)}
		if m.Source != report.FromMirror {
			mirror = Cell{Text: "none", Tone: Bad}
		}
		t.Rows = append(t.Rows, []Cell{
			{Text: m.Name()}, {Bar: bar, Sort: sortBy(m.StartMS)}, number(m.MS, report.Millis(m.MS)),
			number(float64(m.Received()), report.Bytes(m.Received())), mirror, count,
		})
	}
	s := tabled("downloads", "Downloads", t)
	s.Keys = v.keys(drawn, colours)
	return s
}

const mostColours = 6

// colours gives each mirror the class of its colour.
func (v *View) colours() map[string]string {
	by := map[string]string{}
	for _, m := range v.Result.Mirrors {
		if by[m.URL] == "" {
			by[m.URL] = fmt.Sprintf("m%d", len(by)%mostColours+1)
		}
	}
	return by
}

func (v *View) keys(drawn map[string]bool, colours map[string]string) []Key {
	var keys []Key
	explained := map[string]bool{}
	for _, m := range v.Result.Mirrors {
		if drawn[colours[m.URL]] && !explained[m.URL] && len(keys) < 2*mostColours {
			keys = append(keys, Key{colours[m.URL], failure.Plain(m.URL)})
			explained[m.URL] = true
		}
	}
	for _, key := range []Key{{"failed", "failed attempt (lower bar)"}, {"pause", "waiting"}} {
		if drawn[key.Class] {
			keys = append(keys, key)
		}
	}
	return keys
}

// fetched draws one download: its attempts where their times are known, one
// piece where they are not.
func fetched(m report.Module, whole picture, colours map[string]string) *Bar {
	bar := &Bar{from: whole.first, to: whole.last}
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

const mostAttempts = 20

func attempts(m report.Module) []string {
	var lines []string
	for i, a := range m.Attempts {
		if i == mostAttempts {
			lines = append(lines, fmt.Sprintf("and %d more of %s, not shown", len(m.Attempts)-i, report.Count(len(m.Attempts), "attempt")))
			break
		}
		answer := "brought the file"
		if a.Class != "" {
			answer = a.Trouble().String()
		}
		parts := []string{failure.Plain(a.Mirror) + ": " + answer}
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
		case i > 0 && m.Attempts[i-1].Mirror != a.Mirror:
			parts = append(parts, "failover")
		}
		if a.Detail != "" {
			parts = append(parts, failure.Plain(a.Detail))
		}
		lines = append(lines, strings.Join(parts, ", "))
	}
	return lines
}

// Files is every file of the work list with its size, the largest first.
func (v *View) Files() Section {
	all := slices.Clone(v.Result.Modules)
	slices.SortStableFunc(all, func(a, b report.Module) int { return cmp.Compare(b.Bytes, a.Bytes) })
	t := Table{Caption: "All files, the largest first", Columns: []Column{
		{Title: "file", Head: true, Code: true}, {Title: "kind"}, {Title: "from"}, {Title: "size", Number: true, Dash: HTML}, {Title: "line", Code: true},
	}}
	if rest := len(all) - MostFiles; rest > 0 {
		var bytes int64
		for _, m := range all[MostFiles:] {
			bytes += max(m.Bytes, 0)
		}
		t.Rest = fmt.Sprintf("and %d more of %s, not shown: %s together", rest, report.Count(len(all), "file"), report.Bytes(bytes))
		all = all[:MostFiles]
	}
	for _, m := range all {
		size := Cell{Sort: "0"}
		if m.Bytes > 0 {
			size = number(float64(m.Bytes), report.Bytes(m.Bytes))
		}
		t.Rows = append(t.Rows, []Cell{{Text: m.Name()}, {Text: Word(m.Kind)}, sourceOf(m), size, {Text: report.Position(m.File, m.Line)}})
	}
	return tabled("files", "All files", t)
}

func sourceOf(m report.Module) Cell {
	switch m.Source {
	case report.FromMirror:
		return Cell{Text: failure.Plain(m.Mirror)}
	case report.FromPresent:
		return Cell{Text: "there already"}
	case report.FromCache:
		return Cell{Text: "cache"}
	case report.FromDeferred:
		return Cell{Text: "left to the go command"}
	}
	return Cell{Text: "missing", Tone: Bad}
}
