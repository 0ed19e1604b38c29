package e2e

import (
	"bytes"
	"fmt"
	"os/exec"
	"regexp"
	"runtime"
	"sync"
	"time"
)

// process is a counterpart that is a program of its own.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has ended and was waited for
	said  said
}

// readyLimit is how long a program may take to start, on a machine with much else to do.
const readyLimit = 5 * time.Minute

// launch starts a program and waits until its output matches announce; it
// returns the first group of the match. The process ends with this one, even
// when that is killed.
func launch(cmd *exec.Cmd, announce string) (*process, string, error) {
	p := &process{cmd: cmd, ended: make(chan struct{})}
	p.said.want = regexp.MustCompile(announce)
	p.said.found = make(chan string, 1)
	cmd.Stdout, cmd.Stderr = &p.said, &p.said
	dieWithUs(cmd)
	started := make(chan error)
	go func() {
		// The kernel ends the process with the thread that started it, not with
		// the program: that thread stays here until the process has ended.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait()
			close(p.ended)
		}
	}()
	if err := <-started; err != nil {
		return nil, "", err
	}
	var why string
	select {
	case found := <-p.said.found:
		return p, found, nil
	case <-p.ended:
		why = cmd.ProcessState.String()
	case <-time.After(readyLimit):
		why = fmt.Sprintf("no sign of readiness for %v", readyLimit)
		p.kill()
	}
	return nil, "", fmt.Errorf("%s: %s\n%s", cmd, why, p.said.String())
}

// kill ends the process at once, as a machine does that fails.
func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.ended
}

// said keeps what a process prints, and looks in it for a sign.
type said struct {
	want  *regexp.Regexp
	found chan string // gets the first group of the first match; has room for it

	mu   sync.Mutex
	text bytes.Buffer
	done bool
}

// mostSaid bounds what is kept of what a process prints after the sign, in bytes.
const mostSaid = 1 << 20

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.text.Write(p); s.done && s.text.Len() > mostSaid {
		s.text.Next(s.text.Len() / 2) // of a server that says something all the time
	}
	if !s.done {
		if m := s.want.FindSubmatch(s.text.Bytes()); m != nil {
			s.done = true
			s.found <- string(m[1])
		}
	}
	return len(p), nil
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return tail(s.text.Bytes())
}
