package render

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
)

// origin is one of the places where files came from.
type origin struct {
	From   string
	Mirror bool // from is its URL
	Files  int
	Bytes  int64   // received, 0 unknown
	Rate   float64 // bytes per second, 0 unknown
	MS     float64 // from its first file's start to its last file's end, 0 unknown
	Remark string
}

// Size is what was received from an origin, "" when that is not known.
func (o origin) Size() string {
	if o.Bytes <= 0 {
		return ""
	}
	return report.Bytes(o.Bytes)
}

// Origins returns where the files came from, in the order of a run; failures
// is where the reader finds those.
func (v *View) Origins(failures string) []origin {
	if v.Tally.All == 0 || v.Audit() {
		return nil
	}
	var all []origin
	if v.Tally.Present > 0 {
		all = append(all, origin{From: "module cache", Files: v.Tally.Present, Remark: "there already"})
	}
	if c := v.Result.Cache; c.Hit != "off" && c.Hit != "" {
		all = append(all, origin{From: "cache " + failure.Plain(c.Store), Files: v.Tally.Cached, Bytes: c.Bytes, MS: c.MS, Remark: Restored(c)})
	}
	all = append(all, v.suppliers()...)
	if v.Tally.Deferred > 0 {
		all = append(all, origin{From: "go command", Files: v.Tally.Deferred, Remark: "left to it"})
	}
	if v.Tally.Failed > 0 {
		all = append(all, origin{From: "nowhere", Files: v.Tally.Failed, Remark: "see the failures " + failures})
	}
	return all
}

// suppliers returns the mirrors that sent something, or should have.
func (v *View) suppliers() []origin {
	type sent struct {
		files       int
		bytes       int64
		first, last float64
	}
	by := map[string]*sent{}
	for _, m := range v.Result.Modules {
		if m.Source != report.FromMirror {
			continue
		}
		s := by[m.Mirror]
		if s == nil {
			s = &sent{first: m.StartMS}
			by[m.Mirror] = s
		}
		s.files++
		s.bytes += m.Received()
		s.first, s.last = min(s.first, m.StartMS), max(s.last, m.StartMS+m.MS)
	}
	var all []origin
	for _, m := range v.Result.Mirrors {
		s := by[m.URL]
		if delete(by, m.URL); s == nil {
			s = &sent{}
		}
		if s.files == 0 && m.Bytes <= 0 && m.Failures <= 0 {
			continue
		}
		o := origin{From: failure.Plain(m.URL), Mirror: true, Files: s.files, Bytes: max(m.Bytes, s.bytes), MS: s.last - s.first}
		if m.ThroughputBPS != nil {
			o.Rate = *m.ThroughputBPS
		}
		if m.Failures > 0 {
			o.Remark = report.Count(m.Failures, "failed attempt")
		}
		all = append(all, o)
	}
	for _, url := range slices.Sorted(maps.Keys(by)) {
		s := by[url]
		all = append(all, origin{From: failure.Plain(url), Mirror: true, Files: s.files, Bytes: s.bytes, MS: s.last - s.first})
	}
	return all
}

// sorted returns the keys of m in order.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// Restored describes what a restore did.
func Restored(c report.Cache) string {
	parts := []string{failure.Neutral(c.Hit)}
	if c.Hit == "exact" || c.Hit == "partial" {
		parts[0] += " hit"
	}
	if c.Layers > 0 {
		parts = append(parts, report.Count(c.Layers, "layer"))
	}
	if c.MS > 0 {
		parts = append(parts, report.Millis(c.MS))
	}
	if len(c.Rejected) > 0 {
		parts = append(parts, fmt.Sprintf("%d rejected", len(c.Rejected)))
	}
	return strings.Join(parts, ", ")
}

// Slowest returns the downloads, the longest first.
func (v *View) Slowest() []report.Module {
	var all []report.Module
	for _, m := range v.Result.Modules {
		if m.Source == report.FromMirror && m.MS > 0 {
			all = append(all, m)
		}
	}
	slices.SortStableFunc(all, func(a, b report.Module) int { return cmp.Compare(b.MS, a.MS) })
	return all
}

// Again counts the attempts for m when there were several.
func Again(m report.Module) string {
	if len(m.Attempts) < 2 {
		return ""
	}
	return report.Count(len(m.Attempts), "attempt")
}
