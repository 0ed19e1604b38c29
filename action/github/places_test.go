package github

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/store/gha/ghatest"
)

// inContainer makes the runner one that starts the action in a container which
// shares nothing but the workspace.
func (r *runner) inContainer() *runner {
	r.env["GITEA_ACTIONS"] = "true"
	r.env["MODFERRY_CACHE"] = "off"
	return r
}

// mustLink makes a symbolic link, or skips where there are none.
func mustLink(t *testing.T, target, name string) {
	t.Helper()
	if err := os.Symlink(target, name); err != nil {
		t.Skip("no symbolic links here:", err)
	}
}

func TestPathsThatOtherStepsDoNotSeeAreRefused(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 10)
	elsewhere := t.TempDir()
	file := filepath.Join(elsewhere, "there.yaml") // in this container it is there
	if err := os.WriteFile(file, []byte("retries: 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		inputs, env map[string]string
		says        string
	}{
		"module cache":           {inputs: map[string]string{"modcache": elsewhere}, says: "input modcache: found " + elsewhere},
		"cache":                  {inputs: map[string]string{"cache": "dir:" + elsewhere}, says: "input cache: found " + elsewhere},
		"working directory":      {inputs: map[string]string{"working-directory": elsewhere}, says: "input working-directory: found " + elsewhere},
		"configuration":          {inputs: map[string]string{"config": file}, says: "input config: found " + file},
		"CA certificates":        {inputs: map[string]string{"ca-file": file}, says: "input ca-file: found " + file},
		"report":                 {inputs: map[string]string{"report": filepath.Join(elsewhere, "r.json")}, says: "input report: found " + elsewhere},
		"report above":           {inputs: map[string]string{"report": "../../r.json"}, says: "input report: found " + filepath.FromSlash("../..")},
		"variable":               {env: map[string]string{"MODFERRY_CA_FILE": file}, says: "variable MODFERRY_CA_FILE: found " + file},
		"variable for the cache": {env: map[string]string{"MODFERRY_CACHE": "dir:" + elsewhere}, says: "variable MODFERRY_CACHE: found " + elsewhere},
		"link out":               {inputs: map[string]string{"modcache": "out"}, says: "input modcache: found out"},
		"directory behind one":   {inputs: map[string]string{"report": "out/r.json"}, says: "input report: found out"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRunner(t, f, tt.inputs).inContainer()
			for k, v := range tt.env {
				r.env[k] = v
			}
			mustLink(t, elsewhere, filepath.Join(r.env["GITHUB_WORKSPACE"], "out"))
			if code := Main(t.Context(), r.process()); code != 2 {
				t.Errorf("exit code %d, want 2", code)
			}
			for _, want := range []string{tt.says, "which a container action cannot see: it shares only the workspace with the other steps"} {
				if !strings.Contains(r.log.String(), want) {
					t.Errorf("log %s\nwant %s", r.log.String(), want)
				}
			}
			if env := r.file("ENV"); env != "" {
				t.Errorf("exported all the same: %s", env)
			}
		})
	}
	if entries, err := os.ReadDir(elsewhere); err != nil || len(entries) != 1 {
		t.Errorf("left in the container: %v, %v", entries, err)
	}
}

func TestPathsThatTheRunnerDoesNotTranslateAreUnderstood(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("container actions run on Linux")
	}
	h := &host{container: true, workspace: "/github/workspace", mounts: []mount{
		{"/github/workspace", "/w/app/app", "/__w/app/app"}, {"/github/runner_temp", "/w/_temp", "/__w/_temp"},
	}}
	for written, want := range map[string]string{
		"/__w/_temp/gomod":        "/github/runner_temp/gomod",
		"/__w/app/app":            "/github/workspace",
		"/__w/app/app/../app/api": "/github/workspace/api",
		"/w/_temp/x":              "/github/runner_temp/x",
		"/github/workspace/x":     "/github/workspace/x",
		"api":                     "/github/workspace/api",
		"/__w/app/app2":           "",
		"/__w":                    "",
		"/etc/ssl/certs":          "",
		"..":                      "",
	} {
		if got, err := h.place("input modcache", written); got != want || (err != nil) != (want == "") {
			t.Errorf("%s: %q, %v; want %q", written, got, err, want)
		}
	}
	for written, want := range map[string]string{
		"./...": "./...", "api,web": "api,web", "/__w/app/app/services/*": "services/*", "/__w/app/app/api\n/w/app/app/web\n": "api,web", "/elsewhere/*": "/elsewhere/*",
	} {
		if got := h.patterns(written); got != want {
			t.Errorf("patterns %q: %q, want %q", written, got, want)
		}
	}
}

