package html

import (
	"cmp"
	"html"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/render"
)

// writer writes the elements of the page. Every text and attribute goes
// through esc, in element content or between double quotes, so whatever a server
// sends stays text. It is written by hand because html/template calls methods by
// name, which keeps the linker from leaving anything out: 6 MB of program.
type writer struct{ b strings.Builder }

// raw writes parts of the page that are ours.
func (w *writer) raw(parts ...string) {
	for _, p := range parts {
		w.b.WriteString(p)
	}
}

func esc(text string) string { return html.EscapeString(text) }

func attr(name, value string) string {
	if value == "" {
		return ""
	}
	return " " + name + `="` + esc(value) + `"`
}

func (w *writer) page(p Page) {
	title, name, commit := "modferry: "+p.Verdict, p.Project.Name(), p.Project.ShortCommit()
	if name != "" {
		title = strings.TrimSpace(name+" "+commit) + ": modferry " + p.Verdict
	}
	w.raw("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n",
		`<meta http-equiv="Content-Security-Policy"`, attr("content", policy()), "/>\n",
		`<meta name="viewport" content="width=device-width, initial-scale=1"/>`, "\n",
		`<meta name="color-scheme" content="light dark"/>`, "\n",
		`<meta name="referrer" content="no-referrer"/>`, "\n",
		"<title>", esc(title), "</title>\n<style>", style, "</style>\n</head>\n<body>\n",
		`<a class="skip" href="#content">Skip to the content</a>`, "\n<header>\n",
		`<h1>modferry: <span`, attr("class", "tone "+tones[p.Tone]), ">", esc(p.Verdict), "</span></h1>\n")
	w.project(p.Project)
	if p.Lead != "" {
		w.raw(`<p class="lead">`, prose(report.Capital(p.Lead)), ".</p>\n")
	}
	if p.Remark != "" {
		w.raw("<p>", prose(report.Capital(p.Remark)), ".</p>\n")
	}
	w.raw(`<dl class="facts">`, "\n")
	for _, f := range p.Facts {
		w.raw("<div><dt>", esc(f.What), "</dt><dd>", esc(f.Value), "</dd></div>\n")
	}
	w.raw("</dl>\n</header>\n")
	if len(p.Sections) > 0 {
		w.raw("<nav aria-label=\"Sections\">\n<ul>\n")
		for _, s := range p.Sections {
			w.raw("<li><a", attr("href", "#"+s.ID), ">", esc(s.Title), "</a></li>\n")
		}
		if len(p.Details) > 0 {
			w.raw("<li><a href=\"#details\">Details</a></li>\n")
		}
		w.raw("</ul>\n</nav>\n")
	}
	w.raw("<main id=\"content\">\n")
	for _, s := range p.Sections {
		w.raw("<section", attr("aria-labelledby", s.ID), ">\n<h2", attr("id", s.ID), ">", esc(s.Title), "</h2>\n")
		w.section(s)
		w.raw("</section>\n")
	}
	if len(p.Details) > 0 {
		w.raw("<section aria-labelledby=\"details\">\n<h2 id=\"details\">Details</h2>\n")
		for _, s := range p.Details {
			w.raw("<details class=\"fold\"><summary><h3", attr("id", s.ID), ">", esc(counted(s)), "</h3></summary>\n")
			w.section(s)
			w.raw("</details>\n")
		}
		w.raw("</section>\n")
	}
	w.raw("</main>\n<footer>\n<p>", esc(p.Tool), "</p>\n")
	if len(p.Hint.Spans) > 0 {
		w.raw("<p>", spansOf(p.Hint.Spans), "</p>\n")
	}
	w.raw("</footer>\n<script>", script, "</script>\n</body>\n</html>\n")
}

// project writes what the run was for, with a link to the job.
func (w *writer) project(p *report.Project) {
	var parts []string
	if name := p.Name(); name != "" {
		parts = append(parts, "<strong>"+esc(name)+"</strong>")
	}
	if commit := p.ShortCommit(); commit != "" {
		parts = append(parts, "<code>"+esc(commit)+"</code>")
	}
	if p != nil && p.Repository != "" && p.Module != "" {
		parts = append(parts, "<code>"+esc(failure.Plain(p.Module))+"</code>")
	}
	if link := p.Link(); link != "" {
		name := "job"
		if job := failure.Plain(p.Job); job != "" {
			name += " " + job
		}
		parts = append(parts, "<a"+attr("href", link)+">"+esc(name)+"</a>")
	} else if p != nil && p.Job != "" {
		parts = append(parts, "job "+esc(failure.Plain(p.Job)))
	}
	if len(parts) > 0 {
		w.raw(`<p class="project">`, strings.Join(parts, " · "), "</p>\n")
	}
}

// flag is a flag of the command line in escaped text.
var flag = regexp.MustCompile(`(^|[ (])(--[a-z][a-z-]{1,24}[a-z])\b`)

// prose is running text whose flags are code, which is not broken at its
// hyphens.
func prose(text string) string {
	return flag.ReplaceAllString(esc(text), `$1<code class="flag">$2</code>`)
}

