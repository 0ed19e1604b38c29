//go:build unix

package relay_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/relay"
)

func TestAGuardEndsARelayThatIsSilent(t *testing.T) {
	t.Parallel()
	// As a process that is frozen: the system accepts connections, and nobody answers.
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	dir := t.TempDir()
	if err := relay.SayReady(dir, relay.Ready{URL: "http://" + ln.Addr().String() + "/" + strings.Repeat("0", 32), PID: os.Getpid()}); err != nil {
		t.Fatal(err)
	}
	c := exec.Command("sleep", "600")
	if err := relay.Guard(t.Context(), dir, c, relay.GuardOptions{Every: time.Millisecond, Patience: time.Millisecond}); err == nil || c.ProcessState.ExitCode() != -1 {
		t.Errorf("%v, %v", err, c.ProcessState)
	}
}

func TestAGuardLeavesARelayAloneThatAnswers(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m")
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	j := serve(t, fetchtest.New(t, f, mirrortest.Checkout{}), s.URL, relay.JobOptions{})
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	c := exec.Command("sleep", "600")
	go func() {
		ended <- relay.Guard(ctx, j.dir, c, relay.GuardOptions{Every: time.Millisecond, Patience: time.Minute})
	}()
	for range 20 { // long enough for as many questions
		ask(t, j.joined.URL+"/~/ready")
	}
	select {
	case err := <-ended:
		t.Errorf("ended: %v", err)
	default:
	}
	end()
	<-ended
	if err := j.joined.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	<-j.ended
}
