package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/e2e/program"
)

const actWorkflow = `on: push
jobs:
  job:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: ./action/native
        id: modferry
        with: {binary: BINARY, cache: "off"}
      - run: |
          echo "outcome: ${{ steps.modferry.outputs.outcome }}"
          go build ./...
          go install example.test/tool@latest
          modferry version
      - uses: ./action/native
        with: {binary: BINARY, cache: "off"}
`

// act runs both stages of both uses on this machine itself, where it cleans up nothing.
func TestANativeJobUnderAct(t *testing.T) {
	t.Parallel()
	act, err := exec.LookPath("act")
	need(t, err == nil, "act is not on the search path; see .ci/tools")
	nativeJobUnder(t, act, "files downloaded by later steps through the relay")
}

// Gitea's runner is made of a fork of act, which shows no summaries.
func TestANativeJobUnderGiteasAct(t *testing.T) {
	t.Parallel()
	if !everything() {
		t.Skip("takes long to compile: set MODFERRY_E2E_ALL=1")
	}
	dir := program.Build(t, "require github.com/nektos/act v0.0.0\n\nreplace github.com/nektos/act => gitea.com/gitea/act v0.261.10", "github.com/nektos/act")
	nativeJobUnder(t, filepath.Join(dir, "act"))
}

// nativeJobUnder runs the workflow, whose log is to have more than that it went well.
func nativeJobUnder(t *testing.T, act string, more ...string) {
	t.Helper()
	f, s := world(t)
	j := newNativeJob(t, f, s)
	dir := j.env["GITHUB_WORKSPACE"]
	copyTree(t, filepath.Join(dir, "action", "native"), filepath.Join("..", "..", "action", "native"))
	workflow := filepath.Join(dir, ".github", "workflows", "job.yml")
	if err := os.MkdirAll(filepath.Dir(workflow), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(workflow, []byte(strings.ReplaceAll(actWorkflow, "BINARY", binary)), 0o644); err != nil {
		t.Fatal(err)
	}
	delete(j.env, "GITHUB_WORKSPACE") // act's to say
	j.env["XDG_CACHE_HOME"], j.env["GOBIN"] = j.dir("home/cache"), j.dir("bin")
	cmd := exec.CommandContext(t.Context(), "sh", "-euc", `git init -q . && git add -A && git -c user.name=a -c user.email=a@example.test commit -qm a
exec "$0" push -P ubuntu-latest=-self-hosted --no-cache-server --env-file /dev/null`, act)
	cmd.Dir, cmd.Env = dir, list(j.env)
	out, err := cmd.CombinedOutput()
	log := string(out)
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	for _, want := range append(more,
		"outcome: ok", "the relay of an earlier use in this job serves this one, too", "/***|"+s.URL,
		"4 files of no known hash, so not verified", "Job succeeded",
	) {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %q", want)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(j.dir("home/cache"), "act", "*", "tmp", "modferry", "relay-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if t.Failed() {
		t.Log(log)
	}
}
