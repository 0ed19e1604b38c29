// Package gitlab is what a command adds in a job of GitLab CI: sections of the log,
// reports, a note on the merge request, and a module cache that can be made. The
// template for such jobs is in directory templates.
//
// Its main invariant is that of package github: it adds to a job and never takes
// from it. What cannot be published is a remark.
package gitlab

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/modferry/modferry/action/owndir"
	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/goenv"
)

// Job is a job of GitLab CI, as its predefined variables describe it. Unlike
// GitHub's action it is no program of its own: commands run as lines of the
// job's script, and this adds to them what GitLab shows. All methods work on
// nil, which is every other place, and do nothing there but where they say so.
type Job struct {
	getenv  func(string) string
	project string // CI_PROJECT_DIR, the only directory that GitLab takes files from
	now     func() time.Time
}

// Detect returns the job of GitLab that the program runs in; nil elsewhere.
func Detect(getenv func(string) string) *Job {
	project := getenv("CI_PROJECT_DIR")
	if getenv("GITLAB_CI") != "true" || !filepath.IsAbs(project) {
		return nil
	}
	return &Job{getenv: getenv, project: filepath.Clean(project), now: time.Now}
}

// own is the directory of the project that modferry's defaults are in.
func (g *Job) own() string { return filepath.Join(g.project, owndir.Name) }

// within returns where dir is in the project, slash-separated and "" for the
// project itself; false when it is outside. Links on the way there count for
// nothing: a runner's builds directory often is one.
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

// Hide keeps what is in modferry's directory of the project out of git's sight,
// artifacts of earlier jobs included.
func (g *Job) Hide() error {
	if g == nil {
		return nil
	}
	if info, err := os.Stat(g.own()); err != nil || !info.IsDir() {
		return nil
	}
	return owndir.Hide(g.project, g.own())
}

// ModCache returns the module cache to use when wanted, the go command's, cannot
// be made: a user without a home directory has none that works. The remark says
// so; both are "" where nothing needs to be done.
func (g *Job) ModCache(wanted string) (dir, remark string) {
	if g == nil || wanted != "" && !filepath.IsAbs(wanted) { // a mistake that is told elsewhere
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

// GOFLAGS returns what GOFLAGS has to be where the module cache is in the
// project: GitLab cleans that for the next job, and cannot remove the directories
// of modules that the go command makes read-only. "" where it is to stay as it is.
func (g *Job) GOFLAGS(env goenv.Env) string {
	if _, ok := g.within(env.Get("GOMODCACHE")); !ok {
		return ""
	}
	return owndir.Removable(env.Get("GOFLAGS"))
}
