package export

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/render"
)

// JUnit renders r, whose checkout is at p, as JUnit XML, for the test panels of CI systems: one test
// case for the run, one for each mirror, one for each module that failed, and
// one for all the files that came from each kind of source. There are failures
// in it exactly when the outcome is not ok: what the run got over (a dead
// mirror whose files came from another, a file that only graph commands read) is
// skipped, with the reason. The names of cases do not change from run to run,
// because CI systems compare by name.
//
// The format is the one that Jenkins published and JUnit tests itself with
// (testdata/schemas/jenkins-junit.xsd), nothing besides: a plugin of Jenkins
// refuses a report with more. So the line of go.mod at fault is the first line
// of a failure's text, not an attribute, and reasons to skip are text.
func (p Place) JUnit(w io.Writer, r *report.Result) error {
	v := render.Of(r)
	suites := junitSuites{Name: "modferry", Time: junitSeconds(r.Totals.MS)}
	for _, s := range []junitSuite{junitRun(v), junitMirrors(v), junitModules(v, p)} {
		if len(s.Cases) == 0 {
			continue
		}
		s.Timestamp = junitTime(r.Started)
		for _, c := range s.Cases {
			s.Tests++
			if c.Failure != nil {
				s.Failures++
			}
			if c.Skipped != "" {
				s.Skipped++
			}
		}
		suites.Tests += s.Tests
		suites.Failures += s.Failures
		suites.Suites = append(suites.Suites, s)
	}
	var b bytes.Buffer
	b.WriteString(xml.Header)
	enc := xml.NewEncoder(&b)
	enc.Indent("", "  ")
	if err := enc.Encode(suites); err != nil {
		return fmt.Errorf("write JUnit report: %w", err)
	}
	b.WriteByte('\n')
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write JUnit report: %w", err)
	}
	return nil
}

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Time     string       `xml:"time,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name       string           `xml:"name,attr"`
	Tests      int              `xml:"tests,attr"`
	Failures   int              `xml:"failures,attr"`
	Errors     int              `xml:"errors,attr"`
	Skipped    int              `xml:"skipped,attr"`
	Time       string           `xml:"time,attr"`
	Timestamp  string           `xml:"timestamp,attr,omitempty"`
	Properties *junitProperties `xml:"properties"` // nil for none: the format wants at least one
	Cases      []junitCase      `xml:"testcase"`
}

type junitProperties struct {
	List []junitProperty `xml:"property"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Time    string        `xml:"time,attr"`
	Skipped string        `xml:"skipped,omitempty"` // why
	Failure *junitMessage `xml:"failure"`
	Out     string        `xml:"system-out,omitempty"`
}

type junitMessage struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

func junitRun(v *render.View) junitSuite {
	r := v.Result
	took := junitSeconds(r.Totals.MS)
	word, _ := v.Verdict()
	clause, remark := v.Says()
	c := junitCase{Class: "modferry.run", Name: "every file needed is there", Time: took}
	if r.Outcome == report.OK {
		c.Out = junitLines(clause, remark)
	} else {
		c.Failure = &junitMessage{Message: word + ": " + clause, Type: failure.Neutral(string(r.Outcome))}
	}
	s := junitSuite{Name: "run", Time: took, Cases: []junitCase{c}}
	var list []junitProperty
	for _, p := range []junitProperty{
		{"tool", failure.Plain(r.Tool)}, {"outcome", failure.Neutral(string(r.Outcome))},
		{"chain", failure.Plain(r.Choice.Chain)}, {"chain.configured", failure.Plain(r.Choice.Configured)},
		{"cache.store", failure.Plain(r.Cache.Store)}, {"cache.hit", failure.Neutral(r.Cache.Hit)},
		{"files", strconv.Itoa(v.Tally.All)}, {"bytes", strconv.FormatInt(r.Totals.Bytes, 10)},
	} {
		if p.Value != "" {
			list = append(list, p)
		}
	}
	for _, x := range v.Settings() {
		list = append(list, junitProperty{"go." + x.Name, x.Value})
	}
	if len(list) > 0 {
		s.Properties = &junitProperties{list}
	}
	return s
}

