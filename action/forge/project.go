package forge

import (
	"net/url"
	"path/filepath"

	"github.com/modferry/modferry/internal/report"
)

// Describe adds to a result what the variables of a job on GitHub or GitLab say of
// it: repository, commit, job, the job's page, and where in top, the directory of
// the repository, the checkout root lies. Elsewhere it adds nothing.
func Describe(res *report.Result, getenv func(string) string, top, root string) {
	p := &report.Project{}
	switch {
	case getenv("GITHUB_ACTIONS") == "true":
		p.Repository, p.Commit, p.Job = getenv("GITHUB_REPOSITORY"), getenv("GITHUB_SHA"), getenv("GITHUB_JOB")
		if u, err := url.Parse(getenv("GITHUB_SERVER_URL")); err == nil && u.Host != "" && p.Repository != "" && getenv("GITHUB_RUN_ID") != "" {
			p.URL = u.JoinPath(p.Repository, "actions", "runs", getenv("GITHUB_RUN_ID")).String()
		}
	case getenv("GITLAB_CI") == "true":
		p.Repository, p.Commit, p.Job, p.URL = getenv("CI_PROJECT_PATH"), getenv("CI_COMMIT_SHA"), getenv("CI_JOB_NAME"), getenv("CI_JOB_URL")
	default:
		return
	}
	if rel, err := filepath.Rel(top, root); err == nil && top != "" && root != "" && rel != "." && filepath.IsLocal(rel) {
		p.Dir = filepath.ToSlash(rel)
	}
	if res.Project != nil {
		p.Module = res.Project.Module
	}
	res.Project = p
}
