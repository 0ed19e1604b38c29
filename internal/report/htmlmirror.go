package report

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/modferry/modferry/internal/failure"
)

// htmlPhases are the parts of a probe, in the order in which they happen.
var htmlPhases = [...]struct {
	title, class string
	of           func(Mirror) *float64
}{
	{"lookup", "lookup", func(m Mirror) *float64 { return m.DNSMS }},
	{"connect", "connect", func(m Mirror) *float64 { return m.ConnectMS }},
	{"TLS", "tls", func(m Mirror) *float64 { return m.TLSMS }},
	{"first byte", "first", func(m Mirror) *float64 { return m.FirstByteMS }},
}

// mirrors is the chain, why it is this one, and the table of probes.
func (h *htmlView) mirrors() htmlSection {
	s := htmlSection{ID: "mirrors", Title: "Mirrors"}
	if chain := failure.Plain(h.r.Choice.Chain); chain != "" {
		s.Lines = append(s.Lines, "Chain: "+chain)
		if configured := failure.Plain(h.r.Choice.Configured); configured != "" && configured != chain {
			s.Lines = append(s.Lines, "Configured: "+configured)
		}
	}
	reasons, rest := htmlCut(h.r.Choice.Reasons, htmlFew, "reason")
	for _, reason := range reasons {
		s.List = append(s.List, failure.Plain(reason))
	}
	if rest != "" {
		s.List = append(s.List, rest)
	}
	if db := h.r.SumDB; db != nil {
		s.Lines = append(s.Lines, "Checksum database "+failure.Plain(db.Name)+": "+database(db))
	}
	if len(h.r.Mirrors) > 0 {
		for _, p := range htmlPhases {
			s.Keys = append(s.Keys, htmlKey{p.class, p.title})
		}
		s.Tables = []htmlTable{h.probes()}
	}
	if len(s.Lines)+len(s.Tables) == 0 {
		return htmlSection{}
	}
	return s
}

// probes is the table of mirrors, with a bar of the phases of each one's probe.
func (h *htmlView) probes() htmlTable {
	t := htmlTable{Caption: "Mirrors and their probes", Columns: []htmlColumn{
		{Title: "rank", Number: true}, {Title: "mirror", Head: true, Code: true}, {Title: "state"}, {Title: "probe", Bar: true},
	}}
	for _, p := range htmlPhases {
		t.Columns = append(t.Columns, htmlColumn{Title: p.title, Number: true})
	}
	t.Columns = append(t.Columns, htmlColumn{Title: "HTTP"}, htmlColumn{Title: "sumdb"}, htmlColumn{Title: "remark"})
	mirrors, rest := htmlCut(h.r.Mirrors, htmlFew, "mirror")
	t.Rest = rest
	longest := 0.0
	for _, m := range mirrors {
		longest = max(longest, htmlProbeMS(m))
	}
	for _, m := range mirrors {
		rank := htmlCell{Text: "–", Sort: "9999"}
		if m.Rank > 0 {
			rank = htmlNumber(float64(m.Rank), fmt.Sprint(m.Rank))
		}
		row := []htmlCell{rank, {Text: failure.Plain(m.URL)}, {Text: word(m.State), Tone: htmlTone(stateStyle(m.State))}, htmlProbe(m, longest)}
		for _, p := range htmlPhases {
			cell := htmlCell{Text: cmp.Or(phase(p.of(m)), "–"), Sort: "-1"}
			if ms := p.of(m); ms != nil {
				cell.Sort = htmlFloat(*ms)
			}
			row = append(row, cell)
		}
		t.Rows = append(t.Rows, append(row, htmlCell{Text: version(m.HTTP)}, htmlCell{Text: sumdb(m.SumDB)}, htmlCell{Text: remark(m)}))
	}
	return t
}

// htmlProbeMS is how long the measured phases took together.
func htmlProbeMS(m Mirror) float64 {
	sum := 0.0
	for _, p := range htmlPhases {
		if ms := p.of(m); ms != nil && *ms > 0 {
			sum += *ms
		}
	}
	return sum
}

