package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/modferry/modferry/internal/settings"
)

// flagValue is the text of a flag. Whether it is a value of the setting is
// found out by settings.Resolve, which explains better than a flag parser.
type flagValue struct {
	setting settings.Setting
	text    string
}

func (v *flagValue) String() string        { return v.text }
func (v *flagValue) Set(text string) error { v.text = text; return nil }
func (v *flagValue) Type() string          { return v.setting.Placeholder() }

// bindFlags gives a command the flags of the settings that it takes.
func bindFlags(cmd *cobra.Command, name string) {
	flags := cmd.Flags()
	flags.SortFlags = false
	for _, s := range settings.Table() {
		if !s.Takes(name) {
			continue
		}
		f := flags.VarPF(&flagValue{setting: s}, s.Name, s.Short, s.Usage)
		if s.Kind == settings.Bool {
			f.NoOptDefVal = "true"
		}
	}
}

// setFlags returns the flags that stand on the command line.
func setFlags(cmd *cobra.Command) map[string]string {
	set := map[string]string{}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if v, ok := f.Value.(*flagValue); ok {
			set[f.Name] = v.text
		}
	})
	return set
}

func visitFlags(cmd *cobra.Command, visit func(name string)) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) { visit(f.Name) })
}

// missingFlag returns the flag that a parse error says does not exist, as it
// was written.
func missingFlag(err error) (string, bool) {
	var missing *pflag.NotExistError
	if !errors.As(err, &missing) {
		return "", false
	}
	if missing.GetSpecifiedShortnames() != "" {
		return "-" + missing.GetSpecifiedName()[:1], true
	}
	return "--" + missing.GetSpecifiedName(), true
}

// explainFlag words the other parse errors.
func explainFlag(err error) string {
	var value *pflag.ValueRequiredError
	if errors.As(err, &value) {
		flag := value.GetFlag()
		return fmt.Sprintf("found --%s without a value, expected --%s %s", flag.Name, flag.Name, flag.Value.Type())
	}
	return err.Error()
}

// helpWidth is what a line of --help keeps within.
const helpWidth = 80

// help prints what a command does and takes, its flags in groups.
func help(w io.Writer, cmd *cobra.Command) {
	var b strings.Builder
	if cmd.Long != "" {
		fmt.Fprintf(&b, "%s\n\n", cmd.Long)
	} else {
		fmt.Fprintf(&b, "%s.\n\n", cmd.Short)
	}
	if cmd.HasSubCommands() {
		helpCommands(&b, cmd)
	} else {
		fmt.Fprintf(&b, "Usage: %s\n", cmd.UseLine())
		helpFlags(&b, cmd)
	}
	_, _ = io.WriteString(w, b.String()) // nobody to tell when even this fails
}

func helpCommands(b *strings.Builder, root *cobra.Command) {
	fmt.Fprintf(b, "Usage: %s COMMAND [flags]\n\nCommands:\n", root.CommandPath())
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() {
			fmt.Fprintf(b, "  %-12s %s\n", c.Name(), c.Short)
		}
	}
	b.WriteString(`
Exit codes:
  0  everything needed is present or deliberately left to the go command
  1  something could not be downloaded; running again may help
  2  the command line, a setting or a file of the checkout must be corrected
  3  content did not match go.sum, and no source had valid content

`)
	fmt.Fprintf(b, "%q shows the flags of a command.\n", root.CommandPath()+" COMMAND --help")
}

// helpFlags prints the flags of a command: those of the settings under their
// headings, the command's own after them.
func helpFlags(b *strings.Builder, cmd *cobra.Command) {
	var own []*pflag.Flag
	group, bound := "", false
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		v, ok := f.Value.(*flagValue)
		switch {
		case f.Name == "help":
		case !ok:
			own = append(own, f)
		default:
			bound = true
			if v.setting.Group != group {
				group = v.setting.Group
				fmt.Fprintf(b, "\n%s:\n", group)
			}
			helpFlag(b, f.Shorthand, f.Name, v.setting.Placeholder(), describe(v.setting))
		}
	})
	if len(own) > 0 {
		b.WriteString("\nFlags:\n")
		for _, f := range own {
			placeholder, usage := pflag.UnquoteUsage(f)
			helpFlag(b, f.Shorthand, f.Name, placeholder, usage)
		}
	}
	if bound {
		b.WriteString("\nDefaults are in parentheses. Every flag has a variable, --ca-file for instance\n" +
			"MODFERRY_CA_FILE, and most have a key in .modferry.yaml: see docs/settings.md.\n")
	}
}

func helpFlag(b *strings.Builder, short, name, placeholder, usage string) {
	flag := "    --" + name
	if short != "" {
		flag = "-" + short + ", --" + name
	}
	if placeholder != "" {
		flag += " " + placeholder
	}
	fmt.Fprintf(b, "  %-27s %s\n", flag, usage)
}

// describe is the line of --help about a setting: what it does, its choices,
// its default in parentheses.
func describe(s settings.Setting) string {
	text := s.Usage
	var others []string
	for _, c := range s.Choices {
		if c != s.Default {
			others = append(others, c)
		}
	}
	if len(others) > 0 {
		text += ": " + strings.Join(others, ", ")
	}
	switch {
	case s.Kind == settings.Bool:
	case s.Default != "":
		text += " (" + s.Default + ")"
	default:
		text += " (" + s.Unset + ")"
	}
	return text
}
