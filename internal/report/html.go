package report

import (
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"io"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
)

// The parts of the page.
var (
	//go:embed html.css
	htmlStyle string
	//go:embed html.js
	htmlScript string
)

// HTML renders r as one page that needs nothing else: no other file, no host,
// and no script to be read. Its script only sorts and filters tables, and its
// policy lets the browser run and fetch nothing but what is in the page.
//
// Whatever a server sends stays text (see htmlWriter). A table of more rows than a browser likes is cut, and says
// what it leaves out.
func HTML(w io.Writer, r *Result) error {
	var page htmlWriter
	page.page(htmlPageOf(r))
	if _, err := io.WriteString(w, page.b.String()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// htmlPage is what the page shows. Every text is neutral.
type htmlPage struct {
	Policy         string
	Style, Script  string // ours
	Verdict, Tone  string // Tone is the class of its colour
	Clause, Remark string
	Tool, Started  string
	Facts          []htmlPair
	Sections       []htmlSection
}

// htmlPair is a term and what it stands for.
type htmlPair struct{ Term, Text string }

// htmlSection is one part of the page, below a heading of its own.
type htmlSection struct {
	ID, Title string
	Lines     []string // paragraphs
	Keys      []htmlKey
	Groups    []htmlGroup
	Tables    []htmlTable
	List      []string
	Codes     []string // a list in the form of code
}

// htmlGroup is a part of a section, below a heading of the third level.
type htmlGroup struct {
	Tone, Title string
	Notes       []htmlPair
	Tables      []htmlTable
}

// htmlKey explains a colour of bars.
type htmlKey struct{ Class, Text string }

// htmlColumn is how the cells of a column look.
type htmlColumn struct {
	Title  string
	Head   bool // names the row
	Code   bool
	Number bool
	Bar    bool
}

// htmlCell is a text and, where its order is another, the number to sort by.
type htmlCell struct {
	Text string
	Sort string
	Tone string
	Bar  *htmlBar
	More []string // folded below the text
}

// htmlTable is a table; Rest says what it leaves out.
type htmlTable struct {
	Caption string
	Columns []htmlColumn
	Rows    [][]htmlCell
	Rest    string
}

// The most rows of tables. A browser takes seconds for some ten thousand.
const (
	htmlRows  = 500  // of downloads, each with a bar
	htmlFiles = 2000 // of files, in words
	htmlFew   = 200  // of everything else
)

// htmlCut keeps the first few of a list, and says how many it left out.
func htmlCut[T any](all []T, most int, thing string) (kept []T, rest string) {
	if len(all) <= most {
		return all, ""
	}
	return all[:most], fmt.Sprintf("and %d more of %s, not shown", len(all)-most, count(len(all), thing))
}

// htmlPageOf collects what is to be shown, in the order of a reader's questions:
// what became of the run, what is to be done, and how it came about.
func htmlPageOf(r *Result) htmlPage {
	h := &htmlView{viewOf(r)}
	word, tone := h.verdict()
	clause, remark := h.says()
	p := htmlPage{
		Policy: htmlPolicy(), Style: htmlStyle, Script: htmlScript,
		Verdict: word, Tone: htmlTone(tone), Clause: clause, Remark: remark,
		Tool: failure.Plain(r.Tool), Started: failure.Plain(r.Started), Facts: h.facts(),
	}
	for _, part := range []func() htmlSection{
		h.failures, h.findings, h.mirrors, h.origins, h.downloads, h.retried, h.cache, h.deferred, h.spreads, h.answers, h.periods, h.hosts, h.files, h.settings,
	} {
		if s := part(); s.ID != "" {
			p.Sections = append(p.Sections, s)
		}
	}
	return p
}

// htmlView is a rendering under way. A part that has nothing to show is an empty
// section.
type htmlView struct{ view }

// htmlPolicy allows the style and the script of the page, by their hashes, and
// nothing else. Bars have no style attributes, which it would not allow.
func htmlPolicy() string {
	hash := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; style-src " + hash(htmlStyle) + "; script-src " + hash(htmlScript) + "; base-uri 'none'; form-action 'none'"
}

func htmlTone(s style) string {
	switch s {
	case green:
		return "good"
	case yellow:
		return "fair"
	case red:
		return "bad"
	}
	return ""
}

// facts are the numbers that most readers look for.
func (h *htmlView) facts() []htmlPair {
	c := h.tally
	facts := []htmlPair{}
	for _, x := range []struct {
		n    int
		term string
	}{
		{c.all, "files needed"}, {c.present, "there already"}, {c.cached, "from the cache"}, {c.fetched, "from mirrors"},
		{c.deferred, "left to the go command"}, {c.failed, "missing"},
	} {
		if x.n > 0 {
			facts = append(facts, htmlPair{x.term, fmt.Sprint(x.n)})
		}
	}
	if h.r.Totals.Bytes > 0 {
		facts = append(facts, htmlPair{"received", Bytes(h.r.Totals.Bytes)})
	}
	return append(facts, htmlPair{"time", Millis(h.r.Totals.MS)})
}

// findings are the remarks on configuration and checkout, the worst first.
func (h *htmlView) findings() htmlSection {
	all := h.view.findings(true)
	if len(all) == 0 {
		return htmlSection{}
	}
	t := htmlTable{Caption: "Findings", Columns: []htmlColumn{{Title: "severity"}, {Title: "finding", Head: true}, {Title: "write instead", Code: true}, {Title: "check", Code: true}}}
	all, t.Rest = htmlCut(all, htmlFew, "finding")
	for _, f := range all {
		t.Rows = append(t.Rows, []htmlCell{
			{Text: word(string(f.Severity)), Tone: htmlSeverity(f.Severity)}, {Text: remarkOf(f)}, {Text: failure.Plain(f.Fix)}, {Text: checkOf(f)},
		})
	}
	return htmlSection{ID: "findings", Title: "Findings", Tables: []htmlTable{t}}
}

func htmlSeverity(s finding.Severity) string { return htmlTone(severityStyle(s)) }

// cache is what a restore and a save did.
func (h *htmlView) cache() htmlSection {
	c := h.r.Cache
	if !c.used() {
		return htmlSection{}
	}
	s := htmlSection{ID: "cache", Title: "Cache"}
	line := failure.Plain(c.Store) + ": " + restored(c)
	if c.Modules > 0 || c.Bytes > 0 {
		line += fmt.Sprintf("; %s, %s", count(c.Modules, "file"), Bytes(c.Bytes))
	}
	if c.Scope != "" {
		line += "; scope " + failure.Plain(c.Scope)
	}
	if c.Key != "" {
		line += "; key " + failure.Plain(c.Key)
	}
	s.Lines = append(s.Lines, line)
	if c.Reason != "" {
		s.Lines = append(s.Lines, failure.Plain(c.Reason))
	}
	if c.Saved != nil {
		s.Lines = append(s.Lines, h.saveState())
		if c.Saved.Index != "" {
			s.Lines = append(s.Lines, "index "+failure.Plain(c.Saved.Index))
		}
	}
	if len(c.Rejected) > 0 {
		s.Lines = append(s.Lines, refused(c)+":")
		kept, rest := htmlCut(c.Rejected, htmlFew, "file")
		for _, x := range kept {
			s.List = append(s.List, failure.Plain(x))
		}
		if rest != "" {
			s.List = append(s.List, rest)
		}
	}
	return s
}

// hosts are those contacted, one in a line, as allow-lists want them.
func (h *htmlView) hosts() htmlSection {
	kept, rest := htmlCut(h.view.hosts(), htmlFew, "host")
	if len(kept) == 0 {
		return htmlSection{}
	}
	s := htmlSection{ID: "hosts", Title: "Hosts contacted", Codes: kept, Lines: []string{"Redirects included: what an allow-list of outgoing connections needs."}}
	if rest != "" {
		s.Lines = append(s.Lines, rest)
	}
	s.List, _ = htmlCut(h.view.hostUses(), htmlFew, "host")
	return s
}

// settings are the chain and the go command's settings, with their sources.
func (h *htmlView) settings() htmlSection {
	t := htmlTable{Caption: "Settings of the go command", Columns: []htmlColumn{{Title: "setting", Head: true, Code: true}, {Title: "value", Code: true}, {Title: "from"}}}
	for _, x := range h.view.settings() {
		t.Rows = append(t.Rows, []htmlCell{{Text: x.name}, {Text: x.value}, {Text: cmp.Or(strings.TrimSpace(x.source), "–")}})
	}
	if len(t.Rows) == 0 {
		return htmlSection{}
	}
	return htmlSection{ID: "settings", Title: "Settings", Tables: []htmlTable{t}}
}
