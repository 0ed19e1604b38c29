//go:build linux

package runner

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/store/gha/ghatest"
)

// workflow is what act runs. The modules come from the world's mirrors, and the
// build may not ask anybody.
const workflow = `
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - id: modferry
        uses: modferry/modferry@v1
        with:
          proxy: %s
          sumdb: %s
      - shell: sh
        run: go build ./... && echo "::notice::built, cache-hit=${{ steps.modferry.outputs.cache-hit }}"
        env:
          GOPROXY: "off"
          CGO_ENABLED: "0"
`

// TestUnderAct runs the image under act, which is no runner but is used as one:
// it hands no state to the stage post, shares no temporary directory, and has a
// cache service of its own. Two workflow runs find each other's modules there.
func TestUnderAct(t *testing.T) {
	t.Parallel()
	_, err := exec.LookPath("act")
	need(t, err == nil, "act is not on the search path; go install github.com/nektos/act@v0.2.89")
	images.engine(t)
	docker := images.service(t)
	w := newWorld(t, ghatest.Options{})
	dir := newDir(t)

	checkout := filepath.Join(dir, "app")
	w.checkout(checkout)
	text := fmt.Sprintf(workflow, w.dead.URL+"|"+w.mirror.URL, w.sumdb.Key+" "+w.sumURL)
	if err := os.WriteFile(filepath.Join(checkout, "ci.yml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	// The image is there already, and act would build it from other bases.
	manifest, err := os.ReadFile(filepath.Join(repository, "action.yml"))
	if err != nil {
		t.Fatal(err)
	}
	action := filepath.Join(dir, "action")
	if err := os.Mkdir(action, 0o755); err != nil {
		t.Fatal(err)
	}
	ready := strings.Replace(string(manifest), "image: Dockerfile", "image: docker://"+actionImage, 1)
	if err := os.WriteFile(filepath.Join(action, "action.yml"), []byte(ready), 0o644); err != nil {
		t.Fatal(err)
	}

	run := func() string {
		t.Helper()
		cmd := exec.Command("act", "push", "-C", checkout, "-W", "ci.yml", "-P", "ubuntu-latest="+goImage, "--pull=false",
			"--container-daemon-socket", "-", "--cache-server-addr", "127.0.0.1", "--cache-server-path", filepath.Join(dir, "cache"),
			"--action-cache-path", filepath.Join(dir, "actions"), "--local-repository", "modferry/modferry@v1="+action)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "DOCKER_HOST=" + docker}
		out := runCommand(t, cmd)
		if out.code != 0 {
			t.Fatalf("act: exit code %d\n%s%s", out.code, tail(out.stdout), tail(out.stderr))
		}
		// Its volumes are another machine's next time.
		if _, err := images.command("podman", "volume", "prune", "-f"); err != nil {
			t.Error(err)
		}
		return noise.ReplaceAllString(out.stdout, "")
	}
	if said := run(); !strings.Contains(said, "built, cache-hit=miss") {
		t.Errorf("the first run says:\n%s", tail(said))
	}
	w.mirror.Forget()
	if said := run(); !strings.Contains(said, "built, cache-hit=exact") {
		t.Errorf("the second run says:\n%s", tail(said))
	}
	if n := w.mirror.Count("*.zip"); n > 0 {
		t.Errorf("the second run asked the mirror for %d zips", n)
	}
}

// noise is what act says of a checkout without git, again and again.
var noise = regexp.MustCompile(`(?m)^.*(located inside a git repository|unable to get git re).*\n`)

// service starts podman's Docker API and returns its address. One test at a time has it:
// act gives containers and volumes of different runs the same names.
func (s *imageStore) service(t *testing.T) string {
	t.Helper()
	s.serving.Lock()
	t.Cleanup(s.serving.Unlock)
	socket := filepath.Join(s.dir, "podman.sock")
	cmd := exec.Command("podman", "system", "service", "--time=0", "unix://"+socket)
	cmd.Env = s.environ()
	listening(t, cmd, socket)
	return "unix://" + socket
}

// listening starts a server that ends with the test, and waits until it listens at a
// socket.
func listening(t *testing.T, cmd *exec.Cmd, socket string) {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		<-ended
	})
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		select {
		case err := <-ended:
			ended <- err
			text, _ := os.ReadFile(log.Name())
			t.Fatalf("%s ended: %v\n%s", cmd, err, tail(string(text)))
		case <-t.Context().Done():
			t.Fatalf("%s does not listen", cmd)
		case <-tick.C:
			if conn, err := net.Dial("unix", socket); err == nil {
				conn.Close()
				return
			}
		}
	}
}
