//go:build linux

package runner

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/store/gha/ghatest"
)

// nativeWorkflow uses the native entry, whose binary the checkout has. Later steps are
// further processes in the container of the job.
const nativeWorkflow = `
on: push
defaults: {run: {shell: sh}}
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - id: modferry
        uses: ./action/native
        with:
          binary: ${{ github.workspace }}/modferry
          cache: "off"
          proxy: %s
          sumdb: %s
      - run: go list -deps ./... && go mod download %s && echo "outcome=${{ steps.modferry.outputs.outcome }}"
        env: {CGO_ENABLED: "0"}
`

// TestNativeUnderActInAContainer is a job in a container: what main left running there
// serves the steps after it.
func TestNativeUnderActInAContainer(t *testing.T) {
	t.Parallel()
	_, err := exec.LookPath("act")
	need(t, err == nil, "act is not on the search path; go install github.com/nektos/act@v0.2.89")
	image := nodeImage(t)
	docker := images.service(t)
	w := newWorld(t, ghatest.Options{})
	checkout := filepath.Join(newDir(t), "app")
	w.checkout(checkout)
	for from, to := range map[string]string{
		binary: "modferry", filepath.Join(repository, "action", "native"): "action/native",
	} {
		to = filepath.Join(checkout, to)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("cp", "-R", from, to).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	writeFile(t, filepath.Join(checkout, "ci.yml"), fmt.Sprintf(nativeWorkflow, w.dead.URL+"|"+w.mirror.URL, w.sumdb.Key+" "+w.sumURL, extra))
	cmd := exec.Command("act", "push", "-C", checkout, "-W", "ci.yml", "-P", "ubuntu-latest="+image, "--pull=false",
		"--container-daemon-socket", "-", "--no-cache-server")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Dir(checkout), "DOCKER_HOST=" + docker}
	out := runCommand(t, cmd)
	said := noise.ReplaceAllString(out.stdout, "")
	for _, want := range []string{"outcome=ok", "files downloaded by later steps through the relay", "Job succeeded"} {
		if !strings.Contains(said, want) {
			t.Errorf("act does not say %q", want)
		}
	}
	if t.Failed() || out.code != 0 {
		t.Errorf("act: exit code %d\n%s%s", out.code, said, tail(out.stderr))
	}
}

// nodeImage is an image for jobs with Go, and with node and its libraries.
var nodeImage = madeOnce("localhost/node:local", goImage, func() ([][2]string, error) {
	node, err := exec.LookPath("node")
	if err != nil {
		return nil, err
	}
	libraries, err := exec.Command("ldd", node).Output()
	if err != nil {
		return nil, fmt.Errorf("ldd %s: %w", node, err)
	}
	copies := [][2]string{{node, "/bin/node"}}
	for _, library := range regexp.MustCompile(`(/\S+) \(0x`).FindAllStringSubmatch(string(libraries), -1) {
		copies = append(copies, [2]string{library[1], library[1]})
	}
	return copies, nil
})
