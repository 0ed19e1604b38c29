package render

import (
	"fmt"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
)

// modules counts modules as people do: those whose code is needed, by what became
// of it. Where no code is, as for go mod graph, it counts those with a go.mod file. A
// module that lacks any file that it must have is missing, unless somebody ended the
// run: then what is there counts.
func (v *View) modules() tally {
	code := slices.ContainsFunc(v.Result.Modules, func(m report.Module) bool { return m.Kind != report.KindMod })
	fates := map[[2]string]string{}
	for _, m := range v.Result.Modules {
		k := [2]string{m.Path, m.Version}
		switch _, known := fates[k]; {
		case m.Query() || m.Failed() && m.Optional:
		case m.Failed() && !v.Result.Interrupted:
			fates[k] = report.FromFailed
		case !known && !m.Page() && (m.Kind != report.KindMod || !code):
			fates[k] = m.Source
		}
	}
	var count tally
	for _, source := range fates {
		count.add(source)
	}
	return count
}

// brief is what people want to know of a run that brought something: "49 modules in
// 1.2 s: 44 from the cache (exact hit), 5 downloaded, all verified".
func (v *View) brief() string {
	c, took := v.modules(), report.Millis(v.Result.Totals.MS)
	if v.Idle() {
		if c.All == 1 {
			return fmt.Sprintf("the one module needed is there already, nothing to download (%s)", took)
		}
		return fmt.Sprintf("all %d modules are there already, nothing to download (%s)", c.All, took)
	}
	if n := v.Result.Totals.Pages; c.All == 0 && n > 0 {
		return report.Answers(n) + " in " + took
	}
	subject := report.Count(c.All, "module")
	if c.Deferred > 0 {
		subject = fmt.Sprintf("%d of %s", c.there(), subject)
	}
	text := subject + " in " + took
	if what := v.sources(c); what != "" {
		text += ": " + what
	}
	if c.Deferred > 0 {
		text += fmt.Sprintf("; %d left to the go command", c.Deferred)
	}
	return text
}

// sources says where the modules that are there came from, and that they were
// verified; those that were there already were verified when they came.
func (v *View) sources(c tally) string {
	hit := ""
	if h := failure.Plain(v.Result.Cache.Hit); h == "exact" || h == "partial" {
		hit = " (" + h + " hit)"
	}
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{c.Present, "there already"}, {c.Cached, "from the cache" + hit}, {c.Fetched, "downloaded"}} {
		switch {
		case p.n == 0:
		case p.n == c.there() && p.n > 1:
			parts = append(parts, "all "+p.what)
		case p.n == c.there():
			parts = append(parts, p.what)
		default:
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	came, blind := v.Tally.Cached+v.Tally.Fetched, v.unverified()
	switch {
	case c.Cached+c.Fetched == 0 && came > 0:
		parts = append(parts, report.Count(came, "go.mod file")+" brought")
	case c.Cached+c.Fetched == 0:
		return strings.Join(parts, ", ")
	}
	switch {
	case blind > 0:
		parts = append(parts, report.Count(blind, "file")+" of no known hash, so not verified")
	case len(parts) == 1:
		return parts[0] + " and verified"
	case c.Present > 0:
		parts = append(parts, "what came was verified")
	default:
		parts = append(parts, "all verified")
	}
	return strings.Join(parts, ", ")
}

// unverified counts the files that came without a hash to compare them with, as a
// relay passes them on where the checksum database is off.
func (v *View) unverified() int {
	n := 0
	for _, m := range v.Result.Modules {
		if m.Sum == "" && !m.Page() && (m.Source == report.FromCache || m.Source == report.FromMirror) {
			n++
		}
	}
	return n
}

// Missing is how much a run that failed lacks: "20 of 34 modules are missing (1 min 2 s)".
func (v *View) Missing() string {
	answers := 0
	for _, m := range v.Result.Modules {
		if m.Query() && m.Failed() && !m.Optional {
			answers++
		}
	}
	c, took := v.modules(), report.Millis(v.Result.Totals.MS)
	there, n := c.All-c.Failed, c.Failed
	switch {
	case v.Result.Interrupted && there == 0:
		return fmt.Sprintf("nothing is there yet (%s)", took)
	case v.Result.Interrupted && n == 0:
		return fmt.Sprintf("%s %s there, but not every go.mod file; the next run goes on from that (%s)", report.Count(there, "module"), are(there), took)
	case v.Result.Interrupted:
		return fmt.Sprintf("%d of %s %s there, the next run goes on from them (%s)", there, report.Count(c.All, "module"), are(there), took)
	case n == 0 && answers > 0:
		return fmt.Sprintf("%s %s missing (%s)", report.Answers(answers), are(answers), took)
	}
	what := fmt.Sprintf("%d of %s", n, report.Count(c.All, "module"))
	switch {
	case n == c.All && n == 1:
		what = "the one module needed"
	case n == c.All:
		what = fmt.Sprintf("all %d modules", n)
	}
	if answers > 0 {
		what += " and " + report.Answers(answers)
	}
	return fmt.Sprintf("%s %s missing (%s)", what, are(n+answers), took)
}

// cause is the one reason for which a run failed, as its outcome names it; "" when
// there are several, or when something else is to be said first.
func (v *View) cause() string {
	if v.reasons() != 1 {
		return ""
	}
	return v.causes[0].headline()
}
