//go:build linux

package runner

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/store/gha/ghatest"
)

// TestAKeptModuleCacheIsUsed is a self-hosted runner whose workspace, and the
// module cache in it, is still there at the next job.
func TestAKeptModuleCacheIsUsed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, ghatest.Options{})
	j := w.job(layout{selfHosted: true}, sandbox{})
	cache := filepath.Join(j.paths.workspace, "..", "gomod") // beside the checkout: not mounted
	j.env["GOMODCACHE"] = cache
	main := j.main().expect(t, 0)
	if !strings.Contains(main.text, cache) || j.modcache() == filepath.Clean(cache) {
		t.Errorf("the action does not tell that it cannot see %s:\n%s", cache, main.text)
	}

	for _, tt := range []struct{ name, with, env string }{
		{"by input", ".gomod", ""},
		{"by variable", "", filepath.Join(j.paths.workspace, ".gomod")},
	} {
		j.begin()
		w.join(j)
		j.with["modcache"] = tt.with
		if tt.env != "" {
			j.env["GOMODCACHE"] = tt.env
		}
		w.mirror.Forget()
		main := j.main().expect(t, 0)
		if got, expected := j.modcache(), filepath.Join(j.paths.workspace, ".gomod"); got != expected {
			t.Fatalf("%s: the module cache is %s, expected %s", tt.name, got, expected)
		}
		owned(t, j.paths.workspace)
		if tt.with != "" {
			j.goSucceeds(false, ".", "build", "./...")
			j.post().expect(t, 0)
			continue
		}
		if n := w.mirror.Count("*.zip"); n > 0 {
			t.Errorf("%s: %d zips were downloaded again", tt.name, n)
		}
		if r := j.result(); r.Totals.BySource[report.FromPresent] != r.Totals.Files {
			t.Errorf("%s: %v, expected all present", tt.name, r.Totals.BySource)
		}
		// The rest is folded.
		if shown, _, _ := strings.Cut(main.summary, "<details>"); strings.Count(strings.TrimSpace(shown), "\n") > 4 {
			t.Errorf("%s: the summary of a run with nothing to do is long:\n%s", tt.name, shown)
		}
	}
}

// TestTheRunnerCanCleanUp looks at the temporary directory of a self-hosted
// runner after a job.
func TestTheRunnerCanCleanUp(t *testing.T) {
	for _, tt := range []struct {
		name   string
		layout layout
		with   map[string]string
		env    map[string]string
		flags  string // GOFLAGS of later steps
		own    string // GOFLAGS that a later step has of its own, "" for none
	}{
		{"after go build", layout{selfHosted: true}, nil, nil, "-modcacherw", ""},
		{"after the action extracted zips", layout{selfHosted: true}, map[string]string{"extract": "all"}, nil, "-modcacherw", ""},
		{"on a runner before 2.331", layout{selfHosted: true, old: true}, nil, nil, "-modcacherw", ""},
		{"with flags of the user's", layout{selfHosted: true}, nil, map[string]string{"GOFLAGS": "-modcacherw -mod=readonly"}, "-modcacherw -mod=readonly", ""},
		{"with other flags of the user's", layout{selfHosted: true}, nil, map[string]string{"GOFLAGS": "-mod=readonly"}, "-mod=readonly -modcacherw", ""},
		{"after a step with flags of its own", layout{selfHosted: true}, nil, nil, "-modcacherw", "-mod=readonly"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, ghatest.Options{})
			j := w.job(tt.layout, sandbox{})
			for name, value := range tt.with {
				j.with[name] = value
			}
			for name, value := range tt.env {
				j.env[name] = value
			}
			j.main().expect(t, 0)
			if got := j.env["GOFLAGS"]; got != tt.flags {
				t.Errorf("GOFLAGS is %q, expected %q", got, tt.flags)
			}
			if tt.own != "" {
				j.env["GOFLAGS"] = tt.own
			}
			j.goSucceeds(false, ".", "build", "./...")
			j.post().expect(t, 0)
			cleanUp(t, j)
		})
	}
}

