package forge_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/modferry/modferry/action/forge"
	"github.com/modferry/modferry/internal/report"
)

func TestAResultNamesItsJob(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		env       map[string]string
		top, root string
		want      *report.Project
	}{
		{"elsewhere", nil, "/w", "/w", &report.Project{Module: "m.example.test"}},
		{"on GitHub, in a directory", map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "a/b", "GITHUB_SHA": "0123abcd", "GITHUB_JOB": "test",
			"GITHUB_SERVER_URL": "https://github.example.test", "GITHUB_RUN_ID": "7"}, "/w", "/w/services/api",
			&report.Project{Module: "m.example.test", Repository: "a/b", Commit: "0123abcd", Job: "test", Dir: "services/api", URL: "https://github.example.test/a/b/actions/runs/7"}},
		{"on GitLab", map[string]string{"GITLAB_CI": "true", "CI_PROJECT_PATH": "g/s/p", "CI_COMMIT_SHA": "0123abcd", "CI_JOB_NAME": "unit", "CI_JOB_URL": "https://gitlab.example.test/j/1"}, "/w", "/w",
			&report.Project{Module: "m.example.test", Repository: "g/s/p", Commit: "0123abcd", Job: "unit", URL: "https://gitlab.example.test/j/1"}},
		{"outside the workspace", map[string]string{"GITLAB_CI": "true"}, "/w", "/elsewhere", &report.Project{Module: "m.example.test"}},
	} {
		res := &report.Result{Project: &report.Project{Module: "m.example.test"}}
		forge.Describe(res, func(name string) string { return tt.env[name] }, tt.top, tt.root)
		if diff := cmp.Diff(tt.want, res.Project); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
