package report

import (
	"fmt"
	"strings"

	"github.com/modferry/modferry/internal/failure"
)

// few is how many modules of a kind are listed when not all are wanted.
const few = 5

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
	case Slow, Degraded:
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
	all := t.view.origins("below")
	if len(all) == 0 {
		return
	}
	var rows [][]span
	for _, o := range all {
		rows = append(rows, []span{{text: o.from}, {text: count(o.files, "file")}, {text: o.size()}, {text: Rate(o.rate)}, {text: o.remark}})
	}
	t.heading("Where the files came from")
	t.table(2, []column{{flexible: true}, {right: true}, {right: true}, {right: true, optional: true}, {}}, rows)
}

// slowest writes the modules that took longest.
func (t *text) slowest() {
	all := t.view.slowest()
	if len(all) == 0 {
		return
	}
	var rows [][]span
	for _, m := range all[:min(len(all), few)] {
		rows = append(rows, []span{{text: Millis(m.MS)}, {text: name(m)}, {text: Bytes(received(m))}, {text: failure.Plain(m.Mirror)}, {text: again(m)}})
	}
	t.heading("Slowest")
	t.table(2, []column{{right: true}, {flexible: true}, {right: true}, {optional: true}, {}}, rows)
}

// spreads writes how long the stages of requests took.
func (t *text) spreads() {
	var rows [][]span
	for _, s := range t.view.spreads() {
		row := []span{{text: s.mirror}, {text: s.stage}}
		for _, cell := range s.cells() {
			row = append(row, span{text: cell})
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return
	}
	t.heading(spreadTitle)
	t.table(2, spreadColumns(), rows)
	t.prose(span{text: "  "}, spreadNote, 2)
}
