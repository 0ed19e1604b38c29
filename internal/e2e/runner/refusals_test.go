//go:build linux

package runner

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/store/gha/ghatest"
)

// lies is a copy of the module a with other content, under the same version.
func (w *world) lies() *mirrortest.Fixtures {
	return w.modules.With(mirrortest.Corrupt(w.t, mirrortest.Module{Path: "example.test/a", Version: "v1.0.0"}, mirrortest.OtherContent))
}

func TestWrongBytesFailTheStepAtTheLineOfGoSum(t *testing.T) {
	for _, tt := range []struct {
		name, dir string
		with      map[string]string
	}{
		{"in the workspace", ".", nil},
		{"in a directory of a monorepo", "services/api", map[string]string{"working-directory": "services/api"}},
		{"in one that a pattern finds", "services/api", map[string]string{"working-directory": "services/*"}},
		{"though only integrity fails the step", ".", map[string]string{"fail-on": "integrity"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, ghatest.Options{})
			j := w.join(newJob(t, layout{}, sandbox{}, func(dir string) { w.checkout(filepath.Join(dir, tt.dir)) }))
			for name, value := range tt.with {
				j.with[name] = value
			}
			w.mirror.Fault(mirrortest.Always("", mirrortest.Serve(w.lies())))

			main := j.main().expect(t, 3)
			file := filepath.ToSlash(filepath.Join(tt.dir, "go.sum"))
			text, err := os.ReadFile(filepath.Join(j.paths.workspace, file))
			if err != nil {
				t.Fatal(err)
			}
			line := 1 + strings.Count(string(text)[:strings.Index(string(text), "example.test/a v1.0.0 h1:")], "\n")
			all := main.annotations("error")
			if len(all) != 1 || all[0].properties["file"] != file || all[0].properties["line"] != fmt.Sprint(line) {
				t.Errorf("annotations %v, expected one at %s:%d", all, file, line)
			}
			if !strings.Contains(main.summary, "example.test/a") || !strings.Contains(main.summary, "integrity") {
				t.Errorf("the summary does not tell of it:\n%s", main.summary)
			}
			if got := main.outputs["outcome"]; got != "integrity" {
				t.Errorf("output outcome is %q", got)
			}
			if j.has(w.modules.Get("example.test/a", "v1.0.0").Version) {
				t.Error("the wrong bytes are in the module cache")
			}
			j.post().expect(t, 0).quiet(t)
			if entries := w.cache.Entries(); len(entries) > 0 {
				t.Errorf("an incomplete set was saved: %v", entries)
			}
		})
	}
}

func TestWhatCannotBeObtainedFailsTheStepUnlessLaterStepsMayTry(t *testing.T) {
	for failOn, code := range map[string]int{"incomplete": 1, "integrity": 0} {
		t.Run("fail-on "+failOn, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, ghatest.Options{})
			j := w.job(layout{}, sandbox{})
			j.with["fail-on"], j.with["retries"] = failOn, "0"
			w.mirror.Fault(mirrortest.Always("/example.test/a/@v/v1.0.0.zip", mirrortest.Status(404)))
			main := j.main().expect(t, code)
			if got := main.outputs["outcome"]; got != "incomplete" {
				t.Errorf("output outcome is %q", got)
			}
			all := main.annotations("error")
			if len(all) == 0 || all[0].properties["file"] != "go.mod" || !strings.Contains(all[0].String(), "example.test/a") {
				t.Errorf("annotations %v, expected one at the require line", all)
			}
			w.mirror.Heal()
			j.goSucceeds(true, ".", "build", "./...")
			// Now the set is complete.
			j.post().expect(t, 0).quiet(t)
			if len(w.cache.Entries()) == 0 {
				t.Error("nothing was saved, though later steps brought what was missing")
			}
		})
	}
}

