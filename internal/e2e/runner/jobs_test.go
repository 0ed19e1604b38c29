//go:build linux

package runner

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/store/gha/ghatest"
)

// The layouts in which everything works.
var layouts = []struct {
	layout
	cache    ghatest.Options
	modcache string // of GOMODCACHE below the paths of the host, "temp/…"
}{
	{layout: layout{name: "steps on the host"}, modcache: "temp/modferry/mod"},
	{layout: layout{name: "steps in a job container", container: true}, modcache: "temp/modferry/mod"},
	{layout: layout{name: "a runner before 2.331", old: true}, modcache: "temp/_github_home/modferry/mod"},
	{layout: layout{name: "a job container on a runner before 2.331", old: true, container: true}, modcache: "temp/_github_home/modferry/mod"},
	{layout: layout{name: "a self-hosted runner of an enterprise server", selfHosted: true},
		cache: ghatest.Options{Protocol: "v1"}, modcache: "temp/modferry/mod"},
	{layout: layout{name: "act", act: true}, cache: ghatest.Options{Protocol: "v1", Like: ghatest.Act}, modcache: "tools/modferry/mod"},
}

func TestTwoJobsOfAWorkflow(t *testing.T) {
	for _, l := range layouts {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, l.cache)
			first := w.job(l.layout, sandbox{})
			if !t.Run("the first job", func(t *testing.T) { firstJob(t, w, first, l.modcache) }) {
				return
			}
			second := w.job(l.layout, sandbox{})
			t.Run("the second job", func(t *testing.T) { secondJob(t, w, second) })
		})
	}
}

// firstJob has nothing in the cache.
func firstJob(t *testing.T, w *world, j *job, modcache string) {
	j.t = t
	main := j.main().expect(t, 0)
	for _, c := range main.annotations("error") {
		t.Errorf("main complains: %s", c)
	}
	want := map[string]string{"cache-hit": "miss", "outcome": "ok", "failed": "0", "restored": "0", "goproxy": w.mirror.URL}
	for name, value := range want {
		if got := main.outputs[name]; got != value && !(name == "goproxy" && strings.Contains(got, value)) {
			t.Errorf("output %s is %q, expected %q", name, got, value)
		}
	}
	for name := range j.manifest.Outputs {
		if _, ok := main.outputs[name]; !ok {
			t.Errorf("output %s of action.yml is not set", name)
		}
	}
	if got, expected := j.modcache(), strings.NewReplacer("temp", j.paths.temp, "tools", j.paths.tools).Replace(modcache); got != expected {
		t.Errorf("the module cache is %s, expected %s", got, expected)
	}
	if got := main.outputs["gomodcache"]; got != j.env["GOMODCACHE"] {
		t.Errorf("output gomodcache is %s, expected %s as in the environment", got, j.env["GOMODCACHE"])
	}
	if r := j.result(); r.Totals.BySource[report.FromMirror] == 0 || r.Cache.Hit != "miss" {
		t.Errorf("the report has %v, cache %s", r.Totals.BySource, r.Cache.Hit)
	}
	for _, text := range []string{"503", w.mirror.URL} {
		if !strings.Contains(main.summary, text) {
			t.Errorf("the summary does not tell %q:\n%s", text, main.summary)
		}
	}
	if !j.layout.act && strings.Contains(main.summary, "/github/") {
		t.Errorf("the summary has paths that only the action's container knows:\n%s", main.summary)
	}
	if j.has(unused) {
		t.Errorf("%s was brought, which nothing imports", unused)
	}
	owned(t, j.modcache())
	owned(t, j.paths.workspace)
	if n := len(j.readMatchers()); n != 1 {
		t.Errorf("%d problem matchers, expected 1", n)
	}

	// The network is cut, then it is back.
	j.goSucceeds(false, ".", "build", "./...")
	j.goSucceeds(true, ".", "mod", "verify") // which reads every go.mod, the unused one's, too
	j.goSucceeds(true, ".", "mod", "download", fmt.Sprintf("%s@%s", extra.Path, extra.Version))
	w.mirror.Forget()

	post := j.post().expect(t, 0).quiet(t)
	if len(w.cache.Entries()) == 0 {
		t.Fatalf("nothing was saved:\n%s%s", post.stdout, post.stderr)
	}
	if len(w.cache.Pending()) > 0 {
		t.Errorf("entries are left half written: %v", w.cache.Pending())
	}
	if !strings.Contains(post.summary, "example.test/extra") {
		t.Errorf("the summary does not tell what later steps downloaded:\n%s", post.summary)
	}
	if strings.Contains(post.summary, "example.test/a") {
		t.Errorf("the summary says that later steps downloaded what main did:\n%s", post.summary)
	}
	if len(post.env) > 0 {
		t.Errorf("post sets %v", post.env)
	}
	if n := w.mirror.Count(""); n > 0 {
		t.Errorf("post asked the mirror %d times", n)
	}
	owned(t, filepath.Dir(j.modcache()))
	cleanUp(t, j)
}

// cleanUp ends a job on a self-hosted runner, where what the runner's user
// cannot remove stays for ever.
func cleanUp(t *testing.T, j *job) {
	t.Helper()
	if !j.layout.selfHosted {
		return
	}
	if left := j.end(); len(left) > 0 {
		t.Errorf("the runner's user cannot remove %d files of the job, such as %s", len(left), left[0])
	}
}

// secondJob starts with nothing but the cache; the mirrors are gone.
func secondJob(t *testing.T, w *world, j *job) {
	j.t = t
	w.mirror.Close()
	main := j.main().expect(t, 0)
	if hit := main.outputs["cache-hit"]; hit != "exact" {
		t.Errorf("output cache-hit is %q, expected exact", hit)
	}
	if n := main.outputs["fetched"]; n != "0" {
		t.Errorf("%s files came from a mirror that is gone", n)
	}
	r := j.result()
	if r.Settings.Scope != "imports" {
		t.Errorf("scope %q, expected imports", r.Settings.Scope)
	}
	if j.has(unused) {
		t.Errorf("%s was brought, which nothing imports", unused)
	}
	owned(t, j.modcache())
	j.goSucceeds(false, ".", "build", "./...")
	entries := len(w.cache.Entries())
	j.post().expect(t, 0).quiet(t)
	if n := len(w.cache.Entries()); n != entries {
		t.Errorf("%d entries in place of %d, though there was nothing new", n, entries)
	}
	owned(t, filepath.Dir(j.modcache()))
	cleanUp(t, j)
}
