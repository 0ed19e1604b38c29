package export_test

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/export"
	"github.com/modferry/modferry/internal/report/reporttest"
)

func TestPositionsAreThoseOfTheRepository(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ dir, file, want string }{
		{"", "go.sum", "go.sum"},
		{"services/api", "go.sum", "services/api/go.sum"},
		{"services/api", "", "services/api/go.mod"},
		{"services/api", "../../go.work", "go.work"},
		{"services/api", "../../../go.work", "services/api/go.mod"},
		{"services/api", "/etc/passwd", "services/api/go.mod"},
		{"services/api", "a\x1bb", "services/api/go.mod"},
		{"", "../go.work", "go.mod"},
		{"", `C:\go.sum`, "go.mod"},
	} {
		r := &report.Result{Schema: report.Schema, Outcome: report.OK,
			Findings: []finding.Finding{{Check: "x", Severity: finding.Error, Effect: "broken", File: test.file, Line: 7}}}
		var list []struct{ Location struct{ Path string } }
		text := reporttest.Rendered(t, export.Place{Dir: test.dir}.CodeQuality, r)
		if err := json.Unmarshal(text, &list); err != nil || len(list) != 1 || list[0].Location.Path != test.want {
			t.Errorf("%q in %q: %s, %v; want %s", test.file, test.dir, text, err, test.want)
		}
	}
	text := reporttest.Rendered(t, export.Place{Dir: "services/api"}.JUnit, reporttest.Integrity())
	if !bytes.Contains(text, []byte(`>services/api/go.sum:`)) {
		t.Errorf("no failure stands in services/api/go.sum:\n%s", text)
	}
}

// The root is what the functions without a place mean.
func TestTheRootIsThePlaceOfNone(t *testing.T) {
	t.Parallel()
	for name, pair := range map[string][2]func(io.Writer, *report.Result) error{
		"CodeQuality": {export.Place{}.CodeQuality, export.Place{}.CodeQuality}, "JUnit": {export.Place{}.JUnit, export.Place{}.JUnit},
	} {
		a, b := reporttest.Rendered(t, pair[0], reporttest.Integrity()), reporttest.Rendered(t, pair[1], reporttest.Integrity())
		if !bytes.Equal(a, b) || strings.Contains(string(a), `"./`) {
			t.Errorf("%s differs:\n%s\n%s", name, a, b)
		}
	}
}