// Of the native entry, every system has paths of its own.
func TestPathsOfANativeStep(t *testing.T) {
	t.Parallel()
	workspace := t.TempDir()
	h, err := findNative(func(string) string { return workspace })
	if err != nil {
		t.Fatal(err)
	}
	if got, want := h.patterns(filepath.Join(workspace, "services")+"/*,"+workspace), "services/*,."; got != want {
		t.Errorf("patterns: %q, want %q", got, want)
	}
	if got, err := h.place("input modcache", filepath.FromSlash("cache/mod")); got != filepath.Join(workspace, "cache", "mod") || err != nil {
		t.Errorf("a relative path: %q, %v", got, err)
	}
	for _, home := range []string{"~", filepath.FromSlash("~/go/pkg/mod")} {
		if _, err := h.place("input modcache", home); err == nil || !strings.HasSuffix(err.Error(), "write the home directory in full") {
			t.Errorf("%s: %v", home, err)
		}
	}
}

// The runners of Gitea and Forgejo share neither /tmp nor the tool cache.
func TestLaterStepsSeeTheModuleCacheOfGitea(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 2, 10)
	mirror := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	for _, runner := range []string{"GITEA_ACTIONS", "FORGEJO_ACTIONS"} {
		t.Run(runner, func(t *testing.T) {
			t.Parallel()
			r := newRunner(t, f, map[string]string{"proxy": mirror.URL})
			for k, v := range ghatest.Start(t, ghatest.Options{}).Env() {
				r.env[k] = v
			}
			r.env[runner], r.env["RUNNER_TOOL_CACHE"] = "true", "/opt/hostedtoolcache-of-nobody"
			if code := Main(t.Context(), r.process()); code != 0 {
				t.Fatalf("exit code %d\n%s", code, r.log.String())
			}
			own := filepath.Join(r.env["GITHUB_WORKSPACE"], ".modferry")
			if got, want := r.value("ENV", "GOMODCACHE"), filepath.Join(own, "mod"); got != want || !isDirectory(filepath.Join(want, "cache", "download")) {
				t.Errorf("the module cache is %s, want %s", got, want)
			}
			if data, err := os.ReadFile(filepath.Join(own, ".gitignore")); err != nil || string(data) != "*\n" {
				t.Errorf("git sees it: %q, %v", data, err)
			}
			if got := r.value("ENV", "GOFLAGS"); got != "-modcacherw" {
				t.Errorf("GOFLAGS is %q: no checkout could remove what is in the workspace", got)
			}
			if got, want := strings.Contains(r.log.String(), "the cache is not saved"), runner == "FORGEJO_ACTIONS"; got != want {
				t.Errorf("told that there is no post stage: %t, want %t\n%s", got, want, r.log.String())
			}
		})
	}
}

func TestALinkInTheCheckoutIsNoPlaceForModules(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 10)
	r := newRunner(t, f, nil).inContainer()
	victim := t.TempDir()
	mustLink(t, victim, filepath.Join(r.env["GITHUB_WORKSPACE"], ".modferry"))
	if code := Main(t.Context(), r.process()); code != 2 {
		t.Errorf("exit code %d, want 2\n%s", code, r.log.String())
	}
	if entries, err := os.ReadDir(victim); err != nil || len(entries) > 0 {
		t.Errorf("written through the link: %v, %v", entries, err)
	}
}

