package html

import (
	"cmp"
	"html"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/modferry/modferry/internal/failure"
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

func (w *writer) page(v *view) {
	verdict, tone := v.Verdict()
	clause, remark := v.Says()
	sections := v.sections()
	w.raw("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n",
		`<meta http-equiv="Content-Security-Policy"`, attr("content", policy()), "/>\n",
		`<meta name="viewport" content="width=device-width, initial-scale=1"/>`, "\n",
		`<meta name="color-scheme" content="light dark"/>`, "\n",
		`<meta name="referrer" content="no-referrer"/>`, "\n",
		"<title>modferry: ", esc(verdict), "</title>\n<style>", style, "</style>\n</head>\n<body>\n",
		`<a class="skip" href="#content">Skip to the content</a>`, "\n<header>\n",
		`<h1>modferry: <span`, attr("class", "tone "+tones[tone]), ">", esc(verdict), "</span></h1>\n")
	if clause != "" {
		w.raw(`<p class="lead">`, esc(clause), "</p>\n")
	}
	if remark != "" {
		w.raw("<p>", esc(remark), "</p>\n")
	}
	w.pairs("facts", v.facts())
	w.raw("</header>\n")
	if len(sections) > 0 {
		w.raw("<nav aria-label=\"Sections\">\n<ul>\n")
		for _, s := range sections {
			w.raw("<li><a", attr("href", "#"+s.ID), ">", esc(s.Title), "</a></li>\n")
		}
		w.raw("</ul>\n</nav>\n")
	}
	w.raw("<main id=\"content\">\n")
	for _, s := range sections {
		w.section(s)
	}
	w.raw("</main>\n<footer>\n<p>", esc(failure.Plain(v.Result.Tool)))
	if started := failure.Plain(v.Result.Started); started != "" {
		w.raw(", started ", esc(started))
	}
	w.raw("</p>\n</footer>\n<script>", script, "</script>\n</body>\n</html>\n")
}

func (w *writer) pairs(class string, all []pair) {
	w.raw("<dl", attr("class", class), ">\n")
	for _, p := range all {
		w.raw("<div><dt>", esc(p.term), "</dt><dd>", prose(p.text), "</dd></div>\n")
	}
	w.raw("</dl>\n")
}

// flag is a flag of the command line in escaped text.
var flag = regexp.MustCompile(`(^|[ (])(--[a-z][a-z-]{1,24}[a-z])\b`)

// prose is running text whose flags are code, which is not broken at its
// hyphens.
func prose(text string) string { return flag.ReplaceAllString(esc(text), "$1<code>$2</code>") }

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
	text := l.Plain()
	if l.Label != "" {
		return capital(l.Label) + ": " + text
	} else if len(l.Spans) > 0 && l.Spans[0].Code {
		return text
	}
	return capital(text)
}

func capital(text string) string {
	r, n := utf8.DecodeRuneInString(text)
	if n == 0 {
		return ""
	}
	return string(unicode.ToUpper(r)) + text[n:]
}

func (w *writer) section(s render.Section) {
	w.raw("<section", attr("aria-labelledby", s.ID), ">\n<h2", attr("id", s.ID), ">", esc(s.Title), "</h2>\n")
	codes, rest := cut(s.Codes, mostRows, "host")
	groups, further := cut(s.Groups, mostRows, "group")
	for _, line := range append(s.Lines, say(s.Note), say(rest), say(further)) {
		if text := textOf(line); line.In.Has(render.HTML) && text != "" {
			w.raw("<p>", esc(text), "</p>\n")
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
	room := render.MostFiles
	for _, g := range groups {
		w.group(g, room)
		room = max(room-len(g.Files.Rows), 0)
	}
	for _, t := range s.Tables {
		w.table(t)
	}
	w.raw("</section>\n")
}

// group writes files that failed for one reason, at most room of them.
func (w *writer) group(g render.Group, room int) {
	title := g.Title + render.Line{Spans: g.Rest}.Plain()
	w.raw("<article>\n<h3 class=\"bad\">", esc(title), "</h3>\n")
	var notes []pair
	for _, n := range g.Notes {
		notes = append(notes, pair{capital(n.Label), n.Plain()})
	}
	notes = append([]pair{{"What to do", g.Remedy}, {"Means", g.Explain}, {"Missing", g.Affected.Plain()}}, notes...)
	t := g.Files
	t.Caption = title
	if t.Rows, t.Rest = cut(t.Rows, room, "file"); len(t.Rows) == 0 {
		notes = append(notes, pair{"Files", t.Rest})
	}
	w.pairs("notes", slices.DeleteFunc(notes, func(p pair) bool { return p.text == "" }))
	if len(t.Rows) > 0 {
		w.table(t)
	}
	w.raw("</article>\n")
}

func (w *writer) table(t render.Table) {
	t = t.For(render.HTML)
	if t.Thing != "" && t.Rest == "" {
		t.Rows, t.Rest = cut(t.Rows, mostRows, t.Thing)
	}
	w.raw(`<div class="box" role="region"`, attr("aria-label", t.Caption), " tabindex=\"0\">\n<table>\n<caption>", esc(t.Caption), "</caption>\n<thead>\n<tr>\n")
	for _, c := range t.Columns {
		class := ""
		if c.Number {
			class = "number"
		}
		w.raw(`<th scope="col"`, attr("class", class), ">", esc(cmp.Or(c.Name, c.Title)), "</th>\n")
	}
	w.raw("</tr>\n</thead>\n<tbody>\n")
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

func (w *writer) cell(c render.Column, x render.Cell) {
	if c.Head {
		w.raw(`<th scope="row"`, attr("class", tones[x.Tone]), ">")
		w.content(x)
		w.raw("</th>\n")
		return
	}
	class := tones[x.Tone]
	switch {
	case c.Number:
		class = "number"
	case c.Bar:
		class = "times"
	}
	w.raw("<td", attr("class", class), attr("data-sort", x.Sort), ">")
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