func TestZipsThatTheActionExtractedNeedNoExtraction(t *testing.T) {
	t.Parallel()
	w := newWorld(t, ghatest.Options{})
	j := w.job(layout{}, sandbox{})
	j.with["extract"], j.with["scope"] = "all", "build"
	j.main().expect(t, 0)
	for _, v := range w.modules.Versions() {
		if _, err := os.Stat(filepath.Join(j.modcache(), v.Path+"@"+v.Version, "go.mod")); err != nil {
			t.Error(err)
		}
	}
	owned(t, j.modcache())
	j.goSucceeds(false, ".", "build", "./...")
}

// TestDownloadErrorsOfLaterStepsAreAnnotated puts what a later go command says
// to the problem matcher.
func TestDownloadErrorsOfLaterStepsAreAnnotated(t *testing.T) {
	for _, l := range []layout{{name: "on the host"}, {name: "in a job container", container: true}, {name: "before 2.331", old: true}} {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, ghatest.Options{})
			j := w.job(l, sandbox{})
			j.main().expect(t, 0)
			w.mirror.Fault(mirrortest.Always("*extra*", mirrortest.Status(500)))
			out := j.goStep(true, ".", "mod", "download", extra.Path+"@"+extra.Version)
			if out.code == 0 {
				t.Fatal("the go command succeeds")
			}
			matches := 0
			for _, m := range j.readMatchers() {
				for _, p := range m.ProblemMatcher {
					re, err := regexp.Compile(p.Pattern[0].Regexp)
					if err != nil {
						t.Error(err)
						continue
					}
					for line := range strings.Lines(out.stderr + out.stdout) {
						if groups := re.FindStringSubmatch(strings.TrimSuffix(line, "\n")); groups != nil && len(p.Pattern) == 1 {
							matches++
							if message := groups[p.Pattern[0].Message]; !strings.Contains(message, extra.Path) {
								t.Errorf("the message is %q, expected something about %s", message, extra.Path)
							}
						}
					}
				}
			}
			if matches != 1 {
				t.Errorf("%d matches, expected 1 in:\n%s", matches, out.stderr)
			}
		})
	}
}

// api is GitHub's REST API for a token that may do nothing, or everything. What
// it was asked is in the channel.
func api(t *testing.T, allowed bool) (s *httptest.Server, asked chan string) {
	t.Helper()
	asked = make(chan string, 100)
	s = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.URL.Path
		rw.Header().Set("Content-Type", "application/json")
		switch {
		case !allowed:
			rw.WriteHeader(http.StatusForbidden)
			json.NewEncoder(rw).Encode(map[string]string{"message": "Resource not accessible by integration"})
		case r.Method == http.MethodGet:
			rw.Write([]byte("[]"))
		default:
			rw.WriteHeader(http.StatusCreated)
			rw.Write([]byte(`{"id": 1}`))
		}
	}))
	t.Cleanup(s.Close)
	return s, asked
}

func TestCheckRunAndComment(t *testing.T) {
	for name, allowed := range map[string]bool{"a token that may": true, "the token of a fork": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, ghatest.Options{})
			j := w.job(layout{}, sandbox{})
			server, asked := api(t, allowed)
			j.event["GITHUB_API_URL"] = server.URL
			j.event["GITHUB_EVENT_NAME"], j.event["GITHUB_REF"] = "pull_request", "refs/pull/7/merge"
			event := `{"number": 7, "pull_request": {"number": 7, "head": {"sha": "` + strings.Repeat("89ab", 10) + `"}}}`
			if err := os.WriteFile(filepath.Join(j.paths.temp, "_github_workflow", "event.json"), []byte(event), 0o644); err != nil {
				t.Fatal(err)
			}
			j.with["check-run"], j.with["comment"], j.with["retries"] = "true", "true", "0"
			w.mirror.Fault(mirrortest.Always("/example.test/a/@v/v1.0.0.zip", mirrortest.Status(404)))
			main := j.main().expect(t, 1)
			server.Close()
			close(asked)
			all := ""
			for call := range asked {
				all += call + "\n"
			}
			for _, call := range []string{"POST /repos/octo/app/check-runs", "/repos/octo/app/issues/7/comments"} {
				if !strings.Contains(all, call) {
					t.Errorf("asked for %s, expected %s", all, call)
				}
			}
			if !allowed {
				if warnings := main.annotations("warning"); len(warnings) > 0 {
					t.Errorf("that a fork's token may not is no warning: %v", warnings)
				}
				if !strings.Contains(main.stdout, "403") && !strings.Contains(main.stdout, "not accessible") && !strings.Contains(main.stdout, "permission") {
					t.Errorf("the log does not tell:\n%s", tail(main.stdout))
				}
			}
		})
	}
}

