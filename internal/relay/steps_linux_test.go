package relay_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/relay"
)

func TestTheJournalKnowsWhichStepAsked(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m")
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	j := serve(t, b, s.URL, relay.JobOptions{})
	base := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "go", "mod", "download", "example.test/m@v1.0.0")
	cmd.Dir = base
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + base, "GOPATH=" + base, "GOENV=off", "GOTOOLCHAIN=local", "GOFLAGS=-modcacherw", "GOSUMDB=off",
		"GOPROXY=" + relay.Before(j.joined.URL, "off"), "GITHUB_ACTION=tools\x1b[2K", "GITHUB_ACTIONS=true",
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
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
	j.stop()
	<-j.ended
}
