package render

import (
	"fmt"
	"maps"
	"slices"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
)

// Origins is what came from where, in the order of a run.
func (v *View) Origins() Section {
	if v.Tally.All == 0 || v.Audit() {
		return Section{}
	}
	t := Table{Thing: "place", Bare: true, Columns: []Column{
		{Title: "from", Head: true, Code: true, Flexible: true}, {Title: "files", Number: true, Unit: "file"}, {Title: "size", Number: true},
		{Title: "time", Number: true, In: Markdown | HTML}, {Title: "rate", Number: true, Optional: true}, {Title: "remark"},
	}}
	ours := func(from string, files int, remark string) []Cell {
		return origin(Cell{Text: from, Words: true}, supply{files: files}, 0, remark)
	}
	if n := v.Tally.Present; n > 0 {
		t.Rows = append(t.Rows, ours("module cache", n, "there already"))
	}
	if c := v.Result.Cache; c.Hit != "off" && c.Hit != "" {
		from := Cell{Text: "cache " + failure.Plain(c.Store), Words: true}
		t.Rows = append(t.Rows, origin(from, supply{files: v.Tally.Cached, bytes: c.Bytes, last: c.MS}, 0, restored(c)))
	}
	t.Rows = append(t.Rows, v.suppliers()...)
	if n := v.Tally.Deferred; n > 0 {
		t.Rows = append(t.Rows, ours("go command", n, "left to it"))
	}
	if n := v.Tally.Failed; n > 0 {
		t.Rows = append(t.Rows, ours("nowhere", n, "see the failures"))
	}
	s := tabled("origins", "Where the files came from", t)
	s.Note = v.imported()
	return s
}

// imported tells that less was wanted than is required. Where a file failed, what it
// imports is not known.
func (v *View) imported() string {
	n := v.Result.Totals
	if n.Imported <= 0 || n.Imported >= n.Required || v.Tally.Failed > 0 {
		return ""
	}
	least := ""
	if v.Tally.Deferred > 0 { // the go command follows their imports
		least = "at least "
	}
	return fmt.Sprintf("Builds and tests import %s%d of the %d required modules; the zips of the others were left out.", least, n.Imported, n.Required)
}

// supply is what came from one place; 0 is unknown but for files.
type supply struct {
	files       int
	bytes       int64
	first, last float64 // start of the first file, end of the last, in milliseconds
}

// origin is a row; rate is bytes per second, 0 when it is not known.
func origin(from Cell, s supply, rate float64, remark string) []Cell {
	size, took := "", ""
	if s.bytes > 0 {
		size = report.Bytes(s.bytes)
	}
	if ms := s.last - s.first; ms > 0 {
		took = report.Millis(ms)
	}
	return []Cell{from, counted(s.files), number(float64(s.bytes), size), number(s.last-s.first, took), number(rate, report.Rate(rate)), {Text: remark}}
}

// suppliers are the mirrors that sent something, or should have.
func (v *View) suppliers() [][]Cell {
	by := map[string]*supply{}
	for _, m := range v.Result.Modules {
		if m.Source != report.FromMirror {
			continue
		}
		s := by[m.Mirror]
		if s == nil {
			s = &supply{first: m.StartMS}
			by[m.Mirror] = s
		}
		s.files++
		s.bytes += m.Received()
		s.first, s.last = min(s.first, m.StartMS), max(s.last, m.StartMS+m.MS)
	}
	var rows [][]Cell
	for _, m := range v.Result.Mirrors {
		s := by[m.URL]
		if delete(by, m.URL); s == nil {
			s = &supply{}
		}
		if s.files == 0 && m.Bytes <= 0 && m.Failures <= 0 {
			continue
		}
		s.bytes = max(m.Bytes, s.bytes)
		rate, remark := 0.0, ""
		if m.ThroughputBPS != nil {
			rate = *m.ThroughputBPS
		}
		if m.Failures > 0 {
			remark = report.Count(m.Failures, "failed attempt")
		}
		rows = append(rows, origin(Cell{Text: failure.Plain(m.URL)}, *s, rate, remark))
	}
	for _, url := range slices.Sorted(maps.Keys(by)) {
		rows = append(rows, origin(Cell{Text: failure.Plain(url)}, *by[url], 0, ""))
	}
	return rows
}
