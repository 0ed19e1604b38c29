package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/modferry/modferry/action/github"
	"github.com/modferry/modferry/internal/relay"
)

// stageFlags are those that action/native gives to a stage. Inputs come in the
// environment, from the runner.
func stageFlags(cmd *cobra.Command) {
	cmd.Flags().Bool("native", false, "the stage runs among the other steps, not in a container")
	relayFlag(cmd)
}

func relayFlag(cmd *cobra.Command) {
	cmd.Flags().String("relay", "", "`DIR` of the relay of the job")
}

// stage is a stage of the GitHub Action.
func stage(run func(context.Context, github.Process) int) action {
	return func(a *app, cmd *cobra.Command, _ command, _ []string) error {
		program, _ := os.Executable() // without one, later steps do not get it
		native, _ := cmd.Flags().GetBool("native")
		relay, _ := cmd.Flags().GetString("relay")
		a.code = run(cmd.Context(), github.Process{
			Getenv: a.getenv, Stdout: a.stdout, Tool: tool(), Program: program, Secrets: a.secrets, Native: native, Relay: relay,
		})
		return nil
	}
}

// relayHelp describes how the relay is started.
const relayHelp = `The relay of a job. action/native starts it in the background, and gives it the
environment of the job as JSON on standard input: what it is given in its own
environment, any process of the same user can read. A guard starts it, and ends it
when it does not answer any more.`

// mostEnvironment bounds the environment on standard input.
const mostEnvironment = 8 << 20

// relayFlags are those of the relay of a job.
func relayFlags(cmd *cobra.Command) {
	relayFlag(cmd)
	cmd.Flags().Bool("unguarded", false, "be the relay itself, not the guard that starts it")
}

// actionRelay is the relay of a job, or the guard of one.
func (a *app) actionRelay(cmd *cobra.Command, _ command, _ []string) error {
	dir := cmd.Flags().Lookup("relay").Value.String()
	if !filepath.IsAbs(dir) {
		return misused("found --relay %q, expected an absolute path", dir)
	}
	if unguarded, _ := cmd.Flags().GetBool("unguarded"); !unguarded {
		program, err := os.Executable()
		if err != nil {
			return err
		}
		c := exec.Command(program, append(strings.Fields(cmd.CommandPath())[1:], "--unguarded", "--relay", dir)...)
		c.Stdin, c.Stderr = os.Stdin, os.Stderr
		err = relay.Guard(cmd.Context(), dir, c, relay.GuardOptions{})
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			a.code, err = max(exit.ExitCode(), 1), nil // it has said why
		}
		return err
	}
	var env map[string]string
	if err := json.NewDecoder(io.LimitReader(a.stdin, mostEnvironment)).Decode(&env); err != nil {
		return fmt.Errorf("read the environment of the job from standard input: %w", err)
	}
	for name, value := range env {
		if err := os.Setenv(name, value); err != nil { // for what asks the system itself, such as the forward proxy
			return fmt.Errorf("take over the environment of the job: %w", err)
		}
	}
	a.secrets.AddEnviron(os.Environ())
	a.code = github.Relay(cmd.Context(), github.Process{
		Getenv: os.Getenv, Stdout: a.stderr, Tool: tool(), Secrets: a.secrets, Native: true, Relay: dir,
	})
	return nil
}

// stageOf is the beginning of the command line that a program name stands for: an
// entry point of a container action, and of a service container on older runners, is
// a name without arguments. Nil for any other name.
func stageOf(program string) []string {
	name := strings.TrimSuffix(filepath.Base(program), ".exe")
	switch name {
	case "modferry-main", "modferry-post":
		return []string{"action", strings.TrimPrefix(name, "modferry-")}
	case "modferry-serve":
		return []string{"serve"}
	}
	return nil
}