// list writes items, each between open and end, which are ours.
func (w *writer) list(class string, items []string, open, end string) {
	if len(items) == 0 {
		return
	}
	w.raw("<ul", attr("class", class), ">\n")
	for _, item := range items {
		w.raw("<li>", open, esc(item), end, "</li>\n")
	}
	w.raw("</ul>\n")
}

// textOf is a line with its label, in upper case where it begins with a word of
// ours.
func textOf(l render.Line) string {
	if l.Label != "" {
		return esc(report.Capital(l.Label)) + ": " + spansOf(l.Spans)
	} else if len(l.Spans) > 0 && !l.Spans[0].Code {
		l.Spans = slices.Clone(l.Spans)
		l.Spans[0].Text = report.Capital(l.Spans[0].Text)
	}
	return spansOf(l.Spans)
}

// counted is the title of what is folded, with how many things it is about.
func counted(s render.Section) string {
	if s.Count > 0 {
		return s.Title + " (" + strconv.Itoa(s.Count) + ")"
	}
	return s.Title
}

// section writes what is below the title of a section.
func (w *writer) section(s render.Section) {
	codes, rest := cut(s.Codes, mostRows, "host")
	groups, further := cut(s.Groups, mostRows, "group")
	for _, line := range append(s.Lines, say(s.Note), say(rest), say(further)) {
		if line.In.Has(render.HTML) && line.Plain() != "" {
			w.raw("<p>", textOf(line), "</p>\n")
		}
	}
	var items []string
	for _, item := range s.Items {
		items = append(items, item.Plain())
	}
	items, rest = cut(items, mostRows, "line")
	if rest != "" {
		items = append(items[:len(items):len(items)], rest)
	}
	w.list("", items, "", "")
	w.list("codes", codes, "<code>", "</code>")
	if len(s.Keys) > 0 {
		w.raw("<ul class=\"keys\">\n")
		for _, k := range s.Keys {
			w.raw(`<li><svg class="key" viewBox="0 0 10 10" aria-hidden="true"><rect`, attr("class", "piece "+k.Class),
				` x="0" width="10"></rect></svg> `, esc(k.Text), "</li>\n")
		}
		w.raw("</ul>\n")
	}
	if s.Curve != nil {
		w.curve(s.Curve)
	}
	room := render.MostFiles
	for _, g := range groups {
		w.group(g, room)
		room = max(room-len(g.Files.Rows), 0)
	}
	for _, t := range s.Tables {
		w.table(t)
	}
}

// curve draws requests and bytes over the run.
func (w *writer) curve(c *render.Curve) {
	w.raw("<figure>\n<figcaption>")
	if c.MostBytesASecond != "" {
		w.raw("<span class=\"bytes\">bandwidth</span>, up to ", esc(c.MostBytesASecond), "; ")
	}
	w.raw("<span class=\"requests\">requests at the same time</span>, up to ", esc(c.MostRequests), "</figcaption>\n",
		`<svg class="curve" viewBox="0 0 1000 100" preserveAspectRatio="none" role="img"`, attr("aria-label", c.Label), ">",
		`<path class="bytes"`, attr("d", c.Bytes), `></path><path class="requests"`, attr("d", c.Requests), "></path></svg>\n")
	w.axis(c.Axis)
	w.raw("</figure>\n")
}

// axis writes the ticks of a scale; the script writes others when it is enlarged.
func (w *writer) axis(a *render.Axis) {
	if a == nil {
		return
	}
	ms := func(x float64) string { return strconv.FormatFloat(x, 'f', 3, 64) }
	w.raw(`<svg class="axis" aria-hidden="true"`, attr("data-from", ms(a.From)), attr("data-to", ms(a.To)), ">")
	for _, t := range a.Ticks {
		w.raw("<line", attr("x1", t.At+"%"), attr("x2", t.At+"%"), ` y1="0" y2="5"></line>`, "<text", attr("x", t.At+"%"), ` y="17"`, attr("class", t.Side()), ">", esc(t.Text), "</text>")
	}
	w.raw("</svg>")
}

// group writes what failed for one reason, at most room files of it, or a remark.
func (w *writer) group(g render.Group, room int) {
	title := g.Title + render.Line{Spans: g.Rest}.Plain()
	tone := cmp.Or(tones[g.Tone], "quiet")
	w.raw("<article", attr("class", tone), ">\n<h3>")
	if g.Link != "" {
		w.raw(`<a`, attr("class", tone), attr("href", g.Link), ">", esc(g.Title), "</a>")
	} else {
		w.raw(`<span`, attr("class", tone), ">", esc(g.Title), "</span>")
	}
	w.raw(spansOf(g.Rest), "</h3>\n")
	notes := append([]render.Line{
		{Label: "What to do", Spans: []render.Span{{Text: g.Remedy}}}, {Label: "Means", Spans: []render.Span{{Text: g.Explain}}}, g.Affected,
	}, g.Notes...)
	t := g.Files
	t.Caption = title
	if t.Rows, t.Rest = cut(t.Rows, room, "file"); len(t.Rows) == 0 {
		notes = append(notes, render.Line{Label: "Files", Spans: []render.Span{{Text: t.Rest}}})
	}
	notes = slices.DeleteFunc(notes, func(l render.Line) bool { return l.Plain() == "" })
	if len(notes) > 0 {
		w.raw(`<dl class="notes">`, "\n")
		for _, n := range notes {
			w.raw("<div><dt>", esc(report.Capital(n.Label)), "</dt><dd>", spansOf(n.Spans), "</dd></div>\n")
		}
		w.raw("</dl>\n")
	}
	if n := len(t.Rows); n > 0 {
		w.raw("<details><summary>", esc(report.Count(n, "file")), "</summary>\n")
		w.table(t)
		w.raw("</details>\n")
	}
	w.raw("</article>\n")
}

