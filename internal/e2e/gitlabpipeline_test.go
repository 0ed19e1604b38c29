package e2e

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// gitLabProject is a public project, small and with real dependencies.
var gitLabProject = project{Version: module.Version{Path: "github.com/spf13/cobra", Version: "v1.10.2"}}

// pipeline is a project with our template on a GitLab that gitlab-ci-local
// plays: it reads templates, inputs, caches, artifacts and reports as GitLab
// does, and runs the jobs in shells, each in a directory of its own.
type pipeline struct {
	t       *testing.T
	dir     string // the repository
	mirror  *mirrortest.Server
	jobs    string            // of the project's own .gitlab-ci.yml
	inputs  map[string]string // of the template
	more    map[string]string // variables of all jobs
	sub     string            // directory of the module within the repository
	modules string            // where the jobs have their module caches, each its own
}

// needGitLab is what a pipeline needs.
func needGitLab(t *testing.T) {
	t.Helper()
	needNPM(t)
	_, err := os.Stat(filepath.Join(npm(), "node_modules", "gitlab-ci-local"))
	need(t, err == nil, "MODFERRY_E2E_NPM has no gitlab-ci-local")
	for _, program := range []string{"bash", "git", "rsync"} {
		_, err := exec.LookPath(program)
		need(t, err == nil, program+" is not on the search path")
	}
}

func newPipeline(t *testing.T, sub string) *pipeline {
	t.Helper()
	needGitLab(t)
	need(t, record.base != "", "go env GOPROXY names no mirror to get the sources of real projects from")
	p := &pipeline{t: t, dir: filepath.Join(t.TempDir(), "repository"), sub: sub, modules: filepath.Join(memory(t), "mod"), inputs: map[string]string{}}
	p.mirror = mirrortest.Start(t, mirrortest.Options{Handler: record})
	at := newPlace(t, p.mirror)
	p.more = map[string]string{
		"GOPROXY": p.mirror.URL, "GOSUMDB": strings.TrimPrefix(at.env[0], "GOSUMDB="), "GOENV": "off", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly",
		"GOCACHE": goCache,
	}
	copyTree(t, filepath.Join(p.dir, sub), gitLabProject.checkout(t))
	t.Cleanup(func() { writable(t, p.modules) })
	return p
}

// template is our template. gitlab-ci-local runs a job with an image in
// a container's directories even where it runs it in a shell, so the image is
// left out of a copy that is to be run.
func (p *pipeline) template(runnable bool) string {
	p.t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "action", "gitlab", "templates", "modferry.yml"))
	if err != nil {
		p.t.Fatal(err)
	}
	if !runnable {
		return string(data)
	}
	const image = "\n  image: $[[ inputs.image ]]\n"
	if strings.Count(string(data), image) != 1 {
		p.t.Fatal("the template names the image in another way than this test knows")
	}
	return strings.Replace(string(data), image, "\n", 1)
}

// commit writes the files of the pipeline and commits everything.
func (p *pipeline) commit(template, include string) {
	p.t.Helper()
	var b strings.Builder
	b.WriteString("include:\n  - " + include + "\n    inputs:\n      image: modferry:test\n")
	for name, value := range p.inputs {
		b.WriteString("      " + name + ": " + value + "\n")
	}
	b.WriteString("stages: [build]\nmodferry:\n  variables: {GOMODCACHE: " + filepath.Join(p.modules, "modferry") + "}\n" + p.jobs)
	p.commitAs(template, b.String())
}

// commitAs writes our template and the project's own .gitlab-ci.yml, and commits
// everything.
func (p *pipeline) commitAs(template, text string) {
	p.t.Helper()
	for name, text := range map[string]string{"templates/modferry.yml": template, ".gitlab-ci.yml": text} {
		name = filepath.Join(p.dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			p.t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			p.t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{"init", "-q", "-b", "main"}, {"add", "-A"}, {"commit", "-q", "-m", "all"},
		{"remote", "add", "origin", "git@gitlab.example.test:group/app.git"},
	} {
		cmd := exec.Command("git", append([]string{"-c", "user.name=x", "-c", "user.email=x@example.test"}, args...)...)
		cmd.Dir = p.dir
		if out, err := cmd.CombinedOutput(); err != nil {
			p.t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
}

// run runs jobs, or another command of gitlab-ci-local, and returns whether it
// succeeded and what it said, without colours.
func (p *pipeline) run(args ...string) (ok bool, log string) {
	p.t.Helper()
	all := []string{filepath.Join(npm(), "node_modules", "gitlab-ci-local", "dist", "index.js"),
		"--force-shell-executor", "--shell-isolation", "--no-color", "--no-artifacts-to-source",
		// It says false of itself.
		"--variable", "GITLAB_CI=true", "--ignore-predefined-vars", "GITLAB_CI"}
	for name, value := range p.more {
		all = append(all, "--variable", name+"="+value)
	}
	cmd := exec.Command("node", append(all, args...)...)
	cmd.Dir = p.dir
	home := p.t.TempDir()
	noTelemetry(p.t, home)
	cmd.Env = []string{"PATH=" + filepath.Dir(binary) + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME=" + home, "CI=true"}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	return err == nil, colours.ReplaceAllString(out.String(), "")
}

var colours = regexp.MustCompile("\x1b\\[[0-9;]*m")

// file is what a job left as an artifact.
func (p *pipeline) file(job, name string) []byte {
	p.t.Helper()
	data, err := os.ReadFile(filepath.Join(p.dir, ".gitlab-ci-local", "artifacts", job, name))
	if err != nil {
		p.t.Fatal(err)
	}
	return data
}

// mustRun is run of what is to succeed.
func (p *pipeline) mustRun(args ...string) string {
	p.t.Helper()
	ok, log := p.run(args...)
	if !ok {
		p.t.Fatalf("gitlab-ci-local %v failed\n%s", args, tail([]byte(log)))
	}
	return log
}
