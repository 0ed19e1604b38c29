package compare

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/html"
	"github.com/modferry/modferry/internal/report/render"
)

// mostPairs is how many downloads are shown side by side: those that changed most.
const mostPairs = 200

// Page renders as one page of HTML what Write says, with both runs side by side.
func Page(w io.Writer, old, new *report.Result) error {
	c := of(old, new)
	was, is, tone := c.verdicts()
	page := html.Page{Verdict: is + " as before", Tone: tone, Project: new.Project, Lead: c.took(), Remark: c.message()}
	if was != is {
		page.Verdict = was + " → " + is
	}
	page.Facts = []html.Fact{{What: "time before", Value: report.Millis(old.Totals.MS)}, {What: "time now", Value: report.Millis(new.Totals.MS)}}
	page.Sections = []render.Section{c.sides(), c.pairs()}
	for i, s := range c.sections {
		x := render.Section{ID: fmt.Sprintf("change%d", i+1), Title: s.heading}
		for _, line := range s.lines {
			x.Items = append(x.Items, render.Line{Spans: []render.Span{{Text: line}}})
		}
		page.Sections = append(page.Sections, x)
	}
	page.Tool = strings.Join(slices.DeleteFunc([]string{
		failure.Plain(new.Tool), started("before", old), started("now", new),
	}, func(s string) bool { return s == "" }), ", ")
	return page.Write(w)
}

func started(which string, r *report.Result) string {
	if at := failure.Plain(r.Started); at != "" {
		return which + ": started " + at
	}
	return ""
}

// sides is both runs in numbers, side by side.
func (c *comparison) sides() render.Section {
	t := render.Table{Caption: "Both runs, side by side", Columns: []render.Column{{Title: "what", Head: true}, {Title: "before"}, {Title: "now"}}}
	row := func(what, before, now string) {
		if before == "" && now == "" {
			return
		}
		x := render.Cell{Text: cmp.Or(now, "–")}
		if before != now {
			x.Tone = render.Fair
		}
		t.Rows = append(t.Rows, []render.Cell{{Text: what}, {Text: cmp.Or(before, "–")}, x})
	}
	a, b := render.Of(c.old), render.Of(c.new)
	was, is, _ := c.verdicts()
	row("outcome", was, is)
	row("commit", c.old.Project.ShortCommit(), c.new.Project.ShortCommit())
	row("job", jobOf(c.old), jobOf(c.new))
	row("time", report.Millis(c.old.Totals.MS), report.Millis(c.new.Totals.MS))
	row("received", report.Bytes(c.old.Totals.Bytes), report.Bytes(c.new.Totals.Bytes))
	row("cache", failure.Neutral(c.old.Cache.Hit), failure.Neutral(c.new.Cache.Hit))
	counts := func(v *render.View) map[string]string {
		by := map[string]string{}
		for _, x := range v.Modules() {
			by[x.What] = fmt.Sprint(x.N)
		}
		return by
	}
	before, now := counts(a), counts(b)
	for _, what := range []string{"modules", "there already", "from the cache", "downloaded", "left to the go command", "missing"} {
		row(what, before[what], now[what])
	}
	states := func(r *report.Result) map[string]string {
		by := map[string]string{}
		for _, m := range r.Mirrors {
			by[m.URL] = stateOf(m)
		}
		return by
	}
	before, now = states(c.old), states(c.new)
	seen := map[string]bool{}
	for _, m := range slices.Concat(c.old.Mirrors, c.new.Mirrors) {
		if !seen[m.URL] && len(seen) < mostLines {
			seen[m.URL] = true
			row(failure.Plain(m.URL), before[m.URL], now[m.URL])
		}
	}
	return render.Section{ID: "sides", Title: "Side by side", Tables: []render.Table{t}}
}

func jobOf(r *report.Result) string {
	if r.Project == nil {
		return ""
	}
	return failure.Plain(r.Project.Job)
}

// pairs is what both runs downloaded, what changed most first.
func (c *comparison) pairs() render.Section {
	all := c.common()
	if len(all) == 0 {
		return render.Section{}
	}
	slices.SortStableFunc(all, func(a, b pair) int {
		return cmp.Compare(math.Abs(b.is.MS-b.was.MS), math.Abs(a.is.MS-a.was.MS))
	})
	longest := 0.0
	for _, p := range all {
		longest = max(longest, p.was.MS, p.is.MS)
	}
	t := render.Table{Caption: "Downloads of both runs", Columns: []render.Column{
		{Title: "file", Head: true, Code: true}, {Title: "time before and now", Bar: true}, {Title: "before", Number: true}, {Title: "now", Number: true}, {Title: "change", Number: true},
	}}
	if rest := len(all) - mostPairs; rest > 0 {
		t.Rest = fmt.Sprintf("and %d more that changed less, not shown", rest)
		all = all[:mostPairs]
	}
	millis := func(ms float64) render.Cell {
		return render.Cell{Text: report.Millis(ms), Sort: fmt.Sprintf("%.1f", ms)}
	}
	for _, p := range all {
		bar := render.NewBar(0, longest)
		bar.Label = "before " + report.Millis(p.was.MS) + ", now " + report.Millis(p.is.MS)
		bar.Add("was", 0, p.was.MS)
		bar.Add("is", 0, p.is.MS)
		by := p.is.MS - p.was.MS
		change := render.Cell{Text: "+" + report.Millis(by), Sort: fmt.Sprintf("%.1f", by)}
		if by < 0 {
			change.Text = "−" + report.Millis(-by)
		}
		if pace(p.was.MS, p.is.MS) != "" {
			change.Tone = map[bool]render.Tone{true: render.Bad, false: render.Good}[by > 0]
		}
		t.Rows = append(t.Rows, []render.Cell{{Text: p.is.Name()}, {Bar: bar, Sort: fmt.Sprintf("%.1f", p.is.MS)}, millis(p.was.MS), millis(p.is.MS), change})
	}
	return render.Section{ID: "downloads", Title: "Downloads of both runs", Tables: []render.Table{t},
		Keys: []render.Key{{Class: "was", Text: "before"}, {Class: "is", Text: "now"}}}
}
