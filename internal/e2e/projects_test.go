package e2e

import (
	"os"
	"path"
	"path/filepath"
	"testing"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
)

// project is a public project as real input.
type project struct {
	module.Version
	complete func(t *testing.T, sources *place, dir string) // what the module zip lacks; nil when nothing
	packages string                                         // for go list -deps -test
	build    bool                                           // compile it too, when everything is wanted
	long     bool                                           // only when everything is wanted
}

var projects = []project{
	{Version: module.Version{Path: "github.com/gohugoio/hugo", Version: "v0.140.0"}, packages: "./...", build: true},
	{Version: module.Version{Path: "github.com/prometheus/prometheus", Version: "v0.300.0"}, packages: "./..."},
	{Version: module.Version{Path: "github.com/hashicorp/terraform", Version: "v1.10.0"}, packages: "./...", complete: terraformBackends, long: true},
	{Version: module.Version{Path: "k8s.io/kubernetes", Version: "v1.32.0"}, packages: "./cmd/...", complete: kubernetesStaging, long: true},
}

// startRecorded is the recording mirror as a server of its own over HTTP/2.
func startRecorded(t *testing.T) *mirrortest.Server {
	t.Helper()
	need(t, record.base != "", "go env GOPROXY names no mirror to get the sources of real projects from")
	return mirrortest.Start(t, mirrortest.Options{Handler: record, Protocol: mirrortest.HTTP2})
}

// checkout writes a clone of the project into a new directory.
func (p project) checkout(t *testing.T) string {
	t.Helper()
	sources := newPlace(t, startRecorded(t))
	sources.dir = t.TempDir()
	dir := filepath.Join(t.TempDir(), path.Base(p.Path))
	copyTree(t, dir, sources.download(t, p.Version)[p.Version])
	if p.complete != nil {
		p.complete(t, sources, dir)
	}
	return dir
}

func TestAfterFetchTheGoCommandNeedsNoNetwork(t *testing.T) {
	for _, p := range projects {
		t.Run(path.Base(p.Path), func(t *testing.T) {
			if p.long && !everything() {
				t.Skip("takes long: set MODFERRY_E2E_ALL=1")
			}
			s := startRecorded(t)
			at := newPlace(t, s)
			at.dir = p.checkout(t)

			first := at.fetch(t, 0)
			if n := sources(first); n["zip mirror"] == 0 || n["zip failed"]+n["mod failed"]+n["zip deferred"] > 0 {
				t.Errorf("fetched %v", n)
			}
			at.goOffline(t, "list", "-deps", "-test", p.packages)
			if p.build && everything() {
				at.goOffline(t, "build", "-o", os.DevNull, "./...")
			}
			t.Run("a second run", func(t *testing.T) { secondRun(t, at, s, first) })

			// With all that go.mod requires, commands about modules work, too.
			whole := at.fetch(t, 0, "--scope", "build")
			if n := sources(whole); n["zip mirror"] == 0 || n["zip present"] != sources(first)["zip mirror"] || n["zip failed"]+n["mod failed"]+n["zip deferred"] > 0 {
				t.Errorf("fetched %v with --scope build, after %v", n, sources(first))
			}
			at.goOffline(t, "mod", "download")
			at.verified(t)
			// All of that was done without a go.sum or go.work.sum line more.
			t.Run("a second run with --scope build", func(t *testing.T) { secondRun(t, at, s, whole, "--scope", "build") })
		})
	}
}

// secondRun holds a run with everything present to no request at all, with and
// without --no-probe.
func secondRun(t *testing.T, at *place, s *mirrortest.Server, first *report.Result, args ...string) {
	s.Forget()
	at.sumdb.Forget()
	again := at.fetch(t, 0, args...)
	for _, m := range again.Modules {
		if m.Source != report.FromPresent {
			t.Errorf("%s %s@%s: %s, expected present", m.Kind, m.Path, m.Version, m.Source)
		}
	}
	if len(again.Modules) != len(first.Modules) {
		t.Errorf("%d entries, %d the first time", len(again.Modules), len(first.Modules))
	}
	if n := s.Count("") + at.sumdb.Count(""); n != 0 {
		t.Errorf("a run with everything present made %d requests", n)
	}

	s.Forget()
	at.sumdb.Forget()
	silent := at.fetch(t, 0, append(args, "--no-probe")...)
	if n := s.Count("") + at.sumdb.Count(""); n != 0 {
		t.Errorf("with --no-probe there were %d requests", n)
	}
	if len(silent.Hosts) > 0 {
		t.Errorf("with --no-probe these hosts were contacted: %v", silent.Hosts)
	}
	withoutNetwork(t, at)
}
