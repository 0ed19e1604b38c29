package report_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/report"
)

func TestEveryOutcomeHasItsExitCode(t *testing.T) {
	t.Parallel()
	for outcome, want := range map[report.Outcome]int{
		report.OK: 0, report.NotReady: 0, report.Incomplete: 1, report.Settings: 2, report.Integrity: 3,
		"": 1, "from the future": 1,
	} {
		if got := outcome.ExitCode(); got != want {
			t.Errorf("%q.ExitCode() = %d, want %d", outcome, got, want)
		}
	}
}

func TestARunIsNotReadyWhenTheGoCommandWillFail(t *testing.T) {
	t.Parallel()
	missing := finding.Finding{Check: "go-sum-missing-line", Severity: finding.Error, File: "go.mod", Line: 5, Found: "example.test/a v1.0.0"}
	setting := finding.Finding{Check: "goflags-workspace", Severity: finding.Error, Setting: "GOFLAGS", Found: "-mod=mod"}
	refused := finding.Finding{Check: "toolchain-refused", Severity: finding.Error, Setting: "GOTOOLCHAIN", Found: "local", File: "go.mod"}
	mark := finding.Finding{Check: "byte-order-mark", Severity: finding.Error, File: "go.sum", Line: 1}
	itself := finding.Finding{Check: "go-work-sum-missing", Severity: finding.Warning, File: "go.work.sum", Found: "example.test/a v1.0.0"}
	for _, tt := range []struct {
		name    string
		in      report.Result
		outcome report.Outcome
		message string
	}{
		{"an error", report.Result{Outcome: report.OK, Findings: []finding.Finding{missing}}, report.NotReady,
			"the go command will fail: go.mod:5 example.test/a v1.0.0: go.sum lacks a line for a required module"},
		{"an error about a setting, beside another one and a remark", report.Result{Outcome: report.OK, Message: "1 file is missing", Findings: []finding.Finding{itself, setting, mark}}, report.NotReady,
			"the go command will fail: GOFLAGS -mod=mod: GOFLAGS has a flag that a workspace refuses (and 1 more like it); 1 file is missing"},
		{"a setting that a file does not go with", report.Result{Outcome: report.OK, Findings: []finding.Finding{refused}}, report.NotReady,
			"the go command will fail: GOTOOLCHAIN local: " + refused.Title()},
		{"a sentence that begins with a word", report.Result{Outcome: report.OK, Findings: []finding.Finding{mark}}, report.NotReady,
			"the go command will fail: go.sum:1: a byte order mark changes the meaning of the first line of go.sum"},
		{"everything is left to the go command", report.Result{Outcome: report.OK, Findings: []finding.Finding{itself}}, report.NotReady,
			"the go command has to download by itself: go.work.sum example.test/a v1.0.0: a workspace has no go.work.sum"},
		{"warnings", report.Result{Outcome: report.OK, Message: "m", Findings: []finding.Finding{{Check: "go-sum-missing", Severity: finding.Warning}, {Check: "go-work-sum-missing", Severity: finding.Info}}}, report.OK, "m"},
		{"a worse outcome", report.Result{Outcome: report.Integrity, Message: "m", Findings: []finding.Finding{missing}}, report.Integrity, "m"},
		{"an interruption", report.Result{Outcome: report.OK, Interrupted: true, Message: "m", Findings: []finding.Finding{missing}}, report.OK, "m"},
	} {
		report.Judge(&tt.in)
		if tt.in.Outcome != tt.outcome || tt.in.Message != tt.message {
			t.Errorf("%s: %s %q, want %s %q", tt.name, tt.in.Outcome, tt.in.Message, tt.outcome, tt.message)
		}
	}
}

func TestTotalsCountModulesFilesAndBytes(t *testing.T) {
	t.Parallel()
	r := &report.Result{
		Totals: report.Totals{Modules: 99, Bytes: 99, MS: 12, BySource: map[string]int{"old": 1}},
		Modules: []report.Module{
			{Path: "a.test/x", Version: "v1.0.0", Kind: report.KindMod, Source: report.FromPresent, Bytes: 1_000_000},
			{Path: "a.test/x", Version: "v1.0.0", Kind: report.KindZip, Source: report.FromPresent},
			{Source: report.FromCache, Bytes: 100},
			{Source: report.FromMirror, Bytes: 20}, // without attempts
			{Source: report.FromMirror, Bytes: 7, Attempts: []report.Attempt{{Bytes: 3, Class: failure.CutBody}, {Bytes: 4}}},
			{Source: report.FromFailed, Class: failure.Stall, Attempts: []report.Attempt{{Bytes: 5, Class: failure.Stall}}},
			{Source: report.FromDeferred, Class: failure.Private},
		},
	}
	report.Aggregate(r)
	want := report.Totals{Modules: 2, Files: 7, Bytes: 132, MS: 12, BySource: map[string]int{
		report.FromPresent: 2, report.FromCache: 1, report.FromMirror: 2, report.FromFailed: 1, report.FromDeferred: 1,
	}}
	if diff := cmp.Diff(want, r.Totals); diff != "" {
		t.Errorf("Totals (-want +got):\n%s", diff)
	}
}
