package e2e

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/modferry/modferry/docs/docstest"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// newPlainPipeline is a pipeline of a small project.
func newPlainPipeline(t *testing.T, dirs ...string) *pipeline {
	t.Helper()
	needGitLab(t)
	f := mirrortest.Generate(t, 3, 10_000)
	p := &pipeline{t: t, dir: filepath.Join(t.TempDir(), "repository"), modules: filepath.Join(memory(t), "mod"), inputs: map[string]string{}}
	p.mirror = mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	h := mirrortest.StartHosts(t, publicMirrors(t, f))
	p.more = map[string]string{
		"GOPROXY": p.mirror.URL, "GOSUMDB": "off", "GOENV": "off", "GOTOOLCHAIN": "local", "GOFLAGS": "-modcacherw",
		"GOCACHE": goCache, "HTTPS_PROXY": h.URL, "SSL_CERT_FILE": h.CAFile, "MODFERRY_PROBE_TIMEOUT": "1m",
	}
	for _, dir := range append(dirs, ".") {
		f.WriteCheckout(t, filepath.Join(p.dir, dir), mirrortest.Checkout{Module: path.Join("example.test/main", dir)})
	}
	t.Cleanup(func() { writable(t, p.modules) })
	return p
}

// publicMirrors are handlers for the hosts of the public mirrors.
func publicMirrors(t *testing.T, f *mirrortest.Fixtures) map[string]http.Handler {
	t.Helper()
	handlers := map[string]http.Handler{}
	for _, p := range mirror.PublicCatalogue() {
		u, err := url.Parse(p.URL)
		if err != nil {
			t.Fatal(err)
		}
		s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Base: u.Path})
		handlers[u.Host] = httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: s.Addr})
	}
	return handlers
}

// ours is how the documents name our template, and what has no meaning for
// gitlab-ci-local, which runs jobs with an image in a container's directories.
var (
	ours      = regexp.MustCompile(`(?m)^(  - )(?:remote|local|component|project): .*$`)
	imageLine = regexp.MustCompile(`(?m)^  image: .*\n`)
)

const include = "include:\n  - local: templates/modferry.yml\n    inputs: {image: modferry:test}\n"

func TestExamplesOfPipelines(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		id   string
		run  []string            // the jobs, in their order
		text func(string) string // what surrounds the example; nil for nothing
		dirs []string            // with modules beside that of the root
		see  string              // in the log
	}{
		{id: "docs/gitlab.md#gitlab-ci yaml", run: []string{"modferry", "test"}, see: "exact hit"},
		{id: "action/gitlab/README.md#modferry yaml", run: []string{"modferry", "test"}, see: "exact hit"},
		{id: "README.zh-CN.md#在中国大陆先这样设置 yaml 2", run: []string{"modferry", "test"}, text: func(include string) string {
			return include + "test:\n  extends: .modferry\n  script: [go test ./...]\n"
		}, see: "exact hit"},
		{id: "docs/gitlab.md#your-own-jobs yaml", run: []string{"modferry", "test"}, text: included, see: "exact hit"},
		{id: "docs/gitlab.md#your-own-jobs yaml 2", run: []string{"modferry", "test"}, text: included, see: "exact hit"},
		{id: "docs/gitlab.md#your-own-jobs yaml 3", run: []string{"modferry", "test"}, text: func(inputs string) string {
			return "include:\n  - local: templates/modferry.yml\n" + inputs + "test:\n  extends: .modferry\n  script: [go test ./...]\n"
		}},
		{id: "docs/gitlab.md#a-single-job yaml", run: []string{"test"}, see: "saved to the cache"},
		{id: "docs/gitlab.md#inputs yaml", run: []string{"modferry"}, text: included, see: "saved to the cache"},
		{id: "docs/gitlab.md#mirrors-and-private-modules yaml", run: []string{"modferry", "test"}, text: func(before string) string {
			return included("test:\n  extends: .modferry\n" + before + "  script:\n    - cat ~/.netrc\n    - go test ./...\n")
		}, see: "machine gitlab.example.test login gitlab-ci-token password "},
		{id: "docs/gitlab.md#monorepos yaml", run: []string{"modferry-api", "modferry-web"}, dirs: []string{"services/api", "services/web"}, see: "saved to the cache"},
		{id: "docs/env.md#gitlab yaml", run: []string{"test"}},
		{id: "docs/env.md#gitlab yaml 2", run: []string{"mirrors", "test"}},
		{id: "docs/reports.md#reports-what-a-run-records-and-in-which-formats yaml", run: []string{"modferry", "modules"}, text: included},
		{id: "docs/relay.md#in-ci yaml", run: []string{"test"}, see: "ok: "},
	} {
		t.Run(test.id, func(t *testing.T) {
			t.Parallel()
			p := newPlainPipeline(t, test.dirs...)
			text := imageLine.ReplaceAllString(docstest.Text(t, test.id), "")
			if test.text != nil {
				text = test.text(text)
			}
			text = ours.ReplaceAllString(text, "${1}local: templates/modferry.yml")
			text = strings.ReplaceAll(text, "/mnt/ci-cache", filepath.Join(t.TempDir(), "ci-cache"))
			p.commitAs(p.template(true), text)
			log := ""
			for _, job := range test.run {
				// Each machine has a module cache of its own.
				p.more["GOMODCACHE"] = filepath.Join(p.modules, job)
				log += p.mustRun(job)
			}
			if !strings.Contains(log, test.see) {
				t.Errorf("the log does not say %q:\n%s", test.see, tail([]byte(log)))
			}
			if test.id == "docs/env.md#gitlab yaml 2" {
				if got := string(p.file("mirrors", ".gitlab-ci-reports/dotenv/modferry.env")); !strings.HasPrefix(got, "GOPROXY="+p.mirror.URL) {
					t.Errorf("later jobs get %q", got)
				}
			}
		})
	}
}