func TestTheReportReplacesALink(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 10)
	mirror := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	victim := filepath.Join(t.TempDir(), "victim")
	if err := os.WriteFile(victim, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, contained := range []bool{false, true} {
		r := newRunner(t, f, map[string]string{"proxy": mirror.URL, "report": "modferry.json"})
		r.env["MODFERRY_CACHE"] = "off"
		if contained {
			r.inContainer()
		}
		file := filepath.Join(r.env["GITHUB_WORKSPACE"], "modferry.json")
		mustLink(t, victim, file)
		if code := Main(t.Context(), r.process()); code != 0 {
			t.Fatalf("exit code %d\n%s", code, r.log.String())
		}
		if data, err := os.ReadFile(victim); err != nil || string(data) != "mine" {
			t.Errorf("the file behind the link is %q, %v", data, err)
		}
		if info, err := os.Lstat(file); err != nil || !info.Mode().IsRegular() {
			t.Errorf("the report is %v, %v", info, err)
		}
	}
}

func TestGOFLAGSKeepsWhatItSays(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 10)
	mirror := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	tests := map[string]struct {
		env      map[string]string
		modcache string
		file     string // GOFLAGS of the go env file
		want     string
	}{
		"GitHub's own machine":            {env: map[string]string{"RUNNER_ENVIRONMENT": "github-hosted", "GOFLAGS": "-mod=mod"}},
		"a self-hosted one":               {env: map[string]string{"RUNNER_ENVIRONMENT": "self-hosted"}, want: "-modcacherw"},
		"with flags":                      {env: map[string]string{"RUNNER_ENVIRONMENT": "self-hosted", "GOFLAGS": "-buildvcs=false '-ldflags=-s -w'"}, want: "-buildvcs=false '-ldflags=-s -w' -modcacherw"},
		"with the flag":                   {env: map[string]string{"RUNNER_ENVIRONMENT": "self-hosted", "GOFLAGS": "--modcacherw -mod=mod"}},
		"with its opposite":               {env: map[string]string{"RUNNER_ENVIRONMENT": "self-hosted", "GOFLAGS": "-modcacherw=false"}},
		"with flags of the go env file":   {env: map[string]string{"RUNNER_ENVIRONMENT": "self-hosted"}, file: "-trimpath", want: "-trimpath -modcacherw"},
		"a module cache in the workspace": {env: map[string]string{"GOFLAGS": "-trimpath"}, modcache: ".gomod", want: "-trimpath -modcacherw"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRunner(t, f, map[string]string{"proxy": mirror.URL, "modcache": tt.modcache})
			r.env["MODFERRY_CACHE"] = "off"
			for k, v := range tt.env {
				r.env[k] = v
			}
			if tt.file != "" {
				r.env["GOENV"] = filepath.Join(r.dir("config"), "env")
				if err := os.WriteFile(r.env["GOENV"], []byte("GOFLAGS="+tt.file+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if code := Main(t.Context(), r.process()); code != 0 {
				t.Fatalf("exit code %d\n%s", code, r.log.String())
			}
			if got := r.value("ENV", "GOFLAGS"); got != tt.want {
				t.Errorf("exported GOFLAGS=%q, want %q", got, tt.want)
			}
		})
	}
}

func TestTheTimeLimitOfTheStepIsNoCancellation(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 10)
	mirror := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	mirror.Fault(mirrortest.Always("*.zip", mirrortest.StallAfter(0, nil)))
	step := func(ctx context.Context, failOn, timeout string) int {
		r := newRunner(t, f, map[string]string{"proxy": mirror.URL, "no-probe": "true", "fail-on": failOn, "timeout": timeout})
		r.env["MODFERRY_CACHE"] = "off"
		return Main(ctx, r.process())
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tt := range map[string]struct {
		ctx     context.Context
		failOn  string
		timeout string
		want    int
	}{
		"over, and that fails the step": {t.Context(), "incomplete", "50ms", 1},
		"over, and later steps go on":   {t.Context(), "integrity", "50ms", 0},
		"cancelled":                     {cancelled, "integrity", "1h", 1},
	} {
		t.Run(name, func(t *testing.T) {
			if got := step(tt.ctx, tt.failOn, tt.timeout); got != tt.want {
				t.Errorf("exit code %d, want %d", got, tt.want)
			}
		})
	}
}
