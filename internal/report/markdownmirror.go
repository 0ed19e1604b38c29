package report

import (
	"fmt"
	"strings"

	"github.com/modferry/modferry/internal/failure"
)

// mirrors adds the table of probes. It is folded when there was nothing to do.
func (m *markdown) mirrors() {
	if len(m.r.Mirrors) == 0 && m.r.SumDB == nil {
		return
	}
	var rows [][]string
	var remarks []string
	for _, x := range m.r.Mirrors {
		rank := "–"
		if x.Rank > 0 {
			rank = fmt.Sprint(x.Rank)
		}
		rows = append(rows, []string{
			rank, code(failure.Plain(x.URL)), unbroken(stateStyle(x.State).sign() + " " + escape(word(x.State))),
			unbroken(phase(x.DNSMS)), unbroken(phase(x.ConnectMS)), unbroken(phase(x.TLSMS)), unbroken(phase(x.FirstByteMS)),
			escape(version(x.HTTP)), sumdb(x.SumDB),
		})
		// Not in the table, where a long text makes all columns narrow.
		if s := remark(x); s != "" {
			remarks = append(remarks, code(failure.Plain(x.URL))+": "+escape(s))
		}
	}
	body := ""
	if len(rows) > 0 {
		body = tableOf([]column{
			{title: "#", right: true}, {title: "mirror"}, {title: "state"}, {title: "lookup", right: true}, {title: "connect", right: true},
			{title: "TLS", right: true}, {title: "first byte", right: true}, {title: "HTTP"}, {title: "sumdb"},
		}, rows) + "\n"
	}
	if s := m.r.SumDB; s != nil {
		remarks = append(remarks, "checksum database "+code(failure.Plain(s.Name))+": "+escape(database(s)))
	}
	body += list(remarks)
	if m.idle() {
		m.add(mirrorTable, fold("Mirrors", body))
		return
	}
	m.add(mirrorTable, section("Mirrors", body))
}

// cache adds what a restore did, what it did not let in, and what was saved.
func (m *markdown) cache() {
	c := m.r.Cache
	if !c.used() {
		return
	}
	line := code(failure.Plain(c.Store)) + ": " + escape(restored(c))
	if c.Modules > 0 || c.Bytes > 0 {
		line += fmt.Sprintf("; %s, %s", count(c.Modules, "file"), Bytes(c.Bytes))
	}
	if c.Scope != "" {
		line += "; scope " + code(word(c.Scope))
	}
	if c.Key != "" {
		line += "; key " + code(failure.Plain(c.Key))
	}
	lines := []string{line}
	if c.Reason != "" {
		lines = append(lines, escape(failure.Plain(c.Reason)))
	}
	if s := c.Saved; s != nil {
		lines = append(lines, escape(m.saveState()))
		if s.Index != "" {
			lines = append(lines, "index "+code(failure.Plain(s.Index)))
		}
	}
	if n := len(c.Rejected); n > 0 {
		lines = append(lines, escape(refused(c)))
		for _, r := range c.Rejected[:min(n, few)] {
			lines = append(lines, escape(failure.Plain(r)))
		}
		if n > few {
			lines = append(lines, fmt.Sprintf("and %d more", n-few))
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
	all := m.view.origins(failures)
	if len(all) == 0 {
		return
	}
	var rows [][]string
	for _, o := range all {
		took, from := "", escape(o.from)
		if o.mirror {
			from = code(o.from)
		}
		if o.ms > 0 {
			took = Millis(o.ms)
		}
		rows = append(rows, []string{from, fmt.Sprint(o.files), unbroken(o.size()), unbroken(took), unbroken(Rate(o.rate)), escape(o.remark)})
	}
	m.add(whereFrom, section("Where the files came from", tableOf([]column{
		{title: "from"}, {title: "files", right: true}, {title: "size", right: true}, {title: "time", right: true},
		{title: "rate", right: true}, {title: "remark"},
	}, rows)))
}

// answers adds how often each mirror gave which status code.
func (m *markdown) answers() {
	var rows [][]string
	for _, mirror := range sorted(m.r.StatusCodes) {
		rows = append(rows, []string{code(failure.Plain(mirror)), escape(answers(m.r.StatusCodes[mirror]))})
	}
	if len(rows) > 0 {
		m.add(statusCodes, fold("HTTP status codes", tableOf([]column{{title: "mirror"}, {title: "answers"}}, rows)))
	}
}

// periods adds what each mirror answered in the course of the run.
func (m *markdown) periods() {
	var rows [][]string
	for _, w := range m.view.periods() {
		rows = append(rows, []string{code(w.mirror), unbroken(w.span()), escape(answers(w.answers))})
	}
	if len(rows) > 0 {
		m.add(courseOfRun, fold(periodTitle, tableOf(periodColumns(), rows)+"\n"+periodNote+"\n"))
	}
}

// spreads adds how long the stages of requests took.
func (m *markdown) spreads() {
	var rows [][]string
	for _, s := range m.view.spreads() {
		row := []string{code(s.mirror), s.stage}
		for _, cell := range s.cells() {
			row = append(row, unbroken(cell))
		}
		rows = append(rows, row)
	}
	if len(rows) > 0 {
		m.add(durationTable, fold(spreadTitle, tableOf(spreadColumns(), rows)+"\n"+spreadNote+"\n"))
	}
}

// contacted adds the hosts, one in a line, as allow-lists want them, and what
// each was contacted for.
func (m *markdown) contacted() {
	if text := contacted(&m.view, "Hosts contacted (%d), for an allow-list of outgoing connections"); text != "" {
		m.add(hostList, text)
	}
}

// contacted is the hosts below a title that counts them, "" when there are none.
func contacted(v *view, title string) string {
	hosts := v.hosts()
	if len(hosts) == 0 {
		return ""
	}
	body := fence(hosts...)
	var uses []string
	for _, use := range v.hostUses() {
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
	for _, s := range m.view.settings() {
		rows = append(rows, []string{code(s.name), code(s.value), escape(s.source)})
	}
	if len(rows) > 0 {
		body := tableOf([]column{{title: "setting"}, {title: "value"}, {title: "from"}}, rows)
		if tool := strings.TrimSpace(failure.Neutral(m.r.Tool)); tool != "" {
			body += "\n" + escape(tool) + "\n"
		}
		m.add(usedSettings, fold("Settings", body))
	}
}
