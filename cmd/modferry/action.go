package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/modferry/modferry/action/github"
)

// stage is a stage of the GitHub Action. The stages take no flags: the runner
// passes inputs in the environment.
func stage(run func(context.Context, github.Process) int) action {
	return func(a *app, cmd *cobra.Command, _ command, _ []string) error {
		program, _ := os.Executable() // without one, later steps do not get it
		a.code = run(cmd.Context(), github.Process{Getenv: a.getenv, Stdout: a.stdout, Tool: tool(), Program: program, Secrets: a.secrets})
		return nil
	}
}

// stageOf is the beginning of the command line that a program name stands for: an
// entry point of a container action, and of a service container on older runners, is
// a name without arguments. Nil for any other name.
func stageOf(program string) []string {
	name := strings.TrimSuffix(filepath.Base(program), ".exe")
	switch stage, _ := strings.CutPrefix(name, "modferry-"); stage {
	case "main", "post":
		return []string{"action", stage}
	case "serve":
		return []string{stage}
	}
	return nil
}
