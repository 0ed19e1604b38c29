package github

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/modferry/modferry/action/annotate"
	"github.com/modferry/modferry/internal/report"
)

func check(annotations int) checkRun {
	c := checkRun{Name: "modferry", SHA: headSHA, Conclusion: "failure", Title: "2 files are missing", Summary: "# modferry\n"}
	for i := range annotations {
		c.Annotations = append(c.Annotations, annotate.Annotation{Level: annotate.LevelError, File: "go.mod", Line: i + 1, Title: "t", Message: fmt.Sprint("m", i)})
	}
	return c
}

func TestCheckRunHasAllAnnotations(t *testing.T) {
	t.Parallel()
	for n, want := range map[int][]string{
		0:   {"POST /check-runs"},
		50:  {"POST /check-runs"},
		51:  {"POST /check-runs", "PATCH /check-runs/77"},
		120: {"POST /check-runs", "PATCH /check-runs/77", "PATCH /check-runs/77"},
	} {
		api := newRESTAPI(t)
		g := api.repository(t)
		if remark := publishCheck(t.Context(), g, check(n)); remark != "" {
			t.Fatalf("%d annotations: %s", n, remark)
		}
		if diff := cmp.Diff(want, api.asked()); diff != "" {
			t.Errorf("%d annotations (-want +got):\n%s", n, diff)
		}
		var messages []string
		for i, c := range api.checks {
			output := c["output"].(map[string]any)
			if c["name"] != "modferry" || c["status"] != "completed" || c["conclusion"] != "failure" || output["title"] != "2 files are missing" || output["summary"] != "# modferry\n" {
				t.Errorf("request %d is %v", i, c)
			}
			if sha := c["head_sha"]; i == 0 && sha != headSHA {
				t.Errorf("the check run is about %v", sha)
			}
			annotations, _ := output["annotations"].([]any)
			for _, x := range annotations {
				messages = append(messages, x.(map[string]any)["message"].(string))
			}
		}
		for i, m := range messages {
			if m != fmt.Sprint("m", i) {
				t.Errorf("annotation %d is %q", i, m)
			}
		}
		if len(messages) != n {
			t.Errorf("%d annotations arrived, want %d", len(messages), n)
		}
	}
}

func TestCheckAnnotationsHaveThePlaceThatTheAPIWants(t *testing.T) {
	t.Parallel()
	api := newRESTAPI(t)
	g := api.repository(t)
	c := check(0)
	c.Annotations = []annotate.Annotation{
		{Level: annotate.LevelError, File: "a/go.mod", Line: 7, Title: "t", Message: "m"},
		{Level: annotate.LevelWarning, File: "go.sum", Message: "m"},
		{Level: annotate.LevelNotice, Line: 5, Message: "m"},
	}
	if remark := publishCheck(t.Context(), g, c); remark != "" {
		t.Fatal(remark)
	}
	want := []any{
		map[string]any{"path": "a/go.mod", "start_line": 7.0, "end_line": 7.0, "annotation_level": "failure", "title": "t", "message": "m"},
		map[string]any{"path": "go.sum", "start_line": 1.0, "end_line": 1.0, "annotation_level": "warning", "message": "m"},
		map[string]any{"path": ".github", "start_line": 1.0, "end_line": 1.0, "annotation_level": "notice", "message": "m"},
	}
	if diff := cmp.Diff(want, api.checks[0]["output"].(map[string]any)["annotations"]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestConclusionFollowsTheOutcome(t *testing.T) {
	t.Parallel()
	modules := func(sources ...string) *report.Result {
		r := &report.Result{Outcome: report.OK}
		for _, s := range sources {
			r.Modules = append(r.Modules, report.Module{Source: s})
		}
		report.Aggregate(r)
		return r
	}
	tests := map[string]struct {
		r    *report.Result
		want string
	}{
		"nothing needed":    {modules(), "success"},
		"fetched":           {modules(report.FromMirror, report.FromPresent), "success"},
		"some deferred":     {modules(report.FromMirror, report.FromDeferred), "success"},
		"all deferred":      {modules(report.FromDeferred, report.FromDeferred), "neutral"},
		"incomplete":        {&report.Result{Outcome: report.Incomplete}, "failure"},
		"not ready":         {&report.Result{Outcome: report.NotReady}, "neutral"},
		"integrity":         {&report.Result{Outcome: report.Integrity}, "failure"},
		"settings":          {&report.Result{Outcome: report.Settings}, "failure"},
		"of a newer format": {&report.Result{Outcome: "else"}, "failure"},
	}
	for name, test := range tests {
		if got := conclusion(test.r); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

func TestRefusalsAreInformation(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{
		401: "the token has expired or is not for this server",
		403: "the job needs permissions: checks: write, which pull requests from forks",
		404: "this server has no such repository or pull request, or the token cannot see it",
		422: "the server rejects it",
		429: "the rate limit of the server is reached",
		500: "HTTP 500",
	} {
		api := newRESTAPI(t)
		api.before = func(w http.ResponseWriter, _ *http.Request) bool {
			refuse(w, status, hostileText+" with "+apiToken)
			return true
		}
		g := api.repository(t)
		remark := publishCheck(t.Context(), g, check(60))
		if !strings.HasPrefix(remark, "the check run was not published: ") || !strings.Contains(remark, want) {
			t.Errorf("HTTP %d: %q, want %q in it", status, remark, want)
		}
		if strings.ContainsAny(remark, "\r\n\x1b") || strings.Contains(remark, "##[") || strings.Contains(remark, apiToken) || strings.Contains(remark, "hunter2") {
			t.Errorf("HTTP %d: %q is not neutral", status, remark)
		}
		if asked := api.asked(); len(asked) != 1 {
			t.Errorf("HTTP %d: asked %v", status, asked)
		}
	}
}

func TestACheckRunThatStaysIncompleteIsTold(t *testing.T) {
	t.Parallel()
	api := newRESTAPI(t)
	api.before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPatch {
			refuse(w, http.StatusForbidden, "no more")
		}
		return r.Method == http.MethodPatch
	}
	g := api.repository(t)
	if remark := publishCheck(t.Context(), g, check(120)); !strings.HasPrefix(remark, "the check run has only 50 of 120 annotations: ") {
		t.Error(remark)
	}
	c := check(0)
	c.SHA = ""
	if remark := publishCheck(t.Context(), g, c); remark != "the check run was not published: the commit is unknown" {
		t.Error(remark)
	}
}
