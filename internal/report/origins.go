package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/failure"
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
	return Bytes(o.bytes)
}

// origins returns where the files came from, in the order of a run; failures
// is where the reader finds those.
func (v *view) origins(failures string) []origin {
	if v.tally.all == 0 || v.audit() {
		return nil
	}
	var all []origin
	if v.tally.present > 0 {
		all = append(all, origin{from: "module cache", files: v.tally.present, remark: "there already"})
	}
	if c := v.r.Cache; c.Hit != "off" && c.Hit != "" {
		all = append(all, origin{from: "cache " + failure.Plain(c.Store), files: v.tally.cached, bytes: c.Bytes, ms: c.MS, remark: restored(c)})
	}
	all = append(all, v.suppliers()...)
	if v.tally.deferred > 0 {
		all = append(all, origin{from: "go command", files: v.tally.deferred, remark: "left to it"})
	}
	if v.tally.failed > 0 {
		all = append(all, origin{from: "nowhere", files: v.tally.failed, remark: "see the failures " + failures})
	}
	return all
}

// suppliers returns the mirrors that sent something, or should have.
func (v *view) suppliers() []origin {
	type sent struct {
		files       int
		bytes       int64
		first, last float64
	}
	by := map[string]*sent{}
	for _, m := range v.r.Modules {
		if m.Source != FromMirror {
			continue
		}
		s := by[m.Mirror]
		if s == nil {
			s = &sent{first: m.StartMS}
			by[m.Mirror] = s
		}
		s.files++
		s.bytes += received(m)
		s.first, s.last = min(s.first, m.StartMS), max(s.last, m.StartMS+m.MS)
	}
	var all []origin
	for _, m := range v.r.Mirrors {
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
			o.remark = count(m.Failures, "failed attempt")
		}
		all = append(all, o)
	}
	for _, url := range sorted(by) {
		s := by[url]
		all = append(all, origin{from: failure.Plain(url), mirror: true, files: s.files, bytes: s.bytes, ms: s.last - s.first})
	}
	return all
}

// sorted returns the keys of m in order.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// restored describes what a restore did.
func restored(c Cache) string {
	parts := []string{failure.Neutral(c.Hit)}
	if c.Hit == "exact" || c.Hit == "partial" {
		parts[0] += " hit"
	}
	if c.Layers > 0 {
		parts = append(parts, count(c.Layers, "layer"))
	}
	if c.MS > 0 {
		parts = append(parts, Millis(c.MS))
	}
	if len(c.Rejected) > 0 {
		parts = append(parts, fmt.Sprintf("%d rejected", len(c.Rejected)))
	}
	return strings.Join(parts, ", ")
}

// slowest returns the downloads, the longest first.
func (v *view) slowest() []Module {
	var all []Module
	for _, m := range v.r.Modules {
		if m.Source == FromMirror && m.MS > 0 {
			all = append(all, m)
		}
	}
	slices.SortStableFunc(all, func(a, b Module) int { return cmp.Compare(b.MS, a.MS) })
	return all
}

// again counts the attempts for m when there were several.
func again(m Module) string {
	if len(m.Attempts) < 2 {
		return ""
	}
	return count(len(m.Attempts), "attempt")
}

// name is a file of the work list as go.sum calls it.
func name(m Module) string {
	s := m.Path + "@" + m.Version
	if m.Kind == KindMod {
		s += "/go.mod"
	}
	return failure.Neutral(s)
}
