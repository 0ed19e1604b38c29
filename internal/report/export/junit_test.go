package export_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/compare"
	"github.com/modferry/modferry/internal/report/export"
	"github.com/modferry/modferry/internal/report/reporttest"
)

func TestFormatsForMachinesSayWhenTheyCannotBeWritten(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]func(io.Writer, *report.Result) error{
		"JUnit": export.Place{}.JUnit, "CodeQuality": export.Place{}.CodeQuality, "CycloneDX": export.CycloneDX, "Prometheus": export.Prometheus,
		"Compare": func(w io.Writer, r *report.Result) error { return compare.Write(w, r, r) },
	} {
		if err := f(reporttest.Failing{Err: errors.New("disk full")}, reporttest.Good()); err == nil || !strings.Contains(err.Error(), "disk full") {
			t.Errorf("%s returned %v, want the error of the writer", name, err)
		}
	}
}

// junit is what a CI system reads of a report.
type junit struct {
	XMLName  xml.Name `xml:"testsuites"`
	Tests    int      `xml:"tests,attr"`
	Failures int      `xml:"failures,attr"`
	Suites   []struct {
		Name      string `xml:"name,attr"`
		Tests     int    `xml:"tests,attr"`
		Failures  int    `xml:"failures,attr"`
		Skipped   int    `xml:"skipped,attr"`
		Timestamp string `xml:"timestamp,attr"`
		Cases     []struct {
			Class   string `xml:"classname,attr"`
			Name    string `xml:"name,attr"`
			Failure *struct {
				Message string `xml:"message,attr"`
				Type    string `xml:"type,attr"`
				Text    string `xml:",chardata"`
			} `xml:"failure"`
			Skipped *string `xml:"skipped"`
		} `xml:"testcase"`
	} `xml:"testsuite"`
}

func readJUnit(t *testing.T, text []byte) junit {
	t.Helper()
	var j junit
	dec := xml.NewDecoder(bytes.NewReader(text))
	if err := dec.Decode(&j); err != nil {
		t.Fatalf("not well-formed: %v\n%s", err, text)
	}
	return j
}

func TestJUnitIsAsInTheGoldenFiles(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"good", "gatekeeper", "integrity", "low-priority-only", "cannot-run", "dead-mirror"} {
		reporttest.Golden(t, "testdata/"+name+".junit.xml", reporttest.Rendered(t, export.Place{}.JUnit, reporttest.Fixtures()[name]))
	}
}

func TestJUnitFailsExactlyWhenTheRunDid(t *testing.T) {
	t.Parallel()
	for name, r := range reporttest.Fixtures() {
		j := readJUnit(t, reporttest.Rendered(t, export.Place{}.JUnit, r))
		if got, want := j.Failures > 0, r.Outcome != report.OK; got != want {
			t.Errorf("%s: %d failures in a run with outcome %s", name, j.Failures, r.Outcome)
		}
	}
}

func TestJUnitCountsItsCases(t *testing.T) {
	t.Parallel()
	for name, r := range reporttest.Fixtures() {
		j := readJUnit(t, reporttest.Rendered(t, export.Place{}.JUnit, r))
		var tests, failures int
		seen := map[string]bool{}
		for _, s := range j.Suites {
			var f, k int
			for _, c := range s.Cases {
				if c.Failure != nil {
					f++
				}
				if c.Skipped != nil {
					k++
				}
				if c.Failure != nil && c.Skipped != nil {
					t.Errorf("%s: %s both failed and was skipped", name, c.Name)
				}
				if key := c.Class + " " + c.Name; seen[key] && name != "hostile" && name != "all-mirrors-dead" && name != "interrupted" {
					t.Errorf("%s: two cases %q", name, key)
				} else {
					seen[key] = true
				}
			}
			if s.Tests != len(s.Cases) || s.Failures != f || s.Skipped != k {
				t.Errorf("%s: suite %s says %d/%d/%d, has %d/%d/%d", name, s.Name, s.Tests, s.Failures, s.Skipped, len(s.Cases), f, k)
			}
			tests, failures = tests+len(s.Cases), failures+f
		}
		if j.Tests != tests || j.Failures != failures {
			t.Errorf("%s: says %d/%d, has %d/%d", name, j.Tests, j.Failures, tests, failures)
		}
	}
}