func junitMirrors(v *render.View) junitSuite {
	s := junitSuite{Name: "mirrors", Time: junitSeconds(0)}
	for _, m := range v.Result.Mirrors {
		c := junitCase{Class: "modferry.mirrors", Name: failure.Plain(m.URL), Time: junitSeconds(render.ProbeMS(m))}
		reason := cmp.Or(failure.Plain(m.Reason), m.Class.Title(), "no reason is known")
		switch m.State {
		case report.Failing:
			c.verdict(v.Result.Outcome != report.OK, &junitMessage{Message: reason, Type: failure.Neutral(string(m.Class)), Text: junitAdvice(m.Class)})
		case report.Skipped:
			c.Skipped = reason
		default:
			c.Out = junitLines(failure.Neutral(m.State), failure.Plain(m.Reason))
		}
		s.Cases = append(s.Cases, c)
	}
	return s
}

func junitModules(v *render.View, p Place) junitSuite {
	s := junitSuite{Name: "modules", Time: junitSeconds(v.Result.Totals.MS)}
	for _, sum := range []struct {
		source, name string
		n            int
	}{
		{report.FromPresent, "files that were there already", v.Tally.Present},
		{report.FromCache, "files from the cache", v.Tally.Cached},
		{report.FromMirror, "files from mirrors", v.Tally.Fetched},
		{report.FromDeferred, "files left to the go command", v.Tally.Deferred},
	} {
		if sum.n == 0 {
			continue
		}
		c := junitCase{Class: "modferry.modules", Name: sum.name, Time: junitSeconds(0)}
		if sum.source == report.FromDeferred {
			c.Skipped = report.Count(sum.n, "file")
		} else {
			c.Out = report.Count(sum.n, "file")
		}
		s.Cases = append(s.Cases, c)
	}
	for _, m := range v.Result.Modules {
		if m.Failed() {
			s.Cases = append(s.Cases, junitFailure(v, m, p))
		}
	}
	return s
}

func junitFailure(v *render.View, m report.Module, p Place) junitCase {
	c := junitCase{Class: "modferry.modules", Name: m.Name(), Time: junitSeconds(m.MS)}
	text := []string{report.Position(p.path(m.File), m.Line), render.Tries(m)}
	for _, a := range m.Attempts {
		text = append(text, strings.TrimSuffix("tried "+failure.Plain(a.Mirror)+": "+outcomeOf(a)+": "+failure.Plain(a.Detail), ": "))
	}
	c.verdict(v.Result.Outcome != report.OK && !m.Optional && m.Class != failure.Cancelled, &junitMessage{
		Message: cmp.Or(failure.Plain(m.Message), m.Class.Title(), "could not be obtained"), Type: failure.Neutral(string(m.Class)),
		Text: junitLines(append(text, junitAdvice(m.Class))...),
	})
	return c
}

func outcomeOf(a report.Attempt) string {
	if a.Class == "" {
		return "received"
	}
	if s := failure.Neutral(a.Trouble().String()); s != "" {
		return s
	}
	return failure.Neutral(string(a.Class))
}

// verdict makes c a failed case, or one that was passed over.
func (c *junitCase) verdict(fails bool, m *junitMessage) {
	if fails {
		c.Failure = m
	} else {
		c.Skipped = junitLines(m.Message, m.Text)
	}
}

func junitAdvice(c failure.Class) string {
	if remedy := c.Remedy(); remedy != "" {
		return "What to do: " + remedy
	}
	return ""
}

func junitLines(lines ...string) string {
	var b strings.Builder
	for _, line := range lines {
		if line == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(line)
	}
	return b.String()
}

func junitSeconds(ms float64) string { return strconv.FormatFloat(max(ms, 0)/1000, 'f', 3, 64) }

// junitTime is a time as the format wants it, without a zone; "" when s is no
// time.
func junitTime(s string) string {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05")
}
