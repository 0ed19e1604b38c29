package export_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/export"
	"github.com/modferry/modferry/internal/report/reporttest"
)

// quality is an entry as GitLab reads it.
type quality struct {
	Description string `json:"description"`
	Check       string `json:"check_name"`
	Fingerprint string `json:"fingerprint"`
	Severity    string `json:"severity"`
	Location    struct {
		Path  string `json:"path"`
		Lines struct {
			Begin int `json:"begin"`
		} `json:"lines"`
	} `json:"location"`
}

func readQuality(t *testing.T, r *report.Result) []quality {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(reporttest.Rendered(t, export.Place{}.CodeQuality, r)))
	dec.DisallowUnknownFields()
	var list []quality
	if err := dec.Decode(&list); err != nil {
		t.Fatal(err)
	}
	return list
}

func TestCodeQualityIsAsInTheGoldenFiles(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"good", "gatekeeper", "integrity", "low-priority-only", "nothing-needed"} {
		reporttest.Golden(t, "testdata/"+name+".codequality.json", reporttest.Rendered(t, export.Place{}.CodeQuality, reporttest.Fixtures()[name]))
	}
}

func TestCodeQualityHasWhatGitLabRequires(t *testing.T) {
	t.Parallel()
	all := reporttest.Fixtures()
	all["evil"] = reporttest.Hostile(reporttest.Evil)
	severities := []string{"info", "minor", "major", "critical", "blocker"}
	for name, r := range all {
		reporttest.Harmless(t, name, reporttest.Rendered(t, export.Place{}.CodeQuality, r))
		seen := map[string]bool{}
		for _, q := range readQuality(t, r) {
			if q.Description == "" || q.Check == "" || len(q.Fingerprint) != 64 || seen[q.Fingerprint] {
				t.Errorf("%s: an entry without text or of no identity of its own: %+v", name, q)
			}
			seen[q.Fingerprint] = true
			if !slices.Contains(severities, q.Severity) {
				t.Errorf("%s: severity %q", name, q.Severity)
			}
			if p := q.Location.Path; p == "" || strings.HasPrefix(p, "./") || strings.HasPrefix(p, "/") || q.Location.Lines.Begin < 1 {
				t.Errorf("%s: location %+v", name, q.Location)
			}
		}
	}
}

func TestCodeQualityOfAGoodRunIsAnEmptyList(t *testing.T) {
	t.Parallel()
	if got := string(reporttest.Rendered(t, export.Place{}.CodeQuality, reporttest.DeadMirror())); got != "[]\n" {
		t.Errorf("the report is %q, want an empty list", got)
	}
}

func TestCodeQualityKeepsFingerprintsWhenLinesAndTextsMove(t *testing.T) {
	t.Parallel()
	first := readQuality(t, reporttest.Gatekeeper())
	moved := reporttest.Gatekeeper()
	for i := range moved.Modules {
		moved.Modules[i].Line += 100
		moved.Modules[i].Message += " at 12:01"
	}
	second := readQuality(t, moved)
	if len(first) != 2 || len(second) != 2 {
		t.Fatalf("%d and %d entries, want 2", len(first), len(second))
	}
	for i := range first {
		if first[i].Fingerprint != second[i].Fingerprint {
			t.Errorf("the fingerprint of %s changed", first[i].Description)
		}
		if first[i].Location.Lines.Begin+100 != second[i].Location.Lines.Begin {
			t.Errorf("the line of %s did not move", first[i].Description)
		}
	}
}

func TestCodeQualityPlacesEntriesWithinTheCheckout(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, file string
		line       int
		path       string
		begin      int
	}{
		{"a line of go.mod", "go.mod", 7, "go.mod", 7},
		{"a module in a folder", "./tools/go.sum", 3, "tools/go.sum", 3},
		{"a file without a line", "vendor/modules.txt", 0, "vendor/modules.txt", 1},
		{"no file", "", 0, "go.mod", 1},
		{"a file elsewhere", "/home/ci/.netrc", 4, "go.mod", 1},
		{"a file above the checkout", "../go.work", 4, "go.mod", 1},
	} {
		r := &report.Result{Outcome: report.OK, Findings: []finding.Finding{{Check: "x", Severity: finding.Info, File: tt.file, Line: tt.line, Effect: "e"}}}
		list := readQuality(t, r)
		if len(list) != 1 || list[0].Location.Path != tt.path || list[0].Location.Lines.Begin != tt.begin {
			t.Errorf("%s: %+v, want %s:%d", tt.name, list, tt.path, tt.begin)
		}
	}
}

func TestCodeQualityLeavesOutWhatWasNotTried(t *testing.T) {
	t.Parallel()
	for _, q := range readQuality(t, reporttest.Interrupted()) {
		if q.Check == "modferry/"+string(failure.Cancelled) {
			t.Errorf("found %+v", q)
		}
	}
	if n := len(reporttest.Interrupted().Modules); n < 31 {
		t.Fatalf("the fixture has %d modules", n)
	}
}
