//go:build unix

package child

import (
	"os"
	"syscall"
)

// hasTerminal reports whether a terminal controls us: then it sends signals to the
// whole foreground, which the child must stay in to read from it.
func hasTerminal() bool {
	f, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	f.Close()
	return true
}

// caught are the signals that must not end us before the child.
var caught = []os.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGINT, syscall.SIGQUIT}

// send sends a signal to the child, and to its group if it has one of its own. In the
// foreground of a terminal the child has what its keys send already, and twice would be
// once too often.
func send(p *os.Process, s os.Signal, apart bool) {
	switch {
	case apart:
		_ = syscall.Kill(-p.Pid, s.(syscall.Signal)) // it may just have ended
	case s != syscall.SIGINT && s != syscall.SIGQUIT:
		_ = p.Signal(s)
	}
}

// signalled is the exit code that a shell gives to a command that a signal ended, less
// its number.
const signalled = 128

func exitCode(s *os.ProcessState) int {
	if status, ok := s.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return signalled + int(status.Signal())
	}
	return s.ExitCode()
}
