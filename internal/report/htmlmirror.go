package report

import (
	"cmp"
	"fmt"
	"slices"
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

// speeds are the percentiles of the requests that brought a file: the last
// percents are what a build waits for.
func (h *htmlView) speeds() htmlSection {
	by := map[string][]float64{}
	for _, m := range h.r.Modules {
		for _, a := range m.Attempts {
			if a.Class == "" && a.MS > 0 {
				by[a.Mirror] = append(by[a.Mirror], a.MS)
			}
		}
	}
	if len(by) == 0 {
		return htmlSection{}
	}
	t := htmlTable{Caption: "Duration of requests that brought a file", Columns: []htmlColumn{
		{Title: "mirror", Head: true, Code: true}, {Title: "requests", Number: true}, {Title: "p50", Number: true}, {Title: "p95", Number: true}, {Title: "p99", Number: true}, {Title: "longest", Number: true},
	}}
	mirrors, rest := htmlCut(sorted(by), htmlFew, "mirror")
	t.Rest = rest
	for _, mirror := range mirrors {
		all := by[mirror]
		slices.Sort(all)
		row := []htmlCell{{Text: failure.Plain(mirror)}, htmlNumber(float64(len(all)), fmt.Sprint(len(all)))}
		for _, percent := range []int{50, 95, 99, 100} {
			ms := htmlPercentile(all, percent)
			row = append(row, htmlNumber(ms, Millis(ms)))
		}
		t.Rows = append(t.Rows, row)
	}
	return htmlSection{ID: "speeds", Title: "Duration of requests", Tables: []htmlTable{t},
		Lines: []string{"Of the requests that brought a file, half took no longer than p50, 95 of 100 no longer than p95, 99 of 100 no longer than p99."}}
}

// htmlPercentile is the smallest of the ordered values that percent of them do
// not exceed: one that was measured, not one between two.
func htmlPercentile(ordered []float64, percent int) float64 {
	return ordered[max((len(ordered)*percent+99)/100, 1)-1]
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
	t := htmlTable{Caption: "HTTP status codes", Columns: []htmlColumn{{Title: "mirror", Head: true, Code: true}, {Title: "answers"}}}
	mirrors, rest := htmlCut(sorted(h.r.StatusCodes), htmlFew, "mirror")
	t.Rest = rest
	for _, mirror := range mirrors {
		t.Rows = append(t.Rows, []htmlCell{{Text: failure.Plain(mirror)}, {Text: failure.Neutral(answers(h.r.StatusCodes[mirror]))}})
	}
	if len(t.Rows) == 0 {
		return htmlSection{}
	}
	return htmlSection{ID: "answers", Title: "HTTP status codes", Tables: []htmlTable{t}}
}
