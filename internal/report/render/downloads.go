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

// row is what was downloaded of one module: its zip, its go.mod file or both.
type row struct {
	main  report.Module  // the zip where there is one
	mod   *report.Module // the go.mod file beside it
	start float64        // of the first, in milliseconds since the start of the run
}

func rowsOf(modules []report.Module) []*row {
	var rows []*row
	at := map[[2]string]*row{}
	for _, m := range modules {
		k := [2]string{m.Path, m.Version}
		r := at[k]
		switch {
		case r == nil:
			r = &row{main: m, start: m.StartMS}
			at[k] = r
			rows = append(rows, r)
			continue
		case m.Kind == report.KindMod && r.mod == nil:
			r.mod = &m
		case r.main.Kind == report.KindMod && r.mod == nil:
			mod := r.main
			r.main, r.mod = m, &mod
		default: // a result that lists a file twice
			rows = append(rows, &row{main: m, start: m.StartMS})
			continue
		}
		r.start = min(r.start, m.StartMS)
	}
	return rows
}

func (r *row) bytes() int64 {
	n := r.main.Received()
	if r.mod != nil {
		n += r.mod.Received()
	}
	return n
}

// name is the module, with its file where that is only the go.mod file.
func (r *row) name() string {
	if r.mod != nil {
		return failure.Neutral(r.main.Path + "@" + r.main.Version)
	}
	return r.main.Name()
}

// Waterfall is every module that was downloaded, the slowest first, with the phases of
// its files and its attempts, those included that brought nothing.
func (v *View) Waterfall() Section {
	var files []report.Module
	for _, m := range v.Result.Modules {
		if m.MS > 0 && m.Source != report.FromPresent && m.Source != report.FromCache && m.Source != report.FromDeferred {
			files = append(files, m)
		}
	}
	if len(files) == 0 {
		return Section{}
	}
	whole, all := pictureOf(files), rowsOf(files)
	slices.SortStableFunc(all, func(a, b *row) int { return cmp.Compare(b.main.MS, a.main.MS) })
	rest := ""
	if len(all) > mostBars {
		var bytes int64
		for _, r := range all[mostBars:] {
			bytes += r.bytes()
		}
		rest = fmt.Sprintf("The slowest %d of %s; each of the others took %s or less, and together they are %s.",
			mostBars, report.Count(len(all), "module"), report.Millis(all[mostBars].main.MS), report.Bytes(bytes))
		all = all[:mostBars]
	}
	drawn := map[string]bool{}
	t := Table{Caption: "Downloads, the slowest first", Rest: rest, Axis: whole.axis(), Columns: []Column{
		{Title: "module", Head: true, Code: true}, {Title: whole.scale(), Name: "when", Bar: true}, {Title: "time", Number: true},
		{Title: "size", Number: true}, {Title: "mirror", Code: true, Facet: true}, {Title: "state", Facet: true}, {Title: "attempts"},
	}}
	for _, r := range all {
		bar := r.draw(whole)
		for _, piece := range bar.Pieces {
			for class := range strings.FieldsSeq(piece.Class) {
				drawn[class] = true
			}
		}
		var mirror, size Cell
		if r.main.Source == report.FromMirror {
			mirror.Text = withoutScheme(failure.Plain(r.main.Mirror))
		}
		if size.Sort = "0"; r.bytes() > 0 {
			size = number(float64(r.bytes()), report.Bytes(r.bytes()))
		}
		t.Rows = append(t.Rows, []Cell{
			{Text: r.name()}, {Bar: bar, Sort: sortBy(r.start)}, number(r.main.MS, report.Millis(r.main.MS)), size, mirror, r.state(), r.attempts(),
		})
	}
	s := tabled("downloads", "Downloads", t)
	s.Curve = v.curve(whole)
	for _, key := range phaseOrder {
		if drawn[key] {
			s.Keys = append(s.Keys, Key{key, phaseName(key)})
		}
	}
	if drawn["below"] {
		s.Keys = append(s.Keys, Key{"below", "go.mod file (lower bar)"})
	}
	return s
}

// state is how a module came, in a word or two to filter by.
func (r *row) state() Cell {
	n := len(r.main.Attempts)
	hedged := slices.ContainsFunc(r.main.Attempts, func(a report.Attempt) bool { return a.Hedge && a.Class == "" })
	switch {
	case r.main.Class == failure.Cancelled:
		return Cell{Text: "interrupted", Tone: Fair}
	case r.main.Failed() || r.mod != nil && r.mod.Failed():
		return Cell{Text: "failed", Tone: Bad}
	case n > 1 && r.main.Attempts[n-1].Mirror != r.main.Attempts[0].Mirror:
		return Cell{Text: "failover", Tone: Fair}
	case n > 1:
		return Cell{Text: "retried", Tone: Fair}
	case hedged:
		return Cell{Text: "hedged"}
	}
	return Cell{Text: "first try"}
}

// attempts tells of the attempts for the files of a module that more than one was made
// for.
func (r *row) attempts() Cell {
	files, n := []report.Module{r.main}, 0
	if r.mod != nil {
		files = append(files, *r.mod)
	}
	var more []string
	for _, m := range files {
		if len(m.Attempts) > 1 {
			n += len(m.Attempts)
			more = append(more, attempts(m)...)
		}
	}
	if n == 0 {
		return Cell{Sort: "1"}
	}
	return Cell{Text: report.Count(n, "attempt"), Sort: sortBy(float64(n)), More: more}
}

// withoutScheme is a URL as people read it, where only that of a mirror can stand.
func withoutScheme(url string) string { return strings.TrimPrefix(url, "https://") }

// draw draws the files of a module: the phases of each, the go.mod file below.
func (r *row) draw(whole picture) *Bar {
	bar := NewBar(whole.first, whole.last)
	bar.Label = fmt.Sprintf("from %s to %s", report.Millis(r.main.StartMS), report.Millis(r.main.StartMS+r.main.MS))
	bar.file(r.main, "")
	if r.mod != nil {
		bar.file(*r.mod, " below")
	}
	for _, p := range phases(r.main) {
		if len(r.main.Attempts) > 0 && p.MS >= 1 {
			bar.Label += ", " + p.Name + " " + report.Millis(p.MS)
		}
	}
	if r.main.Failed() {
		bar.Label += ", failed"
	}
	return bar
}

// file draws one file: its waits, then its failed attempts, and over those the one
// that brought it, which a hedge may overlap.
func (b *Bar) file(m report.Module, lane string) {
	if !timed(m) {
		p := phases(m)[0]
		b.Add(p.Key+lane, p.From, p.MS)
		return
	}
	if first := m.Attempts[0]; len(m.Attempts) > 1 || first.StartMS > m.StartMS {
		b.Add(phaseWait+lane, m.StartMS, m.MS)
	}
	for _, a := range m.Attempts {
		if a.Class != "" {
			b.Add(failedPhase(a)+lane, a.StartMS, a.MS)
		}
	}
	for _, a := range m.Attempts {
		if a.Class != "" {
			continue
		}
		b.Add(phaseBody+lane, a.StartMS, a.MS)
		for _, p := range PhasesOf(a) {
			if p.Key != phaseBody {
				b.over(p.Key+lane, p.From, p.MS)
			}
		}
	}
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
