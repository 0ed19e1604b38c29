package markdown

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/render"
)

// mirrors adds the table of probes. It is folded when there was nothing to do.
func (m *markdown) mirrors() {
	if len(m.Result.Mirrors) == 0 && m.Result.SumDB == nil {
		return
	}
	var rows [][]string
	var remarks []string
	for _, x := range m.Result.Mirrors {
		rank := "–"
		if x.Rank > 0 {
			rank = fmt.Sprint(x.Rank)
		}
		rows = append(rows, []string{
			rank, code(failure.Plain(x.URL)), unbroken(sign(render.StateTone(x.State)) + " " + escape(render.Word(x.State))),
			unbroken(render.Phase(x.DNSMS)), unbroken(render.Phase(x.ConnectMS)), unbroken(render.Phase(x.TLSMS)), unbroken(render.Phase(x.FirstByteMS)),
			escape(render.Version(x.HTTP)), render.ServesSumDB(x.SumDB),
		})
		// Not in the table, where a long text makes all columns narrow.
		if s := render.Remark(x); s != "" {
			remarks = append(remarks, code(failure.Plain(x.URL))+": "+escape(s))
		}
	}
	body := ""
	if len(rows) > 0 {
		body = tableOf([]render.Column{
			{Title: "#", Right: true}, {Title: "mirror"}, {Title: "state"}, {Title: "lookup", Right: true}, {Title: "connect", Right: true},
			{Title: "TLS", Right: true}, {Title: "first byte", Right: true}, {Title: "HTTP"}, {Title: "sumdb"},
		}, rows) + "\n"
	}
	if s := m.Result.SumDB; s != nil {
		remarks = append(remarks, "checksum database "+code(failure.Plain(s.Name))+": "+escape(render.Database(s)))
	}
	body += list(remarks)
	if m.Idle() {
		m.add(mirrorTable, fold("Mirrors", body))
		return
	}
	m.add(mirrorTable, section("Mirrors", body))
}

// cache adds what a restore did, what it did not let in, and what was saved.
func (m *markdown) cache() {
	c := m.Result.Cache
	if !c.Used() {
		return
	}
	line := code(failure.Plain(c.Store)) + ": " + escape(render.Restored(c))
	if c.Modules > 0 || c.Bytes > 0 {
		line += fmt.Sprintf("; %s, %s", report.Count(c.Modules, "file"), report.Bytes(c.Bytes))
	}
	if c.Scope != "" {
		line += "; scope " + code(render.Word(c.Scope))
	}
	if c.Key != "" {
		line += "; key " + code(failure.Plain(c.Key))
	}
	lines := []string{line}
	if c.Reason != "" {
		lines = append(lines, escape(failure.Plain(c.Reason)))
	}
	if s := c.Saved; s != nil {
		lines = append(lines, escape(m.SaveState()))
		if s.Index != "" {
			lines = append(lines, "index "+code(failure.Plain(s.Index)))
		}
	}
	if n := len(c.Rejected); n > 0 {
		lines = append(lines, escape(render.Refused(c)))
		for _, r := range c.Rejected[:min(n, render.Few)] {
			lines = append(lines, escape(failure.Plain(r)))
		}
		if n > render.Few {
			lines = append(lines, fmt.Sprintf("and %d more", n-render.Few))
		}
	}
	m.add(fromCache, section("Cache", list(lines)))
}

// origins adds what came from where.
func (m *markdown) origins() {
	failures := "above"
	if m.fine() {
		failures = "below"
	}
	all := m.View.Origins(failures)
	if len(all) == 0 {
		return
	}
	var rows [][]string
	for _, o := range all {
		took, from := "", escape(o.From)
		if o.Mirror {
			from = code(o.From)
		}
		if o.MS > 0 {
			took = report.Millis(o.MS)
		}
		rows = append(rows, []string{from, fmt.Sprint(o.Files), unbroken(o.Size()), unbroken(took), unbroken(report.Rate(o.Rate)), escape(o.Remark)})
	}
	m.add(whereFrom, section("Where the files came from", tableOf([]render.Column{
		{Title: "from"}, {Title: "files", Right: true}, {Title: "size", Right: true}, {Title: "time", Right: true},
		{Title: "rate", Right: true}, {Title: "remark"},
	}, rows)))
}

// answers adds how often each mirror gave which status code.
func (m *markdown) answers() {
	var rows [][]string
	for _, mirror := range slices.Sorted(maps.Keys(m.Result.StatusCodes)) {
		rows = append(rows, []string{code(failure.Plain(mirror)), escape(render.Answers(m.Result.StatusCodes[mirror]))})
	}
	if len(rows) > 0 {
		m.add(statusCodes, fold("HTTP status codes", tableOf([]render.Column{{Title: "mirror"}, {Title: "answers"}}, rows)))
	}
}

// periods adds what each mirror answered in the course of the run.
func (m *markdown) periods() {
	var rows [][]string
	for _, w := range m.View.Periods() {
		rows = append(rows, []string{code(w.Mirror), unbroken(w.Span()), escape(render.Answers(w.Answers))})
	}
	if len(rows) > 0 {
		m.add(courseOfRun, fold(render.PeriodTitle, tableOf(render.PeriodColumns(), rows)+"\n"+render.PeriodNote+"\n"))
	}
}

// spreads adds how long the stages of requests took.
func (m *markdown) spreads() {
	var rows [][]string
	for _, s := range m.View.Spreads() {
		row := []string{code(s.Mirror), s.Stage}
		for _, cell := range s.Cells() {
			row = append(row, unbroken(cell))
		}
		rows = append(rows, row)
	}
	if len(rows) > 0 {
		m.add(durationTable, fold(render.SpreadTitle, tableOf(render.SpreadColumns(), rows)+"\n"+render.SpreadNote+"\n"))
	}
}

// contacted adds the hosts, one in a line, as allow-lists want them, and what
// each was contacted for.
func (m *markdown) contacted() {
	if text := contacted(m.View, "Hosts contacted (%d), for an allow-list of outgoing connections"); text != "" {
		m.add(hostList, text)
	}
}

// contacted is the hosts below a title that counts them, "" when there are none.
func contacted(v *render.View, title string) string {
	hosts := v.Hosts()
	if len(hosts) == 0 {
		return ""
	}
	body := fence(hosts...)
	var uses []string
	for _, use := range v.HostUses() {
		uses = append(uses, escape(use))
	}
	if len(uses) > 0 {
		body += "\n" + list(uses)
	}
	return fold(fmt.Sprintf(title, len(hosts)), body)
}

// settings adds the go command's settings of the run and their sources.
func (m *markdown) settings() {
	var rows [][]string
	for _, s := range m.View.Settings() {
		rows = append(rows, []string{code(s.Name), code(s.Value), escape(s.Source)})
	}
	if len(rows) > 0 {
		body := tableOf([]render.Column{{Title: "setting"}, {Title: "value"}, {Title: "from"}}, rows)
		if tool := strings.TrimSpace(failure.Neutral(m.Result.Tool)); tool != "" {
			body += "\n" + escape(tool) + "\n"
		}
		m.add(usedSettings, fold("Settings", body))
	}
}
