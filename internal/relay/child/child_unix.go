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

// passedOn are the signals that the child gets from us. Those of a terminal's keys
// reach it anyway, and twice would be once too often.
func passedOn(apart bool) []os.Signal {
	all := []os.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2}
	if apart {
		return append(all, syscall.SIGINT, syscall.SIGQUIT)
	}
	return all
}

// send sends a signal to the child, and to its group if it has one of its own.
func send(p *os.Process, s os.Signal, apart bool) {
	if apart {
		_ = syscall.Kill(-p.Pid, s.(syscall.Signal)) // it may just have ended
		return
	}
	_ = p.Signal(s)
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
