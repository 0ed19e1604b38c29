package otherci

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/outlet"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/secret"
)

// incomplete is a result with an error at a line of a file.
func incomplete(file, message string) *report.Result {
	return &report.Result{
		Schema: report.Schema, Outcome: report.Incomplete, Message: "incomplete: 1 file is missing",
		Findings: []finding.Finding{{Severity: finding.Error, Check: "go-sum-missing-line", Effect: message, File: file, Line: 7}},
	}
}

func TestAzureShowsIssuesAndASummary(t *testing.T) {
	t.Parallel()
	j, checkout, temp := jobOf(t, "Azure Pipelines")
	var b bytes.Buffer
	if remarks := j.Publish(&b, incomplete("go.sum", "a line is missing"), filepath.Join(checkout, "api")); len(remarks) > 0 {
		t.Errorf("remarks: %q", remarks)
	}
	summaries, err := filepath.Glob(filepath.Join(temp, "modferry-*.md"))
	if err != nil || len(summaries) != 1 {
		t.Fatalf("the summaries are %v, %v", summaries, err)
	}
	text, err := os.ReadFile(summaries[0])
	if err != nil || !strings.Contains(string(text), "a line is missing") {
		t.Errorf("the summary is %s, %v", text, err)
	}
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	if len(lines) != 2 || lines[0] != "##vso[task.uploadsummary]"+summaries[0] ||
		!strings.HasPrefix(lines[1], "##vso[task.logissue type=error;sourcepath=api/go.sum;linenumber=7]") || !strings.Contains(lines[1], "a line is missing") {
		t.Errorf("the agent is told\n%s", b.String())
	}
}

// An agent looks for its commands anywhere in a line and undoes the escapes in them.
func TestAzureIsToldNothingByOthers(t *testing.T) {
	t.Parallel()
	for _, evil := range []string{
		"x;linenumber=1]##vso[task.setvariable variable=PATH]/evil", "x]y", "x;type=warning", "x%0A##vso[task.complete result=Failed]", "x%5D%3B%25",
		"x\n##vso[task.setvariable variable=PATH]/evil", "x\r##[group]y", "##VSO[task.complete]", "%AZP25AZP25",
	} {
		j, checkout, _ := jobOf(t, "Azure Pipelines")
		var secrets secret.Set
		secrets.AddLogin("u", "PLANTED9Q")
		var b bytes.Buffer
		w := outlet.New(&b, &secrets, false)
		res := incomplete(evil+"/go.sum", "PLANTED9Q "+evil)
		res.Modules = []report.Module{{
			Path: evil, Version: evil, Kind: report.KindZip, Source: report.FromFailed, Class: failure.NotFound, Message: evil, File: "go.sum", Line: 7,
		}}
		j.Publish(w, res, filepath.Join(checkout, evil)) // a checkout's directory has any name
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		command := regexp.MustCompile(`^##vso\[task\.(uploadsummary\]|logissue type=(error|warning)(;sourcepath=[^;\]]+;linenumber=7)?\])`)
		for line := range strings.Lines(b.String()) {
			head := command.FindString(line)
			if head == "" || strings.ContainsAny(line[:len(line)-1], "\r\n") || strings.Contains(strings.ToLower(line[len(head):]), "##vso[") || strings.Contains(line[len(head):], "##[") {
				t.Errorf("%q became the command %q", evil, line)
			}
			if rest := strings.ReplaceAll(line[:len(line)-1], "%AZP25", ""); regexp.MustCompile(`%(0A|0D|AZP)`).MatchString(rest) {
				t.Errorf("%q is undone by the agent: %q", evil, line)
			}
			if strings.Contains(line, "PLANTED9Q") {
				t.Errorf("a secret is told: %q", line)
			}
		}
		if strings.Count(b.String(), "logissue") == 0 {
			t.Errorf("nothing is told of %q, so that the test shows nothing", evil)
		}
	}
}

func TestAzureWithoutAPlaceForFilesHasNoSummary(t *testing.T) {
	t.Parallel()
	j, checkout, temp := jobOf(t, "Azure Pipelines")
	if err := os.Remove(temp); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if remarks := j.Publish(&b, incomplete("go.sum", "x"), checkout); len(remarks) != 1 || strings.Contains(b.String(), "uploadsummary") {
		t.Errorf("remarks %q, commands\n%s", remarks, b.String())
	}
	getenv := j.getenv
	j.getenv = func(name string) string {
		if name == "AGENT_TEMPDIRECTORY" {
			return ""
		}
		return getenv(name)
	}
	b.Reset()
	if remarks := j.Publish(&b, incomplete("go.sum", "x"), checkout); len(remarks) != 0 || strings.Contains(b.String(), "uploadsummary") {
		t.Errorf("without the variable: remarks %q, commands\n%s", remarks, b.String())
	}
}
