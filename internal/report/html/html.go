// Package html renders a result as one page that needs no other file and no host.
//
// No text of a result becomes an element, an attribute or a script: all of it
// passes through esc.
package html

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"io"
	"slices"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/render"
)

// The parts of the page that are ours.
var (
	//go:embed page.css
	style string
	//go:embed page.js
	script string
)

// Write renders r as one page that needs nothing else: no other file, no host,
// and no script to be read. Its script only sorts, filters and enlarges, and its
// policy lets the browser run and fetch nothing but what is in the page. Links lead to
// the documentation and to the page of the job.
//
// Whatever a server sends stays text (see writer). A table of more rows than a
// browser likes is cut, and says what it leaves out.
func Write(w io.Writer, r *report.Result) error {
	v := render.Of(r)
	verdict, tone := v.Verdict()
	clause, remark := v.Says()
	page := Page{Verdict: verdict, Tone: tone, Project: r.Project, Lead: clause, Remark: remark, Facts: facts(v), Sections: sections(v), Details: details(v), Tool: failure.Plain(r.Tool)}
	if v.Waterfall().ID != "" {
		page.Hint = render.Line{Spans: []render.Span{{Text: "Its downloads as a timeline for ui.perfetto.dev: "}, {Text: "modferry report --format trace result.json > trace.json", Code: true}}}
	}
	if started := failure.Plain(r.Started); started != "" {
		page.Tool += ", started " + started
	}
	return page.Write(w)
}

// Page is what a page shows: of one run, or of two beside each other. Its texts are
// neutral.
type Page struct {
	Verdict  string // in a word or two, for the heading
	Tone     render.Tone
	Project  *report.Project // nil when it is not known
	Lead     string          // one sentence
	Remark   string          // another, "" for none
	Facts    []Fact
	Sections []render.Section // those without content are left out
	Details  []render.Section // the same, folded
	Tool     string           // for the foot
	Hint     render.Line      // for the foot, may be empty
}

// Fact is a number and what it counts.
type Fact struct{ What, Value string }

// Write writes the page.
func (p Page) Write(w io.Writer) error {
	for _, all := range []*[]render.Section{&p.Sections, &p.Details} {
		*all = slices.DeleteFunc(slices.Clone(*all), func(s render.Section) bool { return s.ID == "" })
	}
	var page writer
	page.page(p)
	if _, err := io.WriteString(w, page.b.String()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// sections are what there is to show, in the order of a reader's questions: what is
// to be done, why it took so long, and who brought what.
func sections(v *render.View) []render.Section {
	return []render.Section{v.Failures(), v.Remarks(false), v.Why(), v.Waterfall(), v.Mirrors()}
}

// details are how it came about.
func details(v *render.View) []render.Section {
	return []render.Section{
		v.Deferred(mostRows), v.Cache(mostRows), v.Origins(), v.Recovered(false), v.Chain(), v.Spreads(), v.Answers(), v.Periods(), v.Hosts(), v.Notes(), v.UsedSettings(), v.Files(),
	}
}

func say(text string) render.Line { return render.Line{Spans: []render.Span{{Text: text}}} }

// mostRows is how many rows of tables and items of lists are shown that have no
// limit of their own.
const mostRows = 200

// cut keeps the first few of a list, and says how many it left out.
func cut[T any](all []T, most int, thing string) (kept []T, rest string) {
	if len(all) <= most {
		return all, ""
	}
	return all[:most], fmt.Sprintf("and %d more of %s, not shown", len(all)-most, report.Count(len(all), thing))
}

// policy allows the style and the script of the page, by their hashes, and
// nothing else. Bars have no style attributes, which it would not allow.
func policy() string {
	hash := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; style-src " + hash(style) + "; script-src " + hash(script) + "; base-uri 'none'; form-action 'none'"
}

var tones = map[render.Tone]string{render.Good: "good", render.Fair: "fair", render.Bad: "bad"}

func facts(v *render.View) []Fact {
	facts := []Fact{{"time", report.Millis(v.Result.Totals.MS)}}
	for _, c := range v.Modules() {
		if c.What == "modules" && c.N == 1 {
			c.What = "module"
		}
		facts = append(facts, Fact{c.What, fmt.Sprint(c.N)})
	}
	if v.Result.Totals.Bytes > 0 {
		facts = append(facts, Fact{"received", report.Bytes(v.Result.Totals.Bytes)})
	}
	return facts
}
