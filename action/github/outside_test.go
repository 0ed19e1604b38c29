package github

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
)

func TestAStepOfTheJobShowsAResult(t *testing.T) {
	t.Parallel()
	workspace := t.TempDir()
	summary := filepath.Join(workspace, "summary.md")
	if err := os.WriteFile(summary, []byte("# before\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	res := &report.Result{Schema: report.Schema, Tool: "modferry test", Outcome: report.Incomplete, Message: "1 file could not be obtained",
		Modules: []report.Module{{Path: "example.test/m", Version: "v1.0.0", Kind: report.KindZip, Source: report.FromFailed,
			Class: failure.HashMismatch, Message: "wrong hash", File: "go.mod", Line: 7}}}
	report.Aggregate(res)
	var log bytes.Buffer
	variables := map[string]string{"GITHUB_WORKSPACE": workspace, "GITHUB_STEP_SUMMARY": summary}
	p := Process{Getenv: func(name string) string { return variables[name] }, Stdout: &log, Tool: "modferry test"}
	if remarks := p.Publish(res, filepath.Join(workspace, "sub")); len(remarks) > 0 {
		t.Errorf("remarks: %q", remarks)
	}
	text, err := os.ReadFile(summary)
	if err != nil || !strings.HasPrefix(string(text), "# before\n") || !strings.Contains(string(text), "1 file could not be obtained") {
		t.Errorf("%v, %s", err, text)
	}
	if !strings.Contains(log.String(), "::error ") || !strings.Contains(log.String(), "file=sub/go.mod,line=7") {
		t.Errorf("annotations:\n%s", log.String())
	}
	delete(variables, "GITHUB_STEP_SUMMARY")
	if remarks := p.Publish(res, ""); len(remarks) != 1 || !strings.Contains(remarks[0], "GITHUB_STEP_SUMMARY is not set") {
		t.Errorf("remarks: %q", remarks)
	}
}
