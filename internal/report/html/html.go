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
// and no script to be read. Its script only sorts and filters tables, and its
// policy lets the browser run and fetch nothing but what is in the page.
//
// Whatever a server sends stays text (see writer). A table of more rows than a
// browser likes is cut, and says what it leaves out.
func Write(w io.Writer, r *report.Result) error {
	var page writer
	page.page(&view{render.Of(r)})
	if _, err := io.WriteString(w, page.b.String()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

type view struct{ *render.View }

type pair struct{ term, text string }

// sections are what is to be shown, in the order of a reader's questions: what
// is to be done, and how it came about.
func (v *view) sections() []render.Section {
	return slices.DeleteFunc([]render.Section{
		v.Failures(), v.findings(), v.Chain(), v.Mirrors(), v.Origins(), v.Waterfall(), v.Recovered(false), v.Cache(mostRows), v.Deferred(mostRows),
		v.Spreads(), v.Answers(), v.Periods(), v.Hosts(), v.Files(), v.UsedSettings(),
	}, func(s render.Section) bool { return s.ID == "" })
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

func (v *view) facts() []pair {
	var facts []pair
	if n := v.Tally.All; n > 0 {
		facts = append(facts, pair{"files needed", fmt.Sprint(n)})
	}
	for _, c := range v.Counts() {
		facts = append(facts, pair{c.What, fmt.Sprint(c.N)})
	}
	if v.Result.Totals.Bytes > 0 {
		facts = append(facts, pair{"received", report.Bytes(v.Result.Totals.Bytes)})
	}
	return append(facts, pair{"time", report.Millis(v.Result.Totals.MS)})
}

func (v *view) findings() render.Section {
	t := render.Table{Caption: "Findings", Thing: "finding", Columns: []render.Column{
		{Title: "severity"}, {Title: "finding", Head: true}, {Title: "fix", Code: true}, {Title: "check", Code: true},
	}}
	for _, f := range v.Findings(true) {
		t.Rows = append(t.Rows, []render.Cell{
			{Text: render.Word(string(f.Severity)), Tone: render.SeverityTone(f.Severity)}, {Text: render.RemarkOf(f)}, {Text: failure.Plain(f.Fix)}, {Text: render.CheckOf(f)},
		})
	}
	if len(t.Rows) == 0 {
		return render.Section{}
	}
	return render.Section{ID: "findings", Title: "Findings", Tables: []render.Table{t}}
}