func TestACacheThatIsNoHelpIsNoHarm(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(w *world, j *job)
	}{
		{"a token that may only read, as of a fork's pull request", func(w *world, j *job) {
			w.cache.SetReadOnly(true)
			j.service["ACTIONS_RUNTIME_TOKEN"] = w.cache.Token()
		}},
		{"cache-mode none", func(_ *world, j *job) { j.service["ACTIONS_CACHE_MODE"] = "none" }},
		{"a service that fails", func(w *world, _ *job) { w.cache.Fault(ghatest.Always("", ghatest.Status(500))) }},
		{"a service that is not there", func(w *world, j *job) {
			j.service["ACTIONS_RESULTS_URL"] = "http://" + mirrortest.Refused(w.t) + "/"
		}},
		{"no service", func(_ *world, j *job) { delete(j.service, "ACTIONS_RESULTS_URL") }},
		{"a service without a token", func(_ *world, j *job) { delete(j.service, "ACTIONS_RUNTIME_TOKEN") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, ghatest.Options{})
			j := w.job(layout{}, sandbox{})
			j.with["proxy"] = w.mirror.URL
			tt.do(w, j)
			main := j.main().expect(t, 0).quiet(t)
			if got := main.outputs["outcome"]; got != "ok" {
				t.Errorf("output outcome is %q", got)
			}
			j.goSucceeds(false, ".", "build", "./...")
			post := j.post().expect(t, 0).quiet(t)
			if post.summary == "" && post.text == "" {
				t.Error("post does not say why nothing was saved")
			}
			if entries := w.cache.Entries(); len(entries) > 0 {
				t.Errorf("entries %v", entries)
			}
		})
	}
}

func TestAStepThatCannotBeginSaysWhy(t *testing.T) {
	for _, tt := range []struct {
		name   string
		layout layout
		do     func(j *job)
		says   []string
	}{
		{"Kubernetes mode", layout{kubernetes: true}, func(*job) {}, []string{"Kubernetes mode", "run:"}},
		{"a value that an input does not have", layout{}, func(j *job) { j.with["summary"] = "yes" }, []string{"summary", `"yes"`, "true"}},
		{"a setting that cannot be read", layout{}, func(j *job) { j.with["timeout"] = "5" }, []string{"timeout", `"5"`}},
		{"a mirror that would get a password in clear", layout{}, func(j *job) {
			j.with["proxy"] = "http://me:s3cret@goproxy.example.test"
			j.secrets = append(j.secrets, "s3cret")
		}, []string{"GOPROXY", "goproxy.example.test", "input proxy"}},
		{"a module cache that nobody sees", layout{}, func(j *job) { j.with["modcache"] = "/home/runner/go/pkg/mod" }, []string{"modcache", "/home/runner/go/pkg/mod", "runner.temp"}},
		{"a cache that nobody sees", layout{}, func(j *job) { j.with["cache"] = "dir:/mnt/cache" }, []string{"input cache", "/mnt/cache", "cannot see"}},
		{"CA certificates that nobody sees", layout{}, func(j *job) { j.with["ca-file"] = "/etc/ssl/certs/ca-certificates.crt" }, []string{"input ca-file", "cannot see"}},
		{"a report that nobody sees", layout{}, func(j *job) { j.with["report"] = "/tmp/report.json" }, []string{"input report", "cannot see"}},
		{"a directory that is not there", layout{}, func(j *job) { j.with["working-directory"] = "services" }, []string{"services"}},
		{"a checkout that is missing", layout{}, func(j *job) { os.Remove(filepath.Join(j.paths.workspace, "go.mod")) }, []string{"go.mod"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, ghatest.Options{})
			j := w.job(tt.layout, sandbox{})
			tt.do(j)
			main := j.main().expect(t, report.Settings.ExitCode())
			all := main.annotations("error")
			if len(all) != 1 {
				t.Fatalf("annotations %v, expected one error", all)
			}
			for _, text := range tt.says {
				if !strings.Contains(all[0].data, text) {
					t.Errorf("it says %q, expected something about %s", all[0].data, text)
				}
			}
			if len(main.env) > 0 {
				t.Errorf("it exports %v", main.env)
			}
			// The runner has registered post by then.
			j.post().expect(t, 0).quiet(t)
		})
	}
}
