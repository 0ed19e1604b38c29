package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/failure"
)

// few is how many modules of a kind are listed when not all are wanted.
const few = 5

// sorted returns the keys of m in order.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// mirrors writes the table of probes.
func (t *text) mirrors() {
	if len(t.r.Mirrors) > 0 {
		t.heading("Mirrors")
	}
	var rows [][]span
	for _, m := range t.r.Mirrors {
		rank := "-"
		if m.Rank > 0 {
			rank = fmt.Sprint(m.Rank)
		}
		rows = append(rows, []span{
			{text: rank}, {text: failure.Plain(m.URL)}, {word(m.State), stateStyle(m.State)},
			{text: phase(m.DNSMS)}, {text: phase(m.ConnectMS)}, {text: phase(m.TLSMS)}, {text: phase(m.FirstByteMS)},
			{text: version(m.HTTP)}, {text: sumdb(m.SumDB)}, {text: remark(m)},
		})
	}
	t.table(2, []column{
		{title: "#", right: true}, {title: "mirror", flexible: true}, {title: "state"},
		{title: "lookup", right: true, optional: true}, {title: "connect", right: true, optional: true},
		{title: "TLS", right: true, optional: true}, {title: "first byte", right: true},
		{title: "HTTP", optional: true}, {title: "sumdb", optional: true}, {title: "remark", below: true},
	}, rows)
	if s := t.r.SumDB; s != nil {
		t.prose(span{text: "  checksum database "}, failure.Plain(s.Name)+": "+database(s), 4)
	}
}

func database(s *SumDB) string {
	reason := failure.Plain(s.Reason)
	if reason == "" {
		reason = s.Class.Title()
	}
	switch {
	case s.Reachable && s.Via != "":
		return "reached through " + failure.Plain(s.Via)
	case s.Reachable:
		return "reached directly"
	case reason != "":
		return "not reached (" + reason + ")"
	}
	return "not reached"
}

func stateStyle(state string) style {
	switch state {
	case Healthy:
		return green
	case Slow:
		return yellow
	case Failing:
		return red
	}
	return dim
}

// phase is a measured duration, "" for one that was not.
func phase(ms *float64) string {
	if ms == nil {
		return ""
	}
	return Millis(*ms)
}

// version is "2" for "HTTP/2.0".
func version(proto string) string {
	return word(strings.TrimSuffix(strings.TrimPrefix(proto, "HTTP/"), ".0"))
}

// word is a text that is one short word unless somebody means ill.
func word(s string) string { return cut(failure.Neutral(s), 12) }

func sumdb(serves *bool) string {
	switch {
	case serves == nil:
		return ""
	case *serves:
		return "yes"
	}
	return "no"
}

// remark is what a mirror's row says at its end: what is wrong, and whose
// mirror it is.
func remark(m Mirror) string {
	var parts []string
	reason := withoutURL(failure.Plain(m.Reason), failure.Plain(m.URL))
	title := m.Class.Title()
	if title != "" && !strings.Contains(reason, title) {
		parts = append(parts, title)
	}
	if reason != "" {
		parts = append(parts, reason)
	}
	text := strings.Join(parts, ": ")
	if m.Label != "" {
		label := "operated by " + failure.Neutral(m.Label)
		if text == "" {
			return label
		}
		text += "; " + label
	}
	return text
}

// withoutURL takes "get URL: " off the front of a failure's text when URL is
// the mirror's, which stands beside it.
func withoutURL(text, mirror string) string {
	at := strings.Index(text, mirror)
	if mirror == "" || at < 0 || strings.Count(text[:at], " ") > 1 {
		return text
	}
	_, rest, ok := strings.Cut(text[at+len(mirror):], ": ")
	if !ok {
		return text
	}
	return rest
}

// origins writes where the files came from, in the order of a run.
func (t *text) origins() {
	if t.tally.all == 0 || t.audit() {
		return
	}
	var rows [][]span
	row := func(from string, files int, bytes int64, rate float64, remark string) {
		size := ""
		if bytes > 0 {
			size = Bytes(bytes)
		}
		rows = append(rows, []span{{text: from}, {text: count(files, "file")}, {text: size}, {text: Rate(rate)}, {text: remark}})
	}
	if t.tally.present > 0 {
		row("module cache", t.tally.present, 0, 0, "there already")
	}
	if c := t.r.Cache; c.Hit != "off" && c.Hit != "" {
		row("cache "+failure.Plain(c.Store), t.tally.cached, c.Bytes, 0, restored(c))
	}
	files, bytes := map[string]int{}, map[string]int64{}
	for _, m := range t.r.Modules {
		if m.Source == FromMirror {
			files[m.Mirror]++
			bytes[m.Mirror] += received(m)
		}
	}
	for _, m := range t.r.Mirrors {
		if n := files[m.URL]; n > 0 || m.Bytes > 0 || m.Failures > 0 {
			rate := 0.0
			if m.ThroughputBPS != nil {
				rate = *m.ThroughputBPS
			}
			remark := ""
			if m.Failures > 0 {
				remark = count(m.Failures, "failed attempt")
			}
			row(failure.Plain(m.URL), n, max(m.Bytes, bytes[m.URL]), rate, remark)
		}
		delete(files, m.URL)
	}
	for _, url := range sorted(files) {
		row(failure.Plain(url), files[url], bytes[url], 0, "")
	}
	if t.tally.deferred > 0 {
		row("go command", t.tally.deferred, 0, 0, "left to it")
	}
	if t.tally.failed > 0 {
		row("nowhere", t.tally.failed, 0, 0, "see the failures below")
	}
	t.heading("Where the files came from")
	t.table(2, []column{{flexible: true}, {right: true}, {right: true}, {right: true, optional: true}, {}}, rows)
}

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

// slowest writes the modules that took longest.
func (t *text) slowest() {
	var all []Module
	for _, m := range t.r.Modules {
		if m.Source == FromMirror && m.MS > 0 {
			all = append(all, m)
		}
	}
	if len(all) == 0 {
		return
	}
	slices.SortStableFunc(all, func(a, b Module) int { return cmp.Compare(b.MS, a.MS) })
	var rows [][]span
	for _, m := range all[:min(len(all), few)] {
		tries := ""
		if len(m.Attempts) > 1 {
			tries = count(len(m.Attempts), "attempt")
		}
		rows = append(rows, []span{{text: Millis(m.MS)}, {text: name(m)}, {text: Bytes(received(m))}, {text: failure.Plain(m.Mirror)}, {text: tries}})
	}
	t.heading("Slowest")
	t.table(2, []column{{right: true}, {flexible: true}, {right: true}, {optional: true}, {}}, rows)
}

// name is a file of the work list as go.sum calls it.
func name(m Module) string {
	s := m.Path + "@" + m.Version
	if m.Kind == KindMod {
		s += "/go.mod"
	}
	return failure.Neutral(s)
}