// TestDebugLogging keeps what nobody needs out of a log that a person
// reads, and brings it when debug logging is on.
func TestDebugLogging(t *testing.T) {
	t.Parallel()
	w := newWorld(t, ghatest.Options{})
	quiet := w.job(layout{}, sandbox{})
	if debug := quiet.main().expect(t, 0).annotations("debug"); len(debug) > 0 {
		t.Errorf("%d debug lines that nobody asked for", len(debug))
	}
	loud := w.job(layout{}, sandbox{})
	loud.event["RUNNER_DEBUG"] = "1"
	if debug := loud.main().expect(t, 0).annotations("debug"); len(debug) == 0 {
		t.Error("no debug lines")
	}
	loud.post().expect(t, 0)
}

// TestNothingIsLeftInTheWorkspace holds the action to what it was told to write.
func TestNothingIsLeftInTheWorkspace(t *testing.T) {
	t.Parallel()
	w := newWorld(t, ghatest.Options{})
	j := w.job(layout{}, sandbox{})
	delete(j.with, "report")
	j.main().expect(t, 0)
	j.post().expect(t, 0)
	want := map[string]bool{"go.mod": true, "go.sum": true, "main.go": true}
	err := fs.WalkDir(os.DirFS(j.paths.workspace), ".", func(name string, d fs.DirEntry, err error) error {
		if !d.IsDir() && !want[name] {
			t.Errorf("the workspace has %s now", name)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestTwoStepsOfOneJob uses the action twice, as a monorepo may: what one step
// left for its post stage and for its readers is not the other's.
func TestTwoStepsOfOneJob(t *testing.T) {
	t.Parallel()
	w := newWorld(t, ghatest.Options{})
	one := w.join(newJob(t, layout{}, sandbox{}, func(dir string) {
		w.checkout(filepath.Join(dir, "one"))
		w.modules.WriteCheckout(t, filepath.Join(dir, "two"), mirrortest.Checkout{Require: w.modules.Versions()[:2]})
	}))
	delete(one.with, "report")
	two := new(job)
	*two = *one
	two.with, two.state = maps.Clone(one.with), map[string]string{}
	one.with["working-directory"], two.with["working-directory"] = "one", "two"
	two.event = map[string]string{"GITHUB_ACTION": "__octo_modferry_2"}

	first := one.main().expect(t, 0)
	second := two.main().expect(t, 0)
	if a, b := first.outputs["gomodcache"], second.outputs["gomodcache"]; a != b {
		t.Errorf("the steps export two module caches, %s and %s", a, b)
	}
	for _, s := range []*step{first, second} {
		text, err := os.ReadFile(s.outputs["report"])
		if err != nil {
			t.Fatal(err)
		}
		r, err := report.Decode(strings.NewReader(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(r.Totals.Files); got != s.outputs["files"] {
			t.Errorf("output report names the result of another step: it has %s files, expected %s", got, s.outputs["files"])
		}
	}
	one.goSucceeds(false, "one", "build", "./...")
	two.goSucceeds(false, "two", "build", "./...")
	two.post().expect(t, 0).quiet(t)
	one.post().expect(t, 0).quiet(t)
	if n := len(w.cache.Entries()); n < 3 { // a layer, and an index of each
		t.Errorf("%d entries were saved, expected those of both: %v", n, w.cache.Entries())
	}
	if left := one.end(); slices.ContainsFunc(left, func(name string) bool { return strings.HasSuffix(name, ".json") }) {
		t.Errorf("files are left: %v", left)
	}
}
