//go:build linux

package runner

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/rhysd/actionlint"

	"github.com/modferry/modferry/docs/docstest"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/store/gha/ghatest"
)

// flow is a workflow of the documents, which may show a part of one.
type flow struct {
	Env       map[string]string `yaml:"env"`
	Jobs      map[string]*flow  `yaml:"jobs"`
	Steps     []flowStep        `yaml:"steps"`
	Container string            `yaml:"container"`
}

type flowStep struct {
	ID   string            `yaml:"id"`
	If   string            `yaml:"if"`
	Uses string            `yaml:"uses"`
	With map[string]any    `yaml:"with"`
	Env  map[string]string `yaml:"env"`
	Run  string            `yaml:"run"`
}

// whole makes a workflow of the part of one.
func whole(text string) string {
	first := len(text) - len(strings.TrimLeft(text, " "))
	text = regexp.MustCompile(`(?m)^ {`+strconv.Itoa(first)+`}`).ReplaceAllString(text, "")
	const job = "jobs:\n  test:\n    runs-on: ubuntu-latest\n"
	indented := func(n int) string {
		return regexp.MustCompile(`(?m)^(.)`).ReplaceAllString(text, strings.Repeat(" ", n)+"$1")
	}
	has := func(key string) bool { return regexp.MustCompile(`(?m)^` + key + `:`).MatchString(text) }
	on := "on: push\n"
	if has("on") {
		on = ""
	}
	switch {
	case regexp.MustCompile(`(?m)^- `).MatchString(text):
		return on + job + "    steps:\n" + indented(6)
	case has("jobs"):
		return on + text
	case has("steps"):
		i := strings.Index(text, "steps:")
		return on + text[:i] + job + regexp.MustCompile(`(?m)^(.)`).ReplaceAllString(text[i:], "    $1")
	case has("env"), has("permissions"):
		return on + text + job + "    steps: [{run: 'true'}]\n"
	}
	return on + "jobs:\n" + indented(2)
}

// documented are the workflows of the documents, and what their jobs have of secrets
// and files.
var documented = []struct {
	id    string
	check func(t *testing.T, n *internet, j *job)
	setup func(t *testing.T, n *internet, j *job)
}{
	{id: "README.md#modferry yaml"},
	{id: "README.zh-CN.md#在中国大陆先这样设置 yaml", check: fromChinaAlone},
	{id: "docs/README.md#behind-artifactory-or-nexus yaml", setup: corporate},
	{id: "docs/README.md#behind-artifactory-or-nexus yaml 2", setup: trusted},
	{id: "docs/cache.md#switching-from-actionssetup-go yaml"},
	{id: "docs/cache.md#switching-from-actionssetup-go yaml 2"},
	{id: "docs/github.md#the-github-action yaml"},
	{id: "docs/github.md#outputs yaml"},
	{id: "docs/github.md#permissions yaml"},
	{id: "docs/github.md#cache yaml 2"},
	{id: "docs/github.md#cache yaml 3", setup: afterTheAction},
	{id: "docs/github.md#mirrors-of-your-own yaml", setup: corporate},
	{id: "docs/github.md#mirrors-of-your-own yaml 2", check: netrcOfLaterSteps},
	{id: "docs/github.md#private-modules yaml", setup: privateModule, check: leftToGit},
	{id: "docs/github.md#private-modules yaml 2", check: gitHasTheToken},
	{id: "docs/github.md#monorepos yaml", setup: monorepo},
	{id: "docs/github.md#job-containers-and-services yaml"},
	{id: "docs/github.md#self-hosted-runners yaml", setup: afterTheAction},
	{id: "docs/env.md#github yaml", setup: afterTheAction},
	{id: "docs/pull-requests.md#recommended-setup yaml"},
	{id: "docs/relay.md#in-ci yaml 2", setup: afterTheAction}, // a sandbox has no /proc to copy the program from
	{id: "docs/github.md#pinning-and-verifying yaml"},
}

// TestWorkflowsOfTheDocuments runs the workflows of the documents as they are written,
// in a network where all hosts are on loopback.
func TestWorkflowsOfTheDocuments(t *testing.T) {
	for _, d := range documented {
		t.Run(d.id, func(t *testing.T) {
			t.Parallel()
			n := newInternet(t)
			if d.setup == nil {
				d.setup = trusted
			}
			n.workflow(t, whole(docstest.Text(t, d.id)), d.setup, d.check)
		})
	}
}

