package render

import (
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
)

// Mirrors is the table of probes and the checksum database.
func (v *View) Mirrors() Section {
	if len(v.Result.Mirrors) == 0 && v.Result.SumDB == nil {
		return Section{}
	}
	s := Section{ID: "mirrors", Title: "Mirrors"}
	if len(v.Result.Mirrors) > 0 {
		for _, p := range Phases {
			if slices.ContainsFunc(v.Result.Mirrors, func(m report.Mirror) bool { ms := p.OfProbe(m); return ms != nil && *ms > 0 }) {
				s.Keys = append(s.Keys, Key{p.Key, p.Name})
			}
		}
		s.Tables = []Table{v.probes()}
	}
	if db := v.Result.SumDB; db != nil {
		s.Lines = append(s.Lines, line(say("checksum database "), name(failure.Plain(db.Name)), say(": "+Database(db))))
	}
	return s
}

func (v *View) probes() Table {
	t := Table{Caption: "Mirrors and their probes", Thing: "mirror", Columns: []Column{
		{Title: "#", Name: "rank", Number: true, Dash: Text | Markdown | HTML}, {Title: "mirror", Head: true, Code: true, Flexible: true},
		{Title: "state", Unbroken: true}, {Title: "probe", Bar: true, In: HTML},
	}}
	for _, p := range Phases {
		c := Column{Title: p.Name, Number: true, Optional: p.connects, Dash: HTML}
		if p.connects {
			c.In = Text | HTML // more columns than a summary has room for
		}
		t.Columns = append(t.Columns, c)
	}
	t.Columns = append(t.Columns, Column{Title: "HTTP", Optional: true}, Column{Title: "sumdb", Optional: true}, Column{Title: "remark", Below: true, Aside: true})
	longest := 0.0
	for _, m := range v.Result.Mirrors {
		longest = max(longest, ProbeMS(m))
	}
	for _, m := range v.Result.Mirrors {
		rank := Cell{Sort: "9999"}
		if m.Rank > 0 {
			rank = counted(m.Rank)
		}
		var bar Cell
		if longest > 0 {
			bar = probe(m, longest)
		}
		row := []Cell{rank, {Text: failure.Plain(m.URL)}, {Text: Word(m.State), Tone: stateTone(m.State)}, bar}
		for _, p := range Phases {
			cell := unmeasured()
			if ms := p.OfProbe(m); ms != nil {
				cell = number(*ms, report.Millis(*ms))
			}
			row = append(row, cell)
		}
		t.Rows = append(t.Rows, append(row, Cell{Text: protocol(m.HTTP)}, Cell{Text: servesSumDB(m.SumDB)}, Cell{Text: remark(m)}))
	}
	return t
}

// ProbeMS is how long the phases of a probe that were measured took together.
func ProbeMS(m report.Mirror) float64 {
	sum := 0.0
	for _, p := range Phases {
		if ms := p.OfProbe(m); ms != nil && *ms > 0 {
			sum += *ms
		}
	}
	return sum
}

func probe(m report.Mirror, longest float64) Cell {
	total := ProbeMS(m)
	if total <= 0 {
		return Cell{Text: "not measured", Sort: "-1"}
	}
	bar := NewBar(0, longest)
	var label []string
	at := 0.0
	for _, p := range Phases {
		if ms := p.OfProbe(m); ms != nil && *ms > 0 {
			bar.Add(p.Key, at, *ms)
			label = append(label, p.Name+" "+report.Millis(*ms))
			at += *ms
		}
	}
	bar.Label = strings.Join(label, ", ")
	return Cell{Bar: bar, Sort: sortBy(total)}
}

// Database says whether the checksum database was reached, and how.
func Database(s *report.SumDB) string {
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

func stateTone(state string) Tone {
	switch state {
	case report.Healthy:
		return Good
	case report.Slow, report.Degraded:
		return Fair
	case report.Failing:
		return Bad
	}
	return Quiet
}

// protocol is "2" for "HTTP/2.0".
func protocol(proto string) string {
	return Word(strings.TrimSuffix(strings.TrimPrefix(proto, "HTTP/"), ".0"))
}

// Word is a text that is one short word unless somebody means ill.
func Word(s string) string { return Cut(failure.Neutral(s), 12) }

func servesSumDB(serves *bool) string {
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
func remark(m report.Mirror) string {
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
