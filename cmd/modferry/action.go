package main

import (
	"crypto/rand"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/modferry/modferry/action/github"
)

// actionCommand is the group of the stages of the GitHub Action. They take no
// flags: the runner passes inputs in the environment.
func (a *app) actionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "action", Short: "The stages of the GitHub Action",
		Long: `The stages of the GitHub Action, which the runner starts as modferry-main and
modferry-post. Inputs come in the environment, as INPUT_NAME.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return unknownCommand(cmd, args) },
	}
	process := github.Process{Getenv: a.getenv, Stdout: a.stdout, Random: rand.Reader, Tool: tool(), Secrets: a.secrets}
	cmd.AddCommand(
		&cobra.Command{
			Use: "main", Short: "Download the modules and export the settings for later steps", Args: noArguments,
			RunE: func(cmd *cobra.Command, _ []string) error {
				a.code = github.Main(cmd.Context(), process)
				return nil
			},
		},
		&cobra.Command{
			Use: "post", Short: "Save the cache and report what later steps downloaded", Args: noArguments,
			RunE: func(cmd *cobra.Command, _ []string) error {
				a.code = github.Post(cmd.Context(), process)
				return nil
			},
		},
	)
	return cmd
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
