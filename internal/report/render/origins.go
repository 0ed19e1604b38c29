package render

import (
	"cmp"
	"maps"
	"slices"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
)

// origin is one of the places where files came from.
type origin struct {
	from   string
	mirror bool // from is its URL
	files  int
	bytes  int64   // received, 0 unknown
	rate   float64 // bytes per second, 0 unknown
	ms     float64 // from its first file's start to its last file's end, 0 unknown
	remark string
}

// size is what was received from an origin, "" when that is not known.
func (o origin) size() string {
	if o.bytes <= 0 {
		return ""
	}
	return report.Bytes(o.bytes)
}

// origins returns where the files came from, in the order of a run; failures
// is where the reader finds those.
func (v *View) origins(failures string) []origin {
	if v.Tally.All == 0 || v.Audit() {
		return nil
	}
	var all []origin
	if v.Tally.Present > 0 {
		all = append(all, origin{from: "module cache", files: v.Tally.Present, remark: "there already"})
	}
	if c := v.Result.Cache; c.Hit != "off" && c.Hit != "" {
		all = append(all, origin{from: "cache " + failure.Plain(c.Store), files: v.Tally.Cached, bytes: c.Bytes, ms: c.MS, remark: restored(c)})
	}
	all = append(all, v.suppliers()...)
	if v.Tally.Deferred > 0 {
		all = append(all, origin{from: "go command", files: v.Tally.Deferred, remark: "left to it"})
	}
	if v.Tally.Failed > 0 {
		all = append(all, origin{from: "nowhere", files: v.Tally.Failed, remark: "see the failures " + failures})
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
		o := origin{from: failure.Plain(m.URL), mirror: true, files: s.files, bytes: max(m.Bytes, s.bytes), ms: s.last - s.first}
		if m.ThroughputBPS != nil {
			o.rate = *m.ThroughputBPS
		}
		if m.Failures > 0 {
			o.remark = report.Count(m.Failures, "failed attempt")
		}
		all = append(all, o)
	}
	for _, url := range slices.Sorted(maps.Keys(by)) {
		s := by[url]
		all = append(all, origin{from: failure.Plain(url), mirror: true, files: s.files, bytes: s.bytes, ms: s.last - s.first})
	}
	return all
}

// sorted returns the keys of m in order.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

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

// again counts the attempts for m when there were several.
func again(m report.Module) string {
	if len(m.Attempts) < 2 {
		return ""
	}
	return report.Count(len(m.Attempts), "attempt")
}
