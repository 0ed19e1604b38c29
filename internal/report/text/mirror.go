package text

import (
	"fmt"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/render"
)

// mirrors writes the table of probes.
func (t *text) mirrors() {
	if len(t.Result.Mirrors) > 0 {
		t.Heading("Mirrors")
	}
	var rows [][]Span
	for _, m := range t.Result.Mirrors {
		rank := "-"
		if m.Rank > 0 {
			rank = fmt.Sprint(m.Rank)
		}
		rows = append(rows, []Span{
			{Text: rank}, {Text: failure.Plain(m.URL)}, {render.Word(m.State), styleOf(render.StateTone(m.State))},
			{Text: render.Phase(m.DNSMS)}, {Text: render.Phase(m.ConnectMS)}, {Text: render.Phase(m.TLSMS)}, {Text: render.Phase(m.FirstByteMS)},
			{Text: render.Version(m.HTTP)}, {Text: render.ServesSumDB(m.SumDB)}, {Text: render.Remark(m)},
		})
	}
	t.table(2, []render.Column{
		{Title: "#", Right: true}, {Title: "mirror", Flexible: true}, {Title: "state"},
		{Title: "lookup", Right: true, Optional: true}, {Title: "connect", Right: true, Optional: true},
		{Title: "TLS", Right: true, Optional: true}, {Title: "first byte", Right: true},
		{Title: "HTTP", Optional: true}, {Title: "sumdb", Optional: true}, {Title: "remark", Below: true},
	}, rows)
	if s := t.Result.SumDB; s != nil {
		t.Prose(Span{Text: "  checksum database "}, failure.Plain(s.Name)+": "+render.Database(s), 4)
	}
}

// origins writes where the files came from, in the order of a run.
func (t *text) origins() {
	all := t.View.Origins("below")
	if len(all) == 0 {
		return
	}
	var rows [][]Span
	for _, o := range all {
		rows = append(rows, []Span{{Text: o.From}, {Text: report.Count(o.Files, "file")}, {Text: o.Size()}, {Text: report.Rate(o.Rate)}, {Text: o.Remark}})
	}
	t.Heading("Where the files came from")
	t.table(2, []render.Column{{Flexible: true}, {Right: true}, {Right: true}, {Right: true, Optional: true}, {}}, rows)
}

// slowest writes the modules that took longest.
func (t *text) slowest() {
	all := t.View.Slowest()
	if len(all) == 0 {
		return
	}
	var rows [][]Span
	for _, m := range all[:min(len(all), render.Few)] {
		rows = append(rows, []Span{{Text: report.Millis(m.MS)}, {Text: m.Name()}, {Text: report.Bytes(m.Received())}, {Text: failure.Plain(m.Mirror)}, {Text: render.Again(m)}})
	}
	t.Heading("Slowest")
	t.table(2, []render.Column{{Right: true}, {Flexible: true}, {Right: true}, {Optional: true}, {}}, rows)
}

// spreads writes how long the stages of requests took.
func (t *text) spreads() {
	var rows [][]Span
	for _, s := range t.View.Spreads() {
		row := []Span{{Text: s.Mirror}, {Text: s.Stage}}
		for _, cell := range s.Cells() {
			row = append(row, Span{Text: cell})
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return
	}
	t.Heading(render.SpreadTitle)
	t.table(2, render.SpreadColumns(), rows)
	t.Prose(Span{Text: "  "}, render.SpreadNote, 2)
}
