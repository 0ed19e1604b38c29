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

// stageOf is the command line that a program name stands for: an entry point of
// a container action is a name without arguments. Nil for any other name.
func stageOf(program string) []string {
	name := strings.TrimSuffix(filepath.Base(program), ".exe")
	if stage, ok := strings.CutPrefix(name, "modferry-"); ok && (stage == "main" || stage == "post") {
		return []string{"action", stage}
	}
	return nil
}