// TestQuickStartOfGitHub runs the workflow that init writes.
func TestQuickStartOfGitHub(t *testing.T) {
	t.Parallel()
	n, dir := newInternet(t), newDir(t)
	n.w.checkout(dir)
	if out, err := exec.Command(binary, "init", "--ci", "github", "-C", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(dir, ".github", "workflows", "modferry.yml"))
	if err != nil {
		t.Fatal(err)
	}
	lint(t, string(text))
	n.workflow(t, string(text), trusted, nil)
}

// TestQuickStartBehindArtifactorySaysWhyItIsRefused runs it with a secret that is
// empty, as in pull requests from forks.
func TestQuickStartBehindArtifactorySaysWhyItIsRefused(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	var f flow
	if err := yaml.Unmarshal([]byte(docstest.Text(t, "docs/README.md#behind-artifactory-or-nexus yaml")), &f); err != nil {
		t.Fatal(err)
	}
	j := n.w.join(newJob(t, layout{}, sandbox{}, n.w.checkout))
	j.env["HTTPS_PROXY"], j.env["GOSUMDB"] = n.hosts.URL, "off"
	corporate(t, n, j)
	j.with = map[string]string{}
	for name, v := range f.Steps[0].With {
		j.with[name] = expression.ReplaceAllString(fmt.Sprint(v), "")
	}
	main := j.main().expect(t, 1)
	if !strings.Contains(main.text, "HTTP 401") || !strings.Contains(main.text, "Bad credentials") {
		t.Errorf("the log does not say why:\n%s", tail(main.text))
	}
	if asked := n.hosts.Asked(); !slices.Equal(asked, []string{"artifactory.corp.example"}) {
		t.Errorf("asked %v", asked)
	}
}

// workflow runs the jobs of a workflow.
func (n *internet) workflow(t *testing.T, text string, setup, check func(*testing.T, *internet, *job)) {
	t.Helper()
	var f flow
	if err := yaml.Unmarshal([]byte(text), &f); err != nil {
		t.Fatal(err)
	}
	for _, part := range f.Jobs {
		j := n.w.join(newJob(t, layout{container: part.Container != ""}, sandbox{}, n.w.checkout))
		j.with = nil
		j.env["HTTPS_PROXY"], j.env["GOSUMDB"] = n.hosts.URL, "off" // no database of ours has the key of Go's
		setup(t, n, j)
		maps.Copy(j.env, f.Env)
		maps.Copy(j.env, part.Env)
		n.runs(t, j, part.Steps)
		if check != nil {
			check(t, n, j)
		}
	}
}

// TestActionlintAcceptsTheWorkflowsOfTheDocuments holds all of them to it, those
// that other tests run and those that use what GitHub alone has.
func TestActionlintAcceptsTheWorkflowsOfTheDocuments(t *testing.T) {
	t.Parallel()
	found := 0
	for _, page := range docstest.Pages(t) {
		for _, b := range docstest.Blocks(t, page) {
			if b.Lang == "yaml" && strings.Contains(b.Text, "uses: ") {
				found++
				lint(t, whole(b.Text))
			}
		}
	}
	if found < 20 {
		t.Errorf("found %d workflows, expected more", found)
	}
}

// lint is what actionlint has to say.
func lint(t *testing.T, text string) {
	t.Helper()
	l, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	found, err := l.Lint("workflow.yml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range found {
		t.Errorf("%v\n%s", e, text)
	}
}

// The credentials of the mirrors of a company.
const (
	mirrorPassword = "hunter2-of-the-mirror"
	mirrorToken    = "hunter2-of-the-exchange"
)

// internet is a network with the hosts of the documents: the public mirrors, and those
// of a company, which want a password and speak as Artifactory does.
type internet struct {
	w     *world
	hosts *mirrortest.Hosts
}

func newInternet(t *testing.T) *internet {
	t.Helper()
	n := &internet{w: newWorld(t, ghatest.Options{})}
	mods := n.w.modules.With(mirrortest.Build(t, mirrortest.Module{
		Path: "example.com/tool", Version: "v1.4.0", Files: map[string]string{"m.go": "package main\n\nfunc main() {}\n"},
	}).All()...)
	handlers := map[string]http.Handler{
		"artifactory.corp.example": gate(t, mods, "/artifactory/api/go/go"),
		"goproxy.corp.example":     fork("/go/", gate(t, mods, "/go"), pass(t, mirrortest.Start(t, mirrortest.Options{Fixtures: mods}))),
	}
	for _, p := range mirror.PublicCatalogue() {
		u, err := url.Parse(p.URL)
		if err != nil {
			t.Fatal(err)
		}
		handlers[u.Host] = pass(t, mirrortest.Start(t, mirrortest.Options{Fixtures: mods, Base: u.Path}))
	}
	n.hosts = mirrortest.StartHosts(t, handlers)
	return n
}

