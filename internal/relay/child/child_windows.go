package child

import (
	"os"
	"syscall"
)

// hasTerminal reports whether signals reach the child by themselves: all processes of
// a console get its keys.
func hasTerminal() bool { return true }

// caught are the signals that must not end us before the child.
var caught = []os.Signal{os.Interrupt}

// send does nothing: the console has told the child.
func send(*os.Process, os.Signal, bool) {}

func attributes(bool) *syscall.SysProcAttr { return nil }

func exitCode(s *os.ProcessState) int { return s.ExitCode() }
