package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
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
	for _, want := range []string{
		"outcome: ok", "the relay of an earlier use in this job serves this one, too", "/***|" + s.URL,
		"files downloaded by later steps through the relay", "Job succeeded",
	} {
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
