package relay_test

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"testing"

	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/relay"
)

// stepClient is the variable that makes this program a client of a relay: it asks for
// the files of a version, whose address it has, and stays until its input ends.
const stepClient = "MODFERRY_TEST_STEP_CLIENT"

func init() {
	url := os.Getenv(stepClient)
	if url == "" {
		return
	}
	for _, kind := range []string{".zip", ".mod"} {
		resp, err := http.Get(url + kind)
		if err != nil {
			panic(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			panic(err)
		}
		resp.Body.Close()
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

func TestTheJournalKnowsWhichStepAsked(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m")
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	j := serve(t, b, s.URL, relay.JobOptions{})
	// A client that is there until the relay has looked for it.
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = []string{stepClient + "=" + j.joined.URL + "/example.test/m/@v/v1.0.0", "GITHUB_ACTION=tools\x1b[2K", "GITHUB_ACTIONS=true"}
	stay, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for { // an answer does not wait for it
		done, _, err := j.joined.Journal(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(done.Steps) == 0 || done.Steps[0].Files < 2 {
			continue
		}
		if len(done.Steps) != 1 || done.Steps[0].Name != "tools" || done.Steps[0].Bytes < 2000 {
			t.Errorf("%+v", done.Steps)
		}
		break
	}
	stay.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	j.stop()
	<-j.ended
}
