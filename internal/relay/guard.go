package relay

import (
	"context"
	"errors"
	"net/http"
	"os/exec"
	"time"
)

// GuardOptions say how patient a guard is. The zero value works.
type GuardOptions struct {
	Every    time.Duration // between two questions; 0 means 5 s
	Patience time.Duration // for an answer; 0 means 15 s
}

// Guard runs the relay of a job, a command that calls ServeJob with the same directory,
// and kills it when it leaves two questions in a row unanswered. A go command behind
// a relay that is gone goes on; behind one that is there and silent it would wait until
// the job ends, since it has no limits of its own. The error is that of the command.
func Guard(ctx context.Context, dir string, c *exec.Cmd, o GuardOptions) error {
	if o.Every == 0 {
		o.Every = 5 * time.Second
	}
	if o.Patience == 0 {
		o.Patience = 15 * time.Second
	}
	c.SysProcAttr = withoutWindow()
	if err := c.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	t := time.NewTicker(o.Every)
	defer t.Stop()
	for silent := 0; ; {
		select {
		case err := <-ended:
			return err
		case <-ctx.Done():
			_ = c.Process.Kill()
			return <-ended
		case <-t.C:
		}
		if silent++; answers(ctx, dir, o.Patience) {
			silent = 0
		}
		if silent == 2 {
			_ = c.Process.Kill()
			return <-ended
		}
	}
}

// answers reports whether the relay of a directory answers in time. One that has not
// said yet where it is, or has gone, keeps nobody waiting.
func answers(ctx context.Context, dir string, patience time.Duration) bool {
	j, err := Joining(dir)
	if err != nil {
		return true
	}
	ctx, end := context.WithTimeout(ctx, patience)
	defer end()
	return !errors.Is(j.call(ctx, http.MethodGet, controlReady, nil), context.DeadlineExceeded)
}