// included is jobs beside our template.
func included(jobs string) string { return include + jobs }

// The relay as a service of a job, in mainland China: variables of the job are those of
// the service.
func TestExampleOfAServiceOfAJob(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 3, 10_000)
	dir := t.TempDir()
	f.WriteCheckout(t, dir, mirrortest.Checkout{})
	var pipeline struct {
		Test struct {
			Services  []struct{ Command []string }
			Variables map[string]string
			Script    []string
		}
	}
	port := mirrortest.FreePort(t)
	text := docstest.Swap(t, docstest.Text(t, "docs/relay.zh-CN.md#在中国大陆 yaml"), "modferry:8642", "localhost:"+port, `":8642"`, `":`+port+`"`, "NO_PROXY: modferry", "NO_PROXY: localhost")
	if err := yaml.Unmarshal([]byte(text), &pipeline); err != nil {
		t.Fatal(err)
	}
	job := pipeline.Test
	h := mirrortest.StartHosts(t, publicMirrors(t, f))
	env := h.Env()
	for name, value := range job.Variables {
		env = append(env, name+"="+value)
	}
	m := newReader(t, dir, append(env, "GOSUMDB=off")...)
	m.bash("trap 'kill $(jobs -p)' EXIT\n" + strings.Join(job.Services[0].Command, " ") + " &\nuntil modferry serve --check 2>/dev/null; do sleep 0.1; done\n" + strings.Join(job.Script, "\n"))
}

// The scripts of other CI systems, by the shell that these run them in.
func TestExamplesOfOtherCISystems(t *testing.T) {
	t.Parallel()
	for id, paths := range map[string][]string{
		"docs/ci.md#buildkite yaml":           {"$.steps[0].command"},
		"docs/ci.md#bitbucket-pipelines yaml": {"$.pipelines.default[0].step.script[0]"},
		"docs/ci.md#woodpecker yaml":          {"$.steps[0].commands[0]", "$.steps[0].commands[1]", "$.steps[1].commands[0]"},
		"docs/ci.md#drone yaml":               {"$.steps[0].commands[0]", "$.steps[0].commands[1]", "$.steps[1].commands[0]"},
		"docs/ci.md#tekton yaml":              {"$.tasks[0].params[0].value"},
	} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			_, s, dir := modules(t)
			text := docstest.Text(t, id)
			m := newReader(t, dir, "GOPROXY="+s.URL)
			var script string
			for _, path := range paths {
				at, err := yaml.PathString(path)
				if err != nil {
					t.Fatal(err)
				}
				var line string
				if err := at.Read(strings.NewReader(text), &line); err != nil {
					t.Fatalf("%s: %v", path, err)
				}
				script += strings.Replace(line, "/usr/local/bin/modferry", binary, 1) + "\n"
			}
			if id == "docs/ci.md#tekton yaml" {
				script = "modferry exec -- " + script
			}
			if kept := regexp.MustCompile(`MODFERRY_CACHE: dir:(\S+)`).FindStringSubmatch(text); kept != nil {
				m = m.with("MODFERRY_CACHE=dir:" + filepath.Join(t.TempDir(), kept[1]))
			}
			if out := m.bash(script); !strings.Contains(out, "ok: ") {
				t.Errorf("there is no report:\n%s", out)
			}
		})
	}
}
