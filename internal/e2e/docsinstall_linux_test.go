package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/modferry/modferry/docs/docstest"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// releases is a network in which github.com has the program of these tests as release
// 1.2.3, and its hash.
func releases(t *testing.T) (env []string, sum string) {
	t.Helper()
	data, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(data)
	sum = hex.EncodeToString(digest[:])
	const below = "/modferry/modferry/releases/download/v1.2.3/"
	h := mirrortest.StartHosts(t, map[string]http.Handler{"github.com": files{
		below + "modferry_linux_amd64": data,
		below + "checksums.txt":        fmt.Appendf(nil, "%s  modferry_linux_amd64\n%064d  modferry_linux_arm64\n", sum, 0),
	}})
	return h.Env(), sum
}

func TestExampleOfAnInstallation(t *testing.T) {
	t.Parallel()
	env, sum := releases(t)
	bin := t.TempDir()
	m := newReader(t, t.TempDir(), env...)
	script := docstest.Swap(t, docstest.Text(t, "README.md#install sh"), "/usr/local/bin", bin, "sudo ", "")
	m.bash(script)
	m.bash(bin + "/modferry version")

	m.dir = t.TempDir()
	m.with("SHA256=" + sum).bash(docstest.Swap(t, docstest.Text(t, "docs/ci.md#getting-the-program sh"), "/usr/local/bin/", bin+"/again"))
	m.bash(bin + "/again version")
	if err := os.Remove(bin + "/again"); err != nil {
		t.Fatal(err)
	}
	wrong := docstest.Swap(t, docstest.Text(t, "docs/ci.md#getting-the-program sh"), "/usr/local/bin/", bin+"/again")
	if out, err := m.with("SHA256="+strings.Repeat("0", 64)).try("bash", "-euc", wrong); err == nil {
		t.Errorf("another hash is installed all the same:\n%s", out)
	}
	if _, err := os.Stat(bin + "/again"); err == nil {
		t.Error("another hash is installed")
	}
}

// In mainland China, where the public mirrors elsewhere and the checksum database do not
// answer.
func TestQuickStartInChina(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 3, 10_000)
	dir := t.TempDir()
	f.WriteCheckout(t, dir, mirrortest.Checkout{})
	program := map[string]string{"cmd/modferry/main.go": "package main\n\nfunc main() {}\n"}
	f = f.With(mirrortest.Build(t, mirrortest.Module{Path: "github.com/modferry/modferry", Version: "v1.2.3", Files: program}).All()...)
	handlers := map[string]http.Handler{"sum.golang.google.cn": http.NotFoundHandler()}
	var abroad []string
	for _, p := range mirror.PublicCatalogue() {
		u, err := url.Parse(p.URL)
		if err != nil {
			t.Fatal(err)
		}
		if p.Region != "cn" {
			abroad = append(abroad, u.Host)
			continue
		}
		s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Base: u.Path})
		handlers[u.Host] = httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: s.Addr})
	}
	h := mirrortest.StartHosts(t, handlers)
	// No database of ours has the key of Go's, so it is not asked for our stand-in.
	m := newReader(t, dir, append(h.Env(), "GOSUMDB=", "GONOSUMDB=github.com/modferry")...)
	m.bash(docstest.Text(t, "README.zh-CN.md#在中国大陆先这样设置 sh"))
	if !m.has("example.test/m000@*") {
		t.Error("the modules are not there")
	}
	if _, err := os.Stat(filepath.Join(m.value("HOME"), "go", "bin", "modferry")); err != nil {
		t.Error(err)
	}
	for _, host := range h.Asked() {
		if slices.Contains(abroad, host) || host == "sum.golang.org" {
			t.Errorf("%s was asked", host)
		}
	}
}

// The first command of the two that a clone of this repository runs; the other one is
// what CI runs.
func TestExampleOfAClone(t *testing.T) {
	t.Parallel()
	need(t, record.base != "", "go env GOPROXY names no mirror to get our own modules from")
	s := mirrortest.Start(t, mirrortest.Options{Handler: record})
	first, second, _ := strings.Cut(docstest.Text(t, "README.md#try-it sh"), "\n")
	// What it is built from is here already: the module cache of this run is another.
	m := newReader(t, docstest.Root(t), "GOWORK=off", "MODFERRY_PROXY="+s.URL, "MODFERRY_MODCACHE="+t.TempDir(), "MODFERRY_CACHE=off",
		"GOMODCACHE="+strings.TrimSpace(goEnv(t, "GOMODCACHE")), "GOPROXY="+strings.TrimSpace(goEnv(t, "GOPROXY")))
	t.Cleanup(func() { writable(t, m.value("MODFERRY_MODCACHE")) })
	if out := m.bash(first); !strings.Contains(out, "ok: ") {
		t.Errorf("it says\n%s", out)
	}
	stages, err := os.ReadFile(filepath.Join(docstest.Root(t), ".ci", "run"))
	if err != nil || !strings.Contains(string(stages), "unit() {\n  "+second+"}") {
		t.Errorf("CI does not run %q, %v", second, err)
	}
}

// A component for GitLab, split off and pushed.
func TestExampleOfAComponent(t *testing.T) {
	t.Parallel()
	root, bare, clone := docstest.Root(t), filepath.Join(t.TempDir(), "component.git"), t.TempDir()
	copyTree(t, filepath.Join(clone, "action", "gitlab"), filepath.Join(root, "action", "gitlab"))
	m := newReader(t, clone, "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.test", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.test")
	m.bash("git init -q . && git add -A && git commit -qm all && git tag v1.2.3 && git init -q --bare " + bare)
	usage, _ := exec.Command("git", "subtree", "-h").CombinedOutput() // exits with 129 in any case
	need(t, strings.Contains(string(usage), "usage: git subtree"), "git has no subtree")
	m.bash(docstest.Swap(t, docstest.Text(t, "docs/gitlab.md#setup sh"), "git@gitlab.example.test:tools/modferry.git", bare))
	if got := m.bash("git -C " + bare + " ls-tree -r --name-only main"); !strings.Contains(got, "templates/modferry.yml\n") {
		t.Errorf("the component has\n%s", got)
	}
}

// The variables that a later step gets of actions/github-script.
func TestExampleOfTheCacheForLaterSteps(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	need(t, err == nil, "node is not on the search path; apt-get install nodejs")
	_, script, ok := strings.Cut(docstest.Text(t, "docs/cache.md#githubs-cache-service yaml"), "script: |\n")
	if !ok {
		t.Fatal("the example has no script")
	}
	cmd := exec.Command(node, "-e", "const core = {exportVariable: (name, value) => console.log(name + '=' + value)}\n"+script)
	cmd.Env = []string{"ACTIONS_RUNTIME_TOKEN=token", "ACTIONS_RESULTS_URL=https://results.example.test/"}
	out, err := cmd.CombinedOutput()
	if want := "ACTIONS_RUNTIME_TOKEN=token\nACTIONS_RESULTS_URL=https://results.example.test/\nACTIONS_CACHE_URL=\n"; err != nil || string(out) != want {
		t.Errorf("%v: it exports\n%s", err, out)
	}
}
