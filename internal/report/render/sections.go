package render

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
)

// Chain is the chosen chain and why it is this one.
func (v *View) Chain() Section {
	c := v.Result.Choice
	if c.Chain == "" {
		return Section{}
	}
	s := Section{ID: "chain", Title: "Chain", Codes: []string{failure.Plain(c.Chain)}}
	switch {
	case c.Configured == c.Chain && len(c.Reasons) == 0:
		s.Lines = append(s.Lines, Line{Spans: []Span{say("as configured")}, In: Markdown})
	case c.Configured != "" && c.Configured != c.Chain:
		s.Lines = append(s.Lines, Line{Label: "configured", Spans: []Span{name(failure.Plain(c.Configured))}})
	}
	for _, reason := range c.Reasons {
		s.Items = append(s.Items, line(say(failure.Plain(reason))))
	}
	return s
}

// Mirrors is the table of probes and the checksum database.
func (v *View) Mirrors() Section {
	if len(v.Result.Mirrors) == 0 && v.Result.SumDB == nil {
		return Section{}
	}
	s := Section{ID: "mirrors", Title: "Mirrors"}
	if len(v.Result.Mirrors) > 0 {
		for _, p := range Phases {
			s.Keys = append(s.Keys, Key{p.Key, p.Name})
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
		t.Columns = append(t.Columns, Column{Title: p.Name, Number: true, Optional: p.connects, Dash: HTML})
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
		row := []Cell{rank, {Text: failure.Plain(m.URL)}, {Text: Word(m.State), Tone: stateTone(m.State)}, probe(m, longest)}
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
	bar := &Bar{to: longest}
	var label []string
	at := 0.0
	for _, p := range Phases {
		if ms := p.OfProbe(m); ms != nil && *ms > 0 {
			bar.add(p.Key, at, *ms)
			label = append(label, p.Name+" "+report.Millis(*ms))
			at += *ms
		}
	}
	bar.Label = strings.Join(label, ", ")
	return Cell{Bar: bar, Sort: sortBy(total)}
}

// Spreads is how long the stages of requests took.
func (v *View) Spreads() Section {
	t := Table{Thing: "stage", Columns: []Column{
		{Title: "mirror", Head: true, Code: true, Flexible: true}, {Title: "stage"}, {Title: "requests", Number: true},
	}}
	for _, p := range Percents {
		t.Columns = append(t.Columns, Column{Title: fmt.Sprintf("p%d", p), Number: true})
	}
	t.Columns = append(t.Columns, Column{Title: "longest", Number: true})
	for _, s := range v.Durations() {
		row := []Cell{{Text: s.Mirror}, {Text: s.Stage}, counted(len(s.Ordered))}
		for _, p := range Percents {
			cell := Cell{Text: "–", Sort: "-1"}
			if ms, ok := s.Percentile(p); ok {
				cell = number(ms, report.Millis(ms))
			}
			row = append(row, cell)
		}
		t.Rows = append(t.Rows, append(row, number(s.longest(), report.Millis(s.longest()))))
	}
	s := tabled("spreads", "Durations of requests", t)
	s.Note = "Half of the requests took no longer than p50, 95 of 100 no longer than p95, 99 of 100 no longer than p99; – means too few to tell. " +
		"First byte counts all requests that were answered, whole file those that brought one."
	return s
}

// Answers is how often each mirror gave which status code.
func (v *View) Answers() Section {
	t := Table{Thing: "mirror", Bare: true, Columns: []Column{{Title: "mirror", Head: true, Code: true, Flexible: true}, {Title: "answers", Below: true}}}
	for _, mirror := range slices.Sorted(maps.Keys(v.Result.StatusCodes)) {
		t.Rows = append(t.Rows, []Cell{{Text: failure.Plain(mirror)}, {Text: answers(v.Result.StatusCodes[mirror])}})
	}
	return tabled("answers", "HTTP status codes", t)
}

// Hosts is every host contacted, as allow-lists want them, and what each was
// contacted for.
func (v *View) Hosts() Section {
	if len(v.Result.Hosts) == 0 {
		return Section{}
	}
	s := Section{ID: "hosts", Title: "Hosts contacted", Count: len(v.Result.Hosts),
		Note: "Redirects are included: this is what an allow-list for outgoing connections needs."}
	for _, h := range v.Result.Hosts {
		s.Codes = append(s.Codes, failure.Plain(h))
		if uses := v.Result.HostUses[h]; len(uses) > 0 {
			s.Items = append(s.Items, line(say(failure.Plain(h+": "+strings.Join(uses, ", ")))))
		}
	}
	for _, what := range v.Result.Uncontacted {
		s.Items = append(s.Items, line(say("not contacted: "+failure.Plain(what))))
	}
	return s
}

// UsedSettings is the go command's settings of the run and their sources.
func (v *View) UsedSettings() Section {
	t := Table{Caption: "Settings of the go command", Bare: true, Columns: []Column{
		{Title: "setting", Head: true, Code: true}, {Title: "value", Code: true, Flexible: true}, {Title: "from", Faint: true, Dash: HTML},
	}}
	for _, x := range v.Settings() {
		t.Rows = append(t.Rows, []Cell{{Text: x.Name}, {Text: x.Value}, {Text: strings.TrimSpace(x.Source)}})
	}
	return tabled("settings", "Settings", t)
}
