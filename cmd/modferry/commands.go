package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/modferry/modferry/internal/settings"
)

// rootCommand is the tree of commands.
func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "modferry",
		Short: "Go builds that neither wait for nor fail on module downloads",
		Long: `modferry downloads every module that a Go build needs into the module cache
before the build asks for it: in parallel, from the best mirror, with retries,
and verified against go.sum.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return unknownCommand(cmd, args)
		},
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	cache := a.cacheCommand()
	for _, c := range commands() {
		parent := root
		if strings.HasPrefix(c.name, "cache ") {
			parent = cache
		}
		parent.AddCommand(c.build(a))
	}
	root.AddCommand(a.actionCommand(), cache, a.reportCommand(), a.versionCommand())
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { help(cmd.OutOrStdout(), cmd) })
	root.SetUsageFunc(func(cmd *cobra.Command) error { help(cmd.ErrOrStderr(), cmd); return nil })
	root.SetFlagErrorFunc(flagError)
	return root
}

// unknownCommand explains a first word that is no command.
func unknownCommand(cmd *cobra.Command, args []string) error {
	names := commandNames(cmd)
	expected := inWords(names)
	if len(args) == 0 {
		return &usageError{"found no command, expected " + expected}
	}
	message := fmt.Sprintf("found the command %q, expected %s", args[0], expected)
	if near := settings.Suggest(args[0], names); near != "" {
		message += "; write " + cmd.CommandPath() + " " + near
	}
	return &usageError{message}
}

func commandNames(cmd *cobra.Command) []string {
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return names
}

// noArguments refuses arguments. A bool written as two words is the likeliest
// reason for one.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	message := fmt.Sprintf("found the argument %q, expected flags only", args[0])
	switch args[0] {
	case "true", "false", "yes", "no":
		message += fmt.Sprintf("; write a flag and its value as one word: --no-probe=%s", args[0])
	default:
		if cmd.Flags().Lookup("dir") != nil {
			message += fmt.Sprintf("; for a checkout elsewhere, write -C %s", args[0])
		}
	}
	return &usageError{message}
}

// flagError explains a flag that cannot be parsed.
func flagError(cmd *cobra.Command, err error) error {
	name, ok := missingFlag(err)
	if !ok {
		return &usageError{explainFlag(err)}
	}
	var known []string
	visitFlags(cmd, func(flag string) { known = append(known, flag) })
	message := fmt.Sprintf("found the flag %s, which %s does not have", name, cmd.CommandPath())
	bare := strings.TrimLeft(name, "-")
	switch {
	case slices.Contains(commandNames(cmd.Root()), bare):
		message += "; write modferry " + bare
	case takers(bare) != "":
		message += "; it belongs to " + takers(bare)
	default:
		if near := settings.Suggest(bare, known); near != "" {
			message += "; write --" + near
		}
	}
	return &usageError{message}
}

// takers names the commands that take a setting, "" when there is none of that
// name.
func takers(name string) string {
	s, ok := settings.Find(name)
	if !ok {
		return ""
	}
	return "modferry " + strings.Join(s.Commands, ", ")
}