// spansOf is running text with its names as code.
func spansOf(spans []render.Span) string {
	var b strings.Builder
	for _, s := range spans {
		if s.Code && s.Text != "" {
			b.WriteString("<code>" + esc(s.Text) + "</code>")
		} else {
			b.WriteString(prose(s.Text))
		}
	}
	return b.String()
}

func (w *writer) table(t render.Table) {
	t = filled(t).For(render.HTML)
	if t.Thing != "" && t.Rest == "" {
		t.Rows, t.Rest = cut(t.Rows, mostRows, t.Thing)
	}
	w.raw(`<div class="box" role="region"`, attr("aria-label", t.Caption), " tabindex=\"0\">\n<table>\n<caption>", esc(t.Caption), "</caption>\n<thead>\n<tr>\n")
	for _, c := range t.Columns {
		class, facet := "", ""
		if c.Number {
			class = "number"
		}
		if c.Facet {
			facet = "1"
		}
		w.raw(`<th scope="col"`, attr("class", class), attr("data-facet", facet), ">", esc(cmp.Or(c.Name, c.Title)), "</th>\n")
	}
	w.raw("</tr>\n")
	if t.Axis != nil {
		w.raw("<tr class=\"scale\">\n")
		for _, c := range t.Columns {
			w.raw("<td>")
			if c.Bar {
				w.axis(t.Axis)
			}
			w.raw("</td>\n")
		}
		w.raw("</tr>\n")
	}
	w.raw("</thead>\n<tbody>\n")
	for _, row := range t.Rows {
		w.raw("<tr>\n")
		for i, cell := range row {
			w.cell(t.Columns[i], cell)
		}
		w.raw("</tr>\n")
	}
	w.raw("</tbody>\n</table>\n</div>\n")
	if t.Rest != "" {
		w.raw(`<p class="rest">`, esc(t.Rest), "</p>\n")
	}
}

// filled is a table without the columns that say nothing of any row.
func filled(t render.Table) render.Table {
	says := func(i int) bool {
		return t.Columns[i].Head || slices.ContainsFunc(t.Rows, func(row []render.Cell) bool { return row[i].Bar != nil || row[i].Plain() != "" })
	}
	kept := t
	kept.Columns, kept.Rows = nil, make([][]render.Cell, len(t.Rows))
	for i, c := range t.Columns {
		if !says(i) {
			continue
		}
		kept.Columns = append(kept.Columns, c)
		for k, row := range t.Rows {
			kept.Rows[k] = append(kept.Rows[k], row[i])
		}
	}
	return kept
}

// cell writes a cell; the title of its column stands before it on a phone.
func (w *writer) cell(c render.Column, x render.Cell) {
	if c.Head {
		w.raw(`<th scope="row"`, attr("class", tones[x.Tone]), ">")
		w.raw(strings.ReplaceAll(esc(x.Plain()), "@", "<wbr/>@")) // rather than within the version
		w.raw("</th>\n")
		return
	}
	class, label := tones[x.Tone], cmp.Or(c.Name, c.Title)
	switch {
	case c.Number:
		class = "number"
	case c.Bar:
		class, label = "times", ""
	case len(x.More) > 0: // it says itself what it counts
		label = ""
	}
	w.raw("<td", attr("class", class), attr("data-label", label), attr("data-sort", x.Sort), ">")
	if c.Code && x.Text != "" {
		w.raw("<code>", esc(x.Text), "</code>")
	} else {
		w.content(x)
	}
	w.raw("</td>\n")
}

// content writes what is in a cell: a bar, or a text, with more folded below it.
func (w *writer) content(x render.Cell) {
	switch {
	case x.Bar != nil:
		w.raw(`<svg class="bar" viewBox="0 0 1000 10" preserveAspectRatio="none" role="img"`, attr("aria-label", x.Bar.Label), "><title>", esc(x.Bar.Label), "</title>")
		for _, p := range x.Bar.Pieces {
			w.raw("<rect", attr("class", "piece "+p.Class), attr("x", p.X), attr("width", p.Width), "></rect>")
		}
		w.raw("</svg>")
	case len(x.More) > 0:
		w.raw("<details><summary>", esc(x.Plain()), "</summary><ol>")
		for _, m := range x.More {
			w.raw("<li>", esc(m), "</li>")
		}
		w.raw("</ol></details>")
	default:
		w.raw(esc(x.Plain()))
	}
}
