package e2e

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// TestTheGoCommandMayUseTheModuleCacheAtTheSameTime runs both against the same
// empty module cache. The mirror holds every first zip back until both have
// asked for something, so they do overlap.
func TestTheGoCommandMayUseTheModuleCacheAtTheSameTime(t *testing.T) {
	f := mirrortest.Generate(t, 30, 100_000)
	for _, extract := range []string{"none", "needed", "all"} {
		for round := range 4 {
			t.Run(fmt.Sprintf("extract %s round %d", extract, round), func(t *testing.T) {
				t.Parallel()
				both := make(chan struct{})
				s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
				s.Fault(mirrortest.FirstOfEach(1, "*.zip", mirrortest.SlowFirstByte(both)))
				at := newPlace(t, s)
				at.dir = t.TempDir()
				f.WriteCheckout(t, at.dir, mirrortest.Checkout{})

				ours := at.command(t, "fetch", "-C", at.dir, "--modcache", at.modcache, "--proxy", at.proxy, "--extract", extract, "--no-probe")
				theirs := at.goProcess(t, []string{"GOPROXY=" + at.proxy}, "list", "-deps", "./...")
				waitOurs := start(t, ours)
				<-s.Arrived("*.zip", 1)
				waitTheirs := start(t, theirs)
				<-s.ArrivedWith(fromGo, 1)
				close(both)
				waitOurs()
				waitTheirs()

				if out := at.goOffline(t, "mod", "verify"); !strings.Contains(out, "all modules verified") {
					t.Errorf("go mod verify says:\n%s", out)
				}
				at.goOffline(t, "list", "-deps", "./...")
			})
		}
	}
}

// fromGo tells the go command's requests by their user agent.
func fromGo(r mirrortest.Request) bool {
	return strings.HasPrefix(r.Header.Get("User-Agent"), "Go-http-client")
}

// start starts a command; the returned function waits for it, fails the test
// when the command failed, and returns what it said.
func start(t *testing.T, cmd *exec.Cmd) (wait func() string) {
	t.Helper()
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return func() string {
		t.Helper()
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, tail(said.Bytes()))
		}
		return said.String()
	}
}
