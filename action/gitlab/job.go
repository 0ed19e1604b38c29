// Package gitlab is what a command adds in a GitLab CI job: sections of the log,
// reports, a note on the merge request, and a module cache where the go command's
// cannot be created. The template for such jobs is in directory templates.
//
// Its main invariant is that of package github: it never breaks a job that would
// have worked. What cannot be published is a remark in the log.
package gitlab

import (
	"os"
	"path/filepath"

	"github.com/modferry/modferry/action/owndir"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/settings"
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

// within is owndir.Within for the project; outside GitLab nothing is.
func (g *Job) within(dir string) (rel string, ok bool) {
	if g == nil {
		return "", false
	}
	return owndir.Within(g.project, dir)
}

// Hide keeps git from seeing modferry's directory in the project, including the
// artifacts of earlier jobs.
func (g *Job) Hide() error {
	if g == nil {
		return nil
	}
	return owndir.HideOwn(g.project)
}

// Environment is session.Environment of a run in the job. It keeps the module cache
// where GitLab can save it, and such that GitLab, which cleans the project for the
// next job, can remove it: v says so then. The remark is about a module cache that
// had to be moved.
func (g *Job) Environment(v *settings.Values, host goenv.Host) (env goenv.Env, findings []finding.Finding, remark string, err error) {
	if g != nil && v.ModCache == "" {
		env, _, _ = session.Environment(v, host) // an error comes again
		if remark = g.unusable(env.Get("GOMODCACHE")); remark != "" {
			v.ModCache, v.Sources["modcache"] = g.modcache(), "default on GitLab without a home directory"
		}
	}
	env, findings, err = owndir.Environment(v, host, func(modcache string) bool {
		_, inProject := g.within(modcache)
		return inProject
	})
	return env, findings, remark, err
}

func (g *Job) modcache() string { return filepath.Join(g.own(), "mod") }

// unusable is a remark where the go command's module cache cannot be created, as
// for a user without a home directory, and "" where it can. An invalid setting is
// reported elsewhere.
func (g *Job) unusable(modcache string) string {
	reason := "GOMODCACHE and GOPATH are not set and there is no home directory"
	if modcache != "" {
		if !filepath.IsAbs(modcache) {
			return ""
		}
		err := os.MkdirAll(modcache, 0o777)
		if err == nil {
			return ""
		}
		reason = err.Error()
	}
	remark := "the module cache is " + g.modcache() + ", because the go command's cannot be created (" + reason +
		"); go commands of this job use it after `eval \"$(modferry env)\"`"
	if g.getenv("GOCACHE") == "" && g.getenv("XDG_CACHE_HOME") == "" {
		remark += "; without a home directory they need GOCACHE too"
	}
	return remark
}
