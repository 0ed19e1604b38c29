// Package gitlab is what a command adds in a GitLab CI job: sections of the log,
// reports, a note on the merge request, and a module cache where the go command's
// cannot be created. The template for such jobs is in directory templates.
//
// Its main invariant is that of package github: it never breaks a job that would
// have worked. What cannot be published is a remark in the log.
package gitlab

import (
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/modferry/modferry/action/owndir"
	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/goenv"
)

// Job is a GitLab CI job, as its predefined variables describe it. Unlike GitHub's
// action it is not a program: commands run as lines of the job's script, and this
// adds what GitLab shows. All methods work on nil, which is everywhere else, and do
// nothing then unless they say so.
type Job struct {
	getenv  func(string) string
	project string // CI_PROJECT_DIR, the only directory that GitLab takes files from
}

// Detect returns the GitLab CI job that the program runs in; nil elsewhere.
func Detect(getenv func(string) string) *Job {
	project := getenv("CI_PROJECT_DIR")
	if getenv("GITLAB_CI") != "true" || !filepath.IsAbs(project) {
		return nil
	}
	return &Job{getenv: getenv, project: filepath.Clean(project)}
}

// own is the directory of the project that modferry's defaults are in.
func (g *Job) own() string { return filepath.Join(g.project, owndir.Name) }

// within returns where dir is in the project, slash-separated and "" for the
// project itself; false when it is outside. Links on the way to the project do not
// matter: a runner's builds directory often is one.
func (g *Job) within(dir string) (rel string, ok bool) {
	if g == nil || dir == "" {
		return "", false
	}
	for _, resolve := range []func(string) string{absolute, diskfile.Real} {
		if rel, err := filepath.Rel(resolve(g.project), resolve(dir)); err == nil && filepath.IsLocal(rel) {
			return strings.TrimPrefix(path.Clean("/"+filepath.ToSlash(rel)), "/"), true
		}
	}
	return "", false
}

// absolute is the absolute path; the path itself where there is no working
// directory.
func absolute(name string) string {
	abs, err := filepath.Abs(name)
	if err != nil {
		return name
	}
	return abs
}

// Hide keeps git from seeing modferry's directory in the project, including the
// artifacts of earlier jobs.
func (g *Job) Hide() error {
	if g == nil {
		return nil
	}
	if info, err := os.Stat(g.own()); err != nil || !info.IsDir() {
		return nil
	}
	return owndir.Hide(g.project, g.own())
}

// ModCache returns the module cache to use when wanted, the go command's, cannot be
// created, as for a user without a home directory. The remark says so; both are ""
// when wanted works.
func (g *Job) ModCache(wanted string) (dir, remark string) {
	if g == nil || wanted != "" && !filepath.IsAbs(wanted) { // an invalid setting, which is reported elsewhere
		return "", ""
	}
	reason := "GOMODCACHE and GOPATH are not set and there is no home directory"
	if wanted != "" {
		err := os.MkdirAll(wanted, 0o777)
		if err == nil {
			return "", ""
		}
		reason = err.Error()
	}
	remark = "the module cache is " + filepath.Join(g.own(), "mod") + ", because the go command's cannot be created (" + reason +
		"); go commands of this job use it after `eval \"$(modferry env)\"`"
	if g.getenv("GOCACHE") == "" && g.getenv("XDG_CACHE_HOME") == "" {
		remark += "; without a home directory they need GOCACHE too"
	}
	return filepath.Join(g.own(), "mod"), remark
}

// GOFLAGS returns what GOFLAGS must be when the module cache is in the project:
// GitLab cleans the project for the next job, and cannot remove the read-only
// directories that the go command makes. "" means that GOFLAGS stays as it is.
func (g *Job) GOFLAGS(env goenv.Env) string {
	if _, ok := g.within(env.Get("GOMODCACHE")); !ok {
		return ""
	}
	return owndir.Removable(env.Get("GOFLAGS"))
}
