package e2e

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/modferry/modferry/docs/docstest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// The quick starts of docs/README.md, followed as they are written. Those that are
// workflows are in the folder runner, those of GitLab beside them.

// modules are a few modules, a mirror with them, and a checkout that needs them all.
func modules(t *testing.T) (*mirrortest.Fixtures, *mirrortest.Server, string) {
	t.Helper()
	f := mirrortest.Generate(t, 3, 10_000)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	dir := t.TempDir()
	f.WriteCheckout(t, dir, mirrortest.Checkout{})
	return f, s, dir
}

func TestQuickStartOfAMonorepo(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 3, 10_000)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	dir := t.TempDir()
	versions := f.Versions()
	for i, name := range []string{"services/api", "services/web"} {
		f.WriteCheckout(t, filepath.Join(dir, name), mirrortest.Checkout{Module: "example.test/main/" + name, Require: versions[i : i+1]})
	}
	every, one, _ := strings.Cut(docstest.Text(t, "docs/README.md#a-monorepo sh"), "\n")
	m := newReader(t, dir, "GOPROXY="+s.URL)
	m.bash(every)
	if !m.has("example.test/m000@*") || !m.has("example.test/m001@*") {
		t.Error("the modules of one of the two are not there")
	}
	m = m.fresh()
	m.bash(one)
	if !m.has("example.test/m000@*") || m.has("example.test/m001@*") {
		t.Error("what is there are not the modules of services/api alone")
	}
}

func TestQuickStartOfAFleet(t *testing.T) {
	t.Parallel()
	bucket := startVersity(t, false)
	_, s, dir := modules(t)
	name, _, _ := strings.Cut(strings.TrimPrefix(bucket.cache, "s3://"), "/")
	front, err := url.Parse(bucket.URL)
	if err != nil {
		t.Fatal(err)
	}
	h := mirrortest.StartHosts(t, map[string]http.Handler{"minio.corp.example": passOn(front, new(http.Transport))})
	script := docstest.Swap(t, docstest.Text(t, "docs/README.md#a-fleet-of-self-hosted-runners sh"), "ci-modules", name)
	m := newReader(t, dir, slices.Concat(h.Env(), bucket.environ(), []string{"GOPROXY=" + s.URL})...)
	if out := m.bash(script); !strings.Contains(out, "saved to the cache") {
		t.Errorf("nothing was saved:\n%s", out)
	}
	s.Close()
	if out := m.fresh().bash(script); !strings.Contains(out, "exact hit") {
		t.Errorf("another machine has it not from the bucket:\n%s", out)
	}
	if got := fmt.Sprint(h.Asked()); got != "[minio.corp.example]" {
		t.Errorf("asked %s", got)
	}
}

func TestQuickStartWithoutANetwork(t *testing.T) {
	t.Parallel()
	_, s, dir := modules(t)
	there, here, _ := strings.Cut(docstest.Text(t, "docs/README.md#without-network sh"), "\n")
	m := newReader(t, dir, "GOPROXY="+s.URL)
	m.bash(there)
	m.fresh().offline(here)
	// Or the go command reads the directory.
	m.fresh().offline(`GOPROXY=file://$PWD/goproxy go build ./...`)
	if err := os.RemoveAll(filepath.Join(dir, "goproxy")); err != nil {
		t.Fatal(err)
	}
	if out, err := m.fresh().try("bash", "-euc", here); err == nil {
		t.Errorf("without the directory it works as well, so that this shows nothing:\n%s", out)
	}
}

// Athens as the first mirror, then a relay with a shared store in its place.
func TestQuickStartOfThoseWhoComeFromAthens(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 3, 10_000)
	dir := t.TempDir()
	f.WriteCheckout(t, dir, mirrortest.Checkout{})
	bucket := startVersity(t, false)
	front, err := url.Parse(bucket.URL)
	if err != nil {
		t.Fatal(err)
	}
	athens := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	hosts := publicMirrors(t, f)
	hosts["minio.corp.example"] = passOn(front, new(http.Transport))
	hosts["athens.corp.example"] = httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: athens.Addr})
	h := mirrortest.StartHosts(t, hosts)
	m := newReader(t, dir, append(h.Env(), bucket.environ()...)...)
	m.bash(docstest.Text(t, "docs/README.md#coming-from-athens sh"))
	if got := h.Asked(); !slices.Equal(got, []string{"athens.corp.example"}) {
		t.Errorf("asked %v", got)
	}

	athens.Close()
	port := mirrortest.FreePort(t)
	name, _, _ := strings.Cut(strings.TrimPrefix(bucket.cache, "s3://"), "/")
	relay := docstest.Swap(t, docstest.Text(t, "docs/README.md#coming-from-athens sh 2"), "ci-modules", name, ":8642", ":"+port)
	m.fresh().bash("trap 'kill $(jobs -p)' EXIT\n" + strings.TrimSpace(relay) + " &\nuntil modferry serve --check 2>/dev/null; do sleep 0.1; done\n" +
		"GOPROXY=http://localhost:" + port + ",direct go build ./...")
	if got := h.Asked(); !slices.Contains(got, "minio.corp.example") {
		t.Errorf("asked %v, not the shared store", got)
	}
}

// What init writes, as a pipeline.
func TestQuickStartOfGitLab(t *testing.T) {
	t.Parallel()
	p := newPlainPipeline(t)
	newReader(t, p.dir, "GOPROXY="+p.mirror.URL).bash("modferry init --ci gitlab")
	written, err := os.ReadFile(filepath.Join(p.dir, ".gitlab-ci.yml"))
	if err != nil {
		t.Fatal(err)
	}
	text := imageLine.ReplaceAllString(string(written), "")
	p.commitAs(p.template(true), ours.ReplaceAllString(text, "${1}local: templates/modferry.yml"))
	for _, job := range []string{"modferry", "test"} {
		p.more["GOMODCACHE"] = filepath.Join(p.modules, job)
		p.mustRun(job)
	}
}
