package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/modferry/modferry/docs"
	"github.com/modferry/modferry/internal/settings"
)

// help prints what a command does and takes, its flags in groups.
func help(w io.Writer, cmd *cobra.Command) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", cmp.Or(cmd.Long, cmd.Short+"."))
	if cmd.HasSubCommands() {
		helpCommands(&b, cmd)
	} else {
		fmt.Fprintf(&b, "Usage: %s\n", cmd.UseLine())
		if cmd.Example != "" {
			fmt.Fprintf(&b, "\nExamples:\n%s\n", cmd.Example)
		}
		helpFlags(&b, cmd)
	}
	_, _ = io.WriteString(w, b.String()) // nobody to tell when even this fails
}

// helpOn prints the help of the command that words name.
func helpOn(cmd *cobra.Command, words []string) error {
	of := cmd.Root()
	for i, word := range words {
		at := slices.IndexFunc(of.Commands(), func(c *cobra.Command) bool { return c.Name() == word })
		if at < 0 {
			if !of.HasSubCommands() {
				return misused("found %q after %s, which has no commands of its own", word, of.CommandPath())
			}
			return unknownCommand(of, words[i:])
		}
		of = of.Commands()[at]
	}
	return of.Help()
}

// exitCodes are what the exit codes of commands mean.
var exitCodes = []struct {
	code    int
	meaning string
}{
	{0, "everything needed is present or deliberately left to the go command"},
	{1, "something could not be downloaded; running again may help"},
	{2, "the command line, a setting or a file of the checkout must be corrected"},
	{3, "content did not match go.sum, and no source had valid content"},
	{interrupted, "interrupted by a signal"},
}

func helpCommands(b *strings.Builder, root *cobra.Command) {
	fmt.Fprintf(b, "Usage: %s COMMAND [flags]\n\nCommands:\n", root.CommandPath())
	for _, c := range commands() {
		if group, verb := c.split(); !c.hidden && strings.TrimSpace(program.name+" "+group) == root.CommandPath() {
			fmt.Fprintf(b, "  %-12s %s\n", verb, c.short)
		}
	}
	b.WriteString("\nExit codes:\n")
	for _, code := range exitCodes {
		fmt.Fprintf(b, "  %-3d %s\n", code.code, code.meaning)
	}
	b.WriteByte('\n')
	fmt.Fprintf(b, "%q shows the flags of a command.\nDocumentation: %s\n", root.CommandPath()+" COMMAND --help", docs.URL+"README.md")
}

// helpFlags prints the flags of a command: those of the settings under their
// headings, the command's own after them.
func helpFlags(b *strings.Builder, cmd *cobra.Command) {
	group, bound := "", false
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" {
			return
		}
		heading := "Flags"
		placeholder, usage := pflag.UnquoteUsage(f)
		if v, ok := f.Value.(*flagValue); ok {
			bound, heading, placeholder, usage = true, v.setting.Group, v.setting.Placeholder(), describe(v.setting)
		}
		if heading != group {
			group = heading
			fmt.Fprintf(b, "\n%s:\n", group)
		}
		flag := "    --" + f.Name
		if f.Shorthand != "" {
			flag = "-" + f.Shorthand + ", --" + f.Name
		}
		fmt.Fprintf(b, "  %-27s %s\n", strings.TrimRight(flag+" "+placeholder, " "), usage)
	})
	if bound {
		b.WriteString("\nDefaults are in parentheses. Variables and keys of .modferry.yaml:\n" + docs.URL + "settings.md\n")
	}
}

// describe is the line of --help about a setting: what it does, its choices,
// its default in parentheses.
func describe(s settings.Setting) string {
	text := s.Usage
	if others := slices.DeleteFunc(slices.Clone(s.Choices), func(c string) bool { return c == s.Default }); len(others) > 0 {
		text += ": " + strings.Join(others, ", ")
	}
	if s.Kind != settings.Bool {
		text += " (" + cmp.Or(s.Default, s.Unset) + ")"
	}
	return text
}
