package report_test

import (
	"testing"

	"github.com/modferry/modferry/internal/report"
)

func TestOnlyPagesOfJobsAreLinkedTo(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"https://ci.example.test/a/b/actions/runs/7": "https://ci.example.test/a/b/actions/runs/7",
		"http://ci.example.test/-/jobs/1":            "http://ci.example.test/-/jobs/1",
		"javascript:alert(1)":                        "",
		"//ci.example.test/":                         "",
		"https://me:secret@ci.example.test/":         "",
		"https://ci.example.test/\x1b[31m":           "",
		"":                                           "",
	} {
		if got := (&report.Project{URL: url}).Link(); got != want {
			t.Errorf("%q: got %q, want %q", url, got, want)
		}
	}
	var none *report.Project
	if none.Name() != "" || none.Link() != "" || none.ShortCommit() != "" {
		t.Error("a run without a project has a name, a link or a commit")
	}
	if got := (&report.Project{Repository: "a/b", Dir: "services/api", Module: "m.example.test"}).Name(); got != "a/b/services/api" {
		t.Errorf("got the name %q", got)
	}
}
