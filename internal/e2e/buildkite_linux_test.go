package e2e

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/modferry/modferry/docs/docstest"
	"github.com/modferry/modferry/internal/e2e/program"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// TestTheStepOfBuildkiteRuns runs the step of docs/ci.md as Buildkite's agent does: a
// clone of its own, a terminal, and nothing in the checkout that git does not have.
func TestTheStepOfBuildkiteRuns(t *testing.T) {
	t.Parallel()
	if !everything() {
		t.Skip("the agent takes long to compile: set MODFERRY_E2E_ALL=1")
	}
	var pipeline struct {
		Steps []struct {
			Command string
			Paths   string `yaml:"artifact_paths"`
			Env     map[string]string
		}
	}
	if err := yaml.Unmarshal([]byte(docstest.Text(t, "docs/ci.md#buildkite yaml")), &pipeline); err != nil || len(pipeline.Steps) != 1 {
		t.Fatalf("%v in %+v", err, pipeline)
	}
	step := pipeline.Steps[0]
	// Newer ones need a module that not every mirror has.
	agent := filepath.Join(program.Build(t, "require github.com/buildkite/agent/v3 v3.62.0", "github.com/buildkite/agent/v3"), "agent")

	f := mirrortest.Generate(t, 6, 5000)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.Sometimes(0.3, 7, "", mirrortest.Status(503))}})
	root := t.TempDir()
	repository, bin, builds := filepath.Join(root, "repository"), filepath.Join(root, "bin"), filepath.Join(root, "builds")
	f.WriteCheckout(t, repository, mirrortest.Checkout{})
	if err := os.WriteFile(filepath.Join(repository, "main_test.go"), []byte("package main\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{bin, filepath.Join(root, "home")} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	noTelemetry(t, filepath.Join(root, "home"))
	if err := os.Symlink(binary, filepath.Join(bin, "modferry")); err != nil {
		t.Fatal(err)
	}
	git := exec.Command("sh", "-euc", "git init -q . && git add -A && git -c user.name=a -c user.email=a@example.test commit -qm a")
	git.Dir = repository
	if out, err := git.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	env := map[string]string{
		"PATH": bin + ":" + os.Getenv("PATH"), "HOME": filepath.Join(root, "home"), "GOENV": "off", "GOTOOLCHAIN": "local",
		"GOFLAGS": "-modcacherw -buildvcs=false", "GOCACHE": goCache, "CGO_ENABLED": "0", "GOPROXY": s.URL, "GOSUMDB": "off",
		"BUILDKITE": "true", "BUILDKITE_COMMAND": step.Command, "BUILDKITE_JOB_ID": "1", "BUILDKITE_REPO": repository,
		"BUILDKITE_COMMIT": "HEAD", "BUILDKITE_BRANCH": "HEAD", "BUILDKITE_AGENT_NAME": "agent", "BUILDKITE_ORGANIZATION_SLUG": "example",
		"BUILDKITE_PIPELINE_SLUG": "app", "BUILDKITE_PIPELINE_PROVIDER": "git", "BUILDKITE_BUILD_PATH": builds, "BUILDKITE_BIN_PATH": bin,
		"BUILDKITE_PTY": "true", "BUILDKITE_SHELL": "/bin/bash -e -c", "BUILDKITE_COMMAND_EVAL": "true", "BUILDKITE_SSH_KEYSCAN": "false",
	}
	maps.Copy(env, step.Env)
	env["MODFERRY_CACHE"] = "dir:" + filepath.Join(root, "cache")
	checkout := filepath.Join(builds, "agent", "example", "app")
	for _, want := range []string{"6 modules in ", "all from the cache (exact hit) and verified"} {
		env["GOMODCACHE"] = t.TempDir() // an agent that is made anew
		cmd := exec.CommandContext(t.Context(), agent, "bootstrap")
		cmd.Env = list(env)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		// What the log folds stands at the start of its line.
		for _, want := range []string{want, "\n--- details of modferry exec\r\n", "\n+++ the job goes on\r\n"} {
			if !strings.Contains(string(out), want) {
				t.Errorf("the log lacks %q\n%s", want, out)
			}
		}
		reports, err := filepath.Glob(filepath.Join(checkout, step.Paths))
		if err != nil || len(reports) < 3 {
			t.Errorf("%s are %q, %v", step.Paths, reports, err)
		}
		git := exec.Command("git", "status", "--porcelain")
		git.Dir = checkout
		if out, err := git.Output(); err != nil || len(out) > 0 {
			t.Errorf("git sees %q, %v", out, err)
		}
	}
	if s.Count("*.zip") == 0 {
		t.Error("no module came from the mirror, so that this shows nothing")
	}
}