func pass(t *testing.T, s *mirrortest.Server) http.Handler {
	t.Helper()
	u, err := url.Parse("http://" + s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	return httputil.NewSingleHostReverseProxy(u)
}

// gate is a mirror of a company.
func gate(t *testing.T, f *mirrortest.Fixtures, base string) http.Handler {
	behind := pass(t, mirrortest.Start(t, mirrortest.Options{Fixtures: f, Base: base}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if user == "ci" && password == mirrorPassword || user == "ci-oidc" && password == mirrorToken {
			behind.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"errors": [{"status": 401, "message": "Bad credentials"}]}`)
	})
}

// fork is one handler below a path and another one elsewhere.
func fork(below string, there, elsewhere http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(below, there)
	mux.Handle("/", elsewhere)
	return mux
}

// runs runs the steps of a job to its end.
func (n *internet) runs(t *testing.T, j *job, steps []flowStep) {
	t.Helper()
	known := map[string]string{
		"secrets.ARTIFACTORY_TOKEN": mirrorPassword, "secrets.GOPROXY_PASSWORD": mirrorPassword, "secrets.MODULES_TOKEN": "hunter2-of-git",
		"steps.jfrog.outputs.oidc-user": "ci-oidc", "steps.jfrog.outputs.oidc-token": mirrorToken,
	}
	j.secrets = append(j.secrets, mirrorPassword, mirrorToken)
	value := func(text string) string {
		return expression.ReplaceAllStringFunc(text, func(e string) string {
			name := expression.FindStringSubmatch(e)[1]
			left, right, compare := strings.Cut(name, " == ")
			v, ok := known[left]
			if !ok {
				t.Errorf("nothing knows %s", e)
			}
			if compare {
				return fmt.Sprint(v == strings.Trim(right, "'"))
			}
			return v
		})
	}
	used := 0
	var posts []func()
	for _, s := range steps {
		if s.If != "" && value(s.If) != "true" {
			t.Errorf("a step is left out: %s", s.If)
			continue
		}
		before := maps.Clone(j.env)
		for name, text := range s.Env {
			j.env[name] = value(text)
		}
		action, _, _ := strings.Cut(s.Uses, "@")
		switch action {
		case "":
			j.shell(t, value(s.Run))
		case "modferry/modferry":
			used++
			j.with, j.state = map[string]string{}, map[string]string{}
			for name, v := range s.With {
				j.with[name] = value(fmt.Sprint(v))
			}
			done := j.main().expect(t, 0)
			if got := done.outputs["outcome"]; got != "ok" {
				t.Errorf("the outcome is %q", got)
			}
			for name, v := range done.outputs {
				known["steps."+s.ID+".outputs."+name] = v
			}
			with, state := j.with, j.state
			posts = append(posts, func() {
				j.with, j.state = with, state
				j.post().expect(t, 0)
			})
			for name, v := range done.env {
				before[name] = v
			}
		case "actions/checkout", "actions/setup-go", "actions/cache", "jfrog/setup-jfrog-cli": // nothing of ours
		default:
			t.Errorf("nothing here plays %s", s.Uses)
		}
		j.env = before
	}
	for _, post := range slices.Backward(posts) {
		post()
	}
	if used > 0 && len(n.w.cache.Entries()) == 0 {
		t.Error("nothing was saved")
	}
}

// shell is a run: step, which must succeed.
func (j *job) shell(t *testing.T, script string) {
	t.Helper()
	if args, ok := strings.CutPrefix(script, "go "); ok {
		j.goSucceeds(true, ".", strings.Fields(args)...)
		return
	}
	b := box{
		Dir: j.paths.workspace, UID: runnerUID, GID: runnerGID, Argv: []string{"/bin/bash", "-e", "-c", script},
	}
	env := maps.Clone(j.env)
	maps.Copy(env, j.jobEnv())
	env["HOME"], env["GOCACHE"], env["GITHUB_ENV"] = j.paths.home, goCache, filepath.Join(j.paths.home, "github_env")
	env["PATH"] = strings.Join(append(slices.Clone(j.path), filepath.Join(goRoot, "bin"), "/bin", "/usr/bin"), ":")
	for name, value := range env {
		b.Env = append(b.Env, name+"="+value)
	}
	if out := b.run(t); out.code != 0 {
		t.Fatalf("exit code %d\n%s\n%s%s", out.code, script, tail(out.stdout), tail(out.stderr))
	}
}
