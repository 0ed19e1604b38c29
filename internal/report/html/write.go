package html

import (
	"html"
	"regexp"
	"strings"
)

// htmlWriter writes the elements of the page. Every text and attribute goes
// through esc, in element content or between double quotes, so whatever a server
// sends stays text. It is written by hand because html/template calls methods by
// name, which keeps the linker from leaving anything out: 6 MB of program.
type htmlWriter struct{ b strings.Builder }

// raw writes parts of the page that are ours.
func (w *htmlWriter) raw(parts ...string) {
	for _, p := range parts {
		w.b.WriteString(p)
	}
}

func esc(text string) string { return html.EscapeString(text) }

// attr is an attribute, "" for an empty value.
func attr(name, value string) string {
	if value == "" {
		return ""
	}
	return " " + name + `="` + esc(value) + `"`
}

func (w *htmlWriter) page(p htmlPage) {
	w.raw("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n",
		`<meta http-equiv="Content-Security-Policy"`, attr("content", p.Policy), "/>\n",
		`<meta name="viewport" content="width=device-width, initial-scale=1"/>`, "\n",
		`<meta name="color-scheme" content="light dark"/>`, "\n",
		`<meta name="referrer" content="no-referrer"/>`, "\n",
		"<title>modferry: ", esc(p.Verdict), "</title>\n<style>", p.Style, "</style>\n</head>\n<body>\n",
		`<a class="skip" href="#content">Skip to the content</a>`, "\n<header>\n",
		`<h1>modferry: <span`, attr("class", "tone "+p.Tone), ">", esc(p.Verdict), "</span></h1>\n")
	if p.Clause != "" {
		w.raw(`<p class="lead">`, esc(p.Clause), "</p>\n")
	}
	if p.Remark != "" {
		w.raw("<p>", esc(p.Remark), "</p>\n")
	}
	w.pairs("facts", p.Facts)
	w.raw("</header>\n")
	if len(p.Sections) > 0 {
		w.raw("<nav aria-label=\"Sections\">\n<ul>\n")
		for _, s := range p.Sections {
			w.raw("<li><a", attr("href", "#"+s.ID), ">", esc(s.Title), "</a></li>\n")
		}
		w.raw("</ul>\n</nav>\n")
	}
	w.raw("<main id=\"content\">\n")
	for _, s := range p.Sections {
		w.section(s)
	}
	w.raw("</main>\n<footer>\n<p>", esc(p.Tool))
	if p.Started != "" {
		w.raw(", started ", esc(p.Started))
	}
	w.raw("</p>\n</footer>\n<script>", p.Script, "</script>\n</body>\n</html>\n")
}

// pairs writes terms and what they stand for.
func (w *htmlWriter) pairs(class string, all []htmlPair) {
	w.raw("<dl", attr("class", class), ">\n")
	for _, p := range all {
		w.raw("<div><dt>", esc(p.Term), "</dt><dd>", prose(p.Text), "</dd></div>\n")
	}
	w.raw("</dl>\n")
}

// flag is a flag of the command line in escaped text.
var flag = regexp.MustCompile(`(^|[ (])(--[a-z][a-z-]{1,24}[a-z])\b`)

// prose is running text whose flags are code, which is not broken at its
// hyphens.
func prose(text string) string { return flag.ReplaceAllString(esc(text), "$1<code>$2</code>") }

// list writes items, each between open and end, which are ours.
func (w *htmlWriter) list(class string, items []string, open, end string) {
	if len(items) == 0 {
		return
	}
	w.raw("<ul", attr("class", class), ">\n")
	for _, item := range items {
		w.raw("<li>", open, esc(item), end, "</li>\n")
	}
	w.raw("</ul>\n")
}

func (w *htmlWriter) section(s htmlSection) {
	w.raw("<section", attr("aria-labelledby", s.ID), ">\n<h2", attr("id", s.ID), ">", esc(s.Title), "</h2>\n")
	for _, line := range s.Lines {
		w.raw("<p>", esc(line), "</p>\n")
	}
	w.list("", s.List, "", "")
	w.list("codes", s.Codes, "<code>", "</code>")
	if len(s.Keys) > 0 {
		w.raw("<ul class=\"keys\">\n")
		for _, k := range s.Keys {
			w.raw(`<li><svg class="key" viewBox="0 0 10 10" aria-hidden="true"><rect`, attr("class", "piece "+k.Class),
				` x="0" width="10"></rect></svg> `, esc(k.Text), "</li>\n")
		}
		w.raw("</ul>\n")
	}
	for _, g := range s.Groups {
		w.raw("<article>\n<h3", attr("class", g.Tone), ">", esc(g.Title), "</h3>\n")
		w.pairs("notes", g.Notes)
		for _, t := range g.Tables {
			w.table(t)
		}
		w.raw("</article>\n")
	}
	for _, t := range s.Tables {
		w.table(t)
	}
	w.raw("</section>\n")
}

func (w *htmlWriter) table(t htmlTable) {
	w.raw(`<div class="box" role="region"`, attr("aria-label", t.Caption), " tabindex=\"0\">\n<table>\n<caption>", esc(t.Caption), "</caption>\n<thead>\n<tr>\n")
	for _, c := range t.Columns {
		class := ""
		if c.Number {
			class = "number"
		}
		w.raw(`<th scope="col"`, attr("class", class), ">", esc(c.Title), "</th>\n")
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

func (w *htmlWriter) cell(c htmlColumn, x htmlCell) {
	if c.Head {
		w.raw(`<th scope="row"`, attr("class", x.Tone), ">")
		w.content(x)
		w.raw("</th>\n")
		return
	}
	class := x.Tone
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
func (w *htmlWriter) content(x htmlCell) {
	switch {
	case x.Bar != nil:
		w.raw(`<svg class="bar" viewBox="0 0 1000 10" preserveAspectRatio="none" role="img"`, attr("aria-label", x.Bar.Label), "><title>", esc(x.Bar.Label), "</title>")
		for _, p := range x.Bar.Pieces {
			w.raw("<rect", attr("class", "piece "+p.Class), attr("x", p.X), attr("width", p.Width), "></rect>")
		}
		w.raw("</svg>")
	case len(x.More) > 0:
		w.raw("<details><summary>", esc(x.Text), "</summary><ol>")
		for _, m := range x.More {
			w.raw("<li>", esc(m), "</li>")
		}
		w.raw("</ol></details>")
	default:
		w.raw(esc(x.Text))
	}
}
