// Package child runs a command as if it had been started in our place: with our
// streams, the signals that we get, and its own exit code.
package child

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
)

// Command is what is run.
type Command struct {
	Args                  []string // the program and its arguments
	Env                   []string // as in os.Environ; of several values of a name the last one counts
	Stdin, Stdout, Stderr *os.File // nil for none
}

// The exit codes of a shell for what could not be run.
const (
	notExecutable = 126
	notFound      = 127
)

// Run runs a command to its end. Signals that we get meanwhile go to it and, without
// a terminal, to its children, too; what a terminal sends it gets by itself. The code
// is what a shell would report; the error says that the command could not be started.
func Run(c Command) (code int, err error) {
	// The system may tie the child's life to the thread that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	cmd := exec.Command(c.Args[0], c.Args[1:]...)
	cmd.Env = c.Env
	// Not typed nils in interfaces: those would be pipes.
	if c.Stdin != nil {
		cmd.Stdin = c.Stdin
	}
	if c.Stdout != nil {
		cmd.Stdout = c.Stdout
	}
	if c.Stderr != nil {
		cmd.Stderr = c.Stderr
	}
	apart := !hasTerminal()
	cmd.SysProcAttr = attributes(apart)
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, caught...)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
			return notFound, err
		}
		return notExecutable, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			send(cmd.Process, s, apart)
		case <-ended:
			return exitCode(cmd.ProcessState), nil
		}
	}
}