// htmlProbe draws the phases of a probe, one after the other.
func htmlProbe(m Mirror, longest float64) htmlCell {
	total := htmlProbeMS(m)
	if total <= 0 {
		return htmlCell{Text: "not measured", Sort: "-1"}
	}
	bar := &htmlBar{to: longest}
	var label []string
	at := 0.0
	for _, p := range htmlPhases {
		if ms := p.of(m); ms != nil && *ms > 0 {
			bar.add(p.class, at, *ms)
			label = append(label, p.title+" "+Millis(*ms))
			at += *ms
		}
	}
	bar.Label = strings.Join(label, ", ")
	return htmlCell{Bar: bar, Text: Millis(total), Sort: htmlFloat(total)}
}

// spreads are how long the stages of requests took.
func (h *htmlView) spreads() htmlSection {
	all := h.view.spreads()
	if len(all) == 0 {
		return htmlSection{}
	}
	t := htmlTable{Caption: spreadTitle, Columns: htmlColumns(spreadColumns())}
	all, t.Rest = htmlCut(all, htmlFew, "stage")
	for _, s := range all {
		row := []htmlCell{{Text: s.mirror}, {Text: s.stage}, htmlNumber(float64(len(s.ordered)), fmt.Sprint(len(s.ordered)))}
		for _, percent := range percents {
			cell := htmlCell{Text: "–", Sort: "-1"}
			if ms, ok := s.percentile(percent); ok {
				cell = htmlNumber(ms, Millis(ms))
			}
			row = append(row, cell)
		}
		t.Rows = append(t.Rows, append(row, htmlNumber(s.longest(), Millis(s.longest()))))
	}
	return htmlSection{ID: "spreads", Title: spreadTitle, Tables: []htmlTable{t}, Lines: []string{spreadNote}}
}

// origins are the places where files came from.
func (h *htmlView) origins() htmlSection {
	all := h.view.origins("in this report")
	if len(all) == 0 {
		return htmlSection{}
	}
	t := htmlTable{Caption: "Where the files came from", Columns: []htmlColumn{
		{Title: "from", Head: true, Code: true}, {Title: "files", Number: true}, {Title: "size", Number: true}, {Title: "time", Number: true}, {Title: "rate", Number: true}, {Title: "remark"},
	}}
	all, t.Rest = htmlCut(all, htmlFew, "place")
	for _, o := range all {
		took := ""
		if o.ms > 0 {
			took = Millis(o.ms)
		}
		t.Rows = append(t.Rows, []htmlCell{
			{Text: o.from}, htmlNumber(float64(o.files), fmt.Sprint(o.files)), htmlNumber(float64(o.bytes), o.size()), htmlNumber(o.ms, took), htmlNumber(o.rate, Rate(o.rate)), {Text: o.remark},
		})
	}
	return htmlSection{ID: "origins", Title: "Where the files came from", Tables: []htmlTable{t}}
}

// answers is how often each mirror gave which status code.
func (h *htmlView) answers() htmlSection {
	const title = "HTTP status codes"
	t := htmlTable{Caption: title, Columns: htmlColumns([]column{{title: "mirror"}, {title: "answers"}})}
	mirrors, rest := htmlCut(sorted(h.r.StatusCodes), htmlFew, "mirror")
	t.Rest = rest
	for _, mirror := range mirrors {
		t.Rows = append(t.Rows, []htmlCell{{Text: failure.Plain(mirror)}, {Text: failure.Neutral(answers(h.r.StatusCodes[mirror]))}})
	}
	if len(t.Rows) == 0 {
		return htmlSection{}
	}
	return htmlSection{ID: "answers", Title: title, Tables: []htmlTable{t}}
}

// periods is what each mirror answered in the course of the run.
func (h *htmlView) periods() htmlSection {
	all := h.view.periods()
	if len(all) == 0 {
		return htmlSection{}
	}
	t := htmlTable{Caption: periodTitle, Columns: htmlColumns(periodColumns())}
	all, t.Rest = htmlCut(all, htmlFew, "span")
	for _, p := range all {
		t.Rows = append(t.Rows, []htmlCell{{Text: p.mirror}, htmlNumber(p.from, p.span()), {Text: answers(p.answers)}})
	}
	return htmlSection{ID: "course", Title: periodTitle, Lines: []string{periodNote}, Tables: []htmlTable{t}}
}

// htmlColumns are columns of a table of mirrors.
func htmlColumns(all []column) []htmlColumn {
	list := make([]htmlColumn, len(all))
	for i, c := range all {
		list[i] = htmlColumn{Title: c.title, Head: i == 0, Code: i == 0, Number: c.right}
	}
	return list
}
