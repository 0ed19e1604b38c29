package html

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/render"
)

// htmlPhases are the parts of a probe, in the order in which they happen.
var htmlPhases = [...]struct {
	title, class string
	of           func(report.Mirror) *float64
}{
	{"lookup", "lookup", func(m report.Mirror) *float64 { return m.DNSMS }},
	{"connect", "connect", func(m report.Mirror) *float64 { return m.ConnectMS }},
	{"TLS", "tls", func(m report.Mirror) *float64 { return m.TLSMS }},
	{"first byte", "first", func(m report.Mirror) *float64 { return m.FirstByteMS }},
}

// mirrors is the chain, why it is this one, and the table of probes.
func (h *htmlView) mirrors() htmlSection {
	s := htmlSection{ID: "mirrors", Title: "Mirrors"}
	if chain := failure.Plain(h.Result.Choice.Chain); chain != "" {
		s.Lines = append(s.Lines, "Chain: "+chain)
		if configured := failure.Plain(h.Result.Choice.Configured); configured != "" && configured != chain {
			s.Lines = append(s.Lines, "Configured: "+configured)
		}
	}
	reasons, rest := htmlCut(h.Result.Choice.Reasons, htmlFew, "reason")
	for _, reason := range reasons {
		s.List = append(s.List, failure.Plain(reason))
	}
	if rest != "" {
		s.List = append(s.List, rest)
	}
	if db := h.Result.SumDB; db != nil {
		s.Lines = append(s.Lines, "Checksum database "+failure.Plain(db.Name)+": "+render.Database(db))
	}
	if len(h.Result.Mirrors) > 0 {
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
	mirrors, rest := htmlCut(h.Result.Mirrors, htmlFew, "mirror")
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
		row := []htmlCell{rank, {Text: failure.Plain(m.URL)}, {Text: render.Word(m.State), Tone: htmlTone(render.StateTone(m.State))}, htmlProbe(m, longest)}
		for _, p := range htmlPhases {
			cell := htmlCell{Text: cmp.Or(render.Phase(p.of(m)), "–"), Sort: "-1"}
			if ms := p.of(m); ms != nil {
				cell.Sort = htmlFloat(*ms)
			}
			row = append(row, cell)
		}
		t.Rows = append(t.Rows, append(row, htmlCell{Text: render.Version(m.HTTP)}, htmlCell{Text: render.ServesSumDB(m.SumDB)}, htmlCell{Text: render.Remark(m)}))
	}
	return t
}

// htmlProbeMS is how long the measured phases took together.
func htmlProbeMS(m report.Mirror) float64 {
	sum := 0.0
	for _, p := range htmlPhases {
		if ms := p.of(m); ms != nil && *ms > 0 {
			sum += *ms
		}
	}
	return sum
}

// htmlProbe draws the phases of a probe, one after the other.
func htmlProbe(m report.Mirror, longest float64) htmlCell {
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
			label = append(label, p.title+" "+report.Millis(*ms))
			at += *ms
		}
	}
	bar.Label = strings.Join(label, ", ")
	return htmlCell{Bar: bar, Text: report.Millis(total), Sort: htmlFloat(total)}
}

// spreads are how long the stages of requests took.
func (h *htmlView) spreads() htmlSection {
	all := h.View.Spreads()
	if len(all) == 0 {
		return htmlSection{}
	}
	t := htmlTable{Caption: render.SpreadTitle, Columns: htmlColumns(render.SpreadColumns())}
	all, t.Rest = htmlCut(all, htmlFew, "stage")
	for _, s := range all {
		row := []htmlCell{{Text: s.Mirror}, {Text: s.Stage}, htmlNumber(float64(len(s.Ordered)), fmt.Sprint(len(s.Ordered)))}
		for _, percent := range render.Percents {
			cell := htmlCell{Text: "–", Sort: "-1"}
			if ms, ok := s.Percentile(percent); ok {
				cell = htmlNumber(ms, report.Millis(ms))
			}
			row = append(row, cell)
		}
		t.Rows = append(t.Rows, append(row, htmlNumber(s.Longest(), report.Millis(s.Longest()))))
	}
	return htmlSection{ID: "spreads", Title: render.SpreadTitle, Tables: []htmlTable{t}, Lines: []string{render.SpreadNote}}
}

// origins are the places where files came from.
func (h *htmlView) origins() htmlSection {
	all := h.View.Origins("in this report")
	if len(all) == 0 {
		return htmlSection{}
	}
	t := htmlTable{Caption: "Where the files came from", Columns: []htmlColumn{
		{Title: "from", Head: true, Code: true}, {Title: "files", Number: true}, {Title: "size", Number: true}, {Title: "time", Number: true}, {Title: "rate", Number: true}, {Title: "remark"},
	}}
	all, t.Rest = htmlCut(all, htmlFew, "place")
	for _, o := range all {
		took := ""
		if o.MS > 0 {
			took = report.Millis(o.MS)
		}
		t.Rows = append(t.Rows, []htmlCell{
			{Text: o.From}, htmlNumber(float64(o.Files), fmt.Sprint(o.Files)), htmlNumber(float64(o.Bytes), o.Size()), htmlNumber(o.MS, took), htmlNumber(o.Rate, report.Rate(o.Rate)), {Text: o.Remark},
		})
	}
	return htmlSection{ID: "origins", Title: "Where the files came from", Tables: []htmlTable{t}}
}

// answers is how often each mirror gave which status code.
func (h *htmlView) answers() htmlSection {
	const title = "HTTP status codes"
	t := htmlTable{Caption: title, Columns: htmlColumns([]render.Column{{Title: "mirror"}, {Title: "answers"}})}
	mirrors, rest := htmlCut(slices.Sorted(maps.Keys(h.Result.StatusCodes)), htmlFew, "mirror")
	t.Rest = rest
	for _, mirror := range mirrors {
		t.Rows = append(t.Rows, []htmlCell{{Text: failure.Plain(mirror)}, {Text: failure.Neutral(render.Answers(h.Result.StatusCodes[mirror]))}})
	}
	if len(t.Rows) == 0 {
		return htmlSection{}
	}
	return htmlSection{ID: "answers", Title: title, Tables: []htmlTable{t}}
}

// periods is what each mirror answered in the course of the run.
func (h *htmlView) periods() htmlSection {
	all := h.View.Periods()
	if len(all) == 0 {
		return htmlSection{}
	}
	t := htmlTable{Caption: render.PeriodTitle, Columns: htmlColumns(render.PeriodColumns())}
	all, t.Rest = htmlCut(all, htmlFew, "span")
	for _, p := range all {
		t.Rows = append(t.Rows, []htmlCell{{Text: p.Mirror}, htmlNumber(p.From, p.Span()), {Text: render.Answers(p.Answers)}})
	}
	return htmlSection{ID: "course", Title: render.PeriodTitle, Lines: []string{render.PeriodNote}, Tables: []htmlTable{t}}
}

// htmlColumns are columns of a table of mirrors.
func htmlColumns(all []render.Column) []htmlColumn {
	list := make([]htmlColumn, len(all))
	for i, c := range all {
		list[i] = htmlColumn{Title: c.Title, Head: i == 0, Code: i == 0, Number: c.Right}
	}
	return list
}
