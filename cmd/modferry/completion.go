package main

import (
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/modferry/modferry/internal/outlet"
	"github.com/modferry/modferry/internal/settings"
)

// shell is a shell that can complete command lines.
type shell struct {
	name   string
	script func(root *cobra.Command, w io.Writer) error
}

func shells() []shell {
	return []shell{
		{"bash", func(root *cobra.Command, w io.Writer) error { return root.GenBashCompletionV2(w, true) }},
		{"zsh", (*cobra.Command).GenZshCompletion},
		{"fish", func(root *cobra.Command, w io.Writer) error { return root.GenFishCompletion(w, true) }},
		{"powershell", (*cobra.Command).GenPowerShellCompletionWithDesc},
	}
}

func shellNames() []string {
	var names []string
	for _, s := range shells() {
		names = append(names, s.name)
	}
	return names
}

// completion prints the script for a shell.
func (a *app) completion(cmd *cobra.Command, _ command, args []string) error {
	names := shellNames()
	if len(args) != 1 {
		return misused("found %s, expected one: %s", howMany(args, "shell"), inWords(names))
	}
	i := slices.Index(names, args[0])
	if i < 0 {
		return misused("found the shell %q, expected %s%s", args[0], inWords(names), suggestion(args[0], names, "modferry completion "))
	}
	return shells()[i].script(cmd.Root(), outlet.Data(a.stdout))
}

// complete says what a shell may offer for the arguments and flags of a command.
func (a *app) complete(cmd *cobra.Command, c command) {
	switch {
	case c.args == "SHELL":
		cmd.ValidArgs = shellNames()
	case c.name == "explain":
		cmd.ValidArgs = codes()
	case !strings.Contains(c.args, "FILE") && !strings.Contains(c.args, "DIR"):
		cmd.ValidArgsFunction = cobra.NoFileCompletions
	}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if v, ok := f.Value.(*flagValue); ok {
			// It fails only for a flag that has a function already.
			_ = cmd.RegisterFlagCompletionFunc(f.Name, a.valuesOf(v.setting))
		}
	})
}

// valuesOf says what a shell may offer for the value of a setting.
func (a *app) valuesOf(s settings.Setting) cobra.CompletionFunc {
	switch s.Kind {
	case settings.Choice:
		return cobra.FixedCompletions(s.Choices, cobra.ShellCompDirectiveNoFileComp)
	case settings.Bool:
		return cobra.FixedCompletions([]string{"true", "false"}, cobra.ShellCompDirectiveNoFileComp)
	case settings.Store:
		kinds := []string{"dir:\ta directory", "gha\tGitHub's cache service", "s3://\tan S3 bucket", "off\tno cache"}
		return cobra.FixedCompletions(kinds, cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveNoSpace)
	case settings.Dir:
		return cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs)
	case settings.File:
		return cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault)
	}
	if s.Name == "profile" {
		return a.completeProfile
	}
	return cobra.NoFileCompletions
}

// completeProfile offers the profiles of the configuration file.
func (a *app) completeProfile(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return settings.Profiles(setFlags(cmd), a.getenv, settings.Disk{}), cobra.ShellCompDirectiveNoFileComp
}

// completeFormat makes a shell offer the values of --format.
func completeFormat(cmd *cobra.Command, names []string) {
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp))
}
