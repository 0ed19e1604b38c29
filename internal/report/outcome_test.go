package report_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
)

func TestExitCode(t *testing.T) {
	t.Parallel()
	for outcome, want := range map[report.Outcome]int{
		report.OK: 0, report.Incomplete: 1, report.Settings: 2, report.Integrity: 3,
		"": 1, "from the future": 1,
	} {
		if got := outcome.ExitCode(); got != want {
			t.Errorf("%q.ExitCode() = %d, want %d", outcome, got, want)
		}
	}
}

func TestAggregate(t *testing.T) {
	t.Parallel()
	r := &report.Result{
		Totals: report.Totals{Modules: 99, Bytes: 99, MS: 12, BySource: map[string]int{"old": 1}},
		Modules: []report.Module{
			{Source: report.FromPresent, Bytes: 1_000_000},
			{Source: report.FromPresent},
			{Source: report.FromCache, Bytes: 100},
			{Source: report.FromMirror, Bytes: 20}, // without attempts
			{Source: report.FromMirror, Bytes: 7, Attempts: []report.Attempt{{Bytes: 3, Class: failure.CutBody}, {Bytes: 4}}},
			{Source: report.FromFailed, Class: failure.Stall, Attempts: []report.Attempt{{Bytes: 5, Class: failure.Stall}}},
			{Source: report.FromDeferred, Class: failure.Private},
		},
	}
	report.Aggregate(r)
	want := report.Totals{Modules: 7, Bytes: 132, MS: 12, BySource: map[string]int{
		report.FromPresent: 2, report.FromCache: 1, report.FromMirror: 2, report.FromFailed: 1, report.FromDeferred: 1,
	}}
	if diff := cmp.Diff(want, r.Totals); diff != "" {
		t.Errorf("Totals (-want +got):\n%s", diff)
	}
}