func TestJUnitNamesModuleClassAndLineOfAFailure(t *testing.T) {
	t.Parallel()
	j := readJUnit(t, reporttest.Rendered(t, export.Place{}.JUnit, reporttest.Integrity()))
	var found []string
	for _, s := range j.Suites {
		for _, c := range s.Cases {
			if c.Failure != nil && s.Name == "modules" {
				line, _, _ := strings.Cut(c.Failure.Text, "\n")
				found = append(found, fmt.Sprintf("%s %s %s", c.Name, c.Failure.Type, line))
			}
		}
	}
	if want := "github.com/evil/twin@v2.0.0+incompatible hash_mismatch go.sum:31"; len(found) != 1 || found[0] != want {
		t.Errorf("the failures are %q, want %q alone", found, want)
	}
}

func TestJUnitOfHostileTextIsWellFormedAndHarmless(t *testing.T) {
	t.Parallel()
	text := reporttest.Rendered(t, export.Place{}.JUnit, reporttest.Hostile(reporttest.Evil))
	reporttest.Harmless(t, "JUnit", text)
	j := readJUnit(t, text)
	if n := len(j.Suites); n != 3 {
		t.Fatalf("%d suites, want 3", n)
	}
	if j.Suites[0].Timestamp != "" {
		t.Errorf("the timestamp is %q, want none: the start is no time", j.Suites[0].Timestamp)
	}
	if n := len(j.Suites[1].Cases); n != 2 {
		t.Errorf("%d mirrors, want 2", n)
	}
}

// FuzzFormatsForMachines looks at whatever can be read as a result: every
// format can be written, can be read by its own reader and forges nothing.
func FuzzFormatsForMachines(f *testing.F) {
	for _, r := range []*report.Result{reporttest.Good(), reporttest.Gatekeeper(), reporttest.Hostile(reporttest.Evil)} {
		var b bytes.Buffer
		if err := report.JSON(&b, r); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Add([]byte(`{"schema": "modferry.result/1", "outcome": "ok", "modules": [{"attempts": [{"ms": -1, "bytes": -1}], "source": "mirror"}, {}], "mirrors": [{}, {}]}`))
	f.Add([]byte(`{"schema": "modferry.result/1", "outcome": "integrity", "totals": {"ms": 1e308}, "status_codes": {"": {"": -1}}, "findings": [{}], "cache": {"store": "x", "saved": {}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			t.Skip("large inputs only take longer")
		}
		r, err := report.Decode(bytes.NewReader(data))
		if err != nil {
			t.Skip("no result")
		}
		text := reporttest.Rendered(t, export.Place{}.JUnit, r)
		reporttest.Harmless(t, "JUnit", text)
		if j := readJUnit(t, text); (j.Failures > 0) != (r.Outcome != report.OK) {
			t.Errorf("%d failures in a run with outcome %s", j.Failures, r.Outcome)
		}
		reporttest.Harmless(t, "CodeQuality", reporttest.Rendered(t, export.Place{}.CodeQuality, r))
		readQuality(t, r)
		text = reporttest.Rendered(t, export.CycloneDX, r)
		reporttest.Harmless(t, "CycloneDX", text)
		readBOM(t, text)
		text = reporttest.Rendered(t, export.Prometheus, r)
		reporttest.Harmless(t, "Prometheus", text)
		scrape(t, text)
		reporttest.Harmless(t, "Compare", (reporttest.Rendered(t, func(w io.Writer, r *report.Result) error { return compare.Write(w, r, reporttest.Good()) }, r)))
		reporttest.Harmless(t, "Compare", (reporttest.Rendered(t, func(w io.Writer, r *report.Result) error { return compare.Write(w, reporttest.Good(), r) }, r)))
	})
}
