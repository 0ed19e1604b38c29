package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/settings"
)

// usageError is a command line that cannot mean what was intended.
type usageError struct{ message string }

func (e *usageError) Error() string { return e.message }

func misused(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// unknownCommand explains a first word that is no command.
func unknownCommand(cmd *cobra.Command, args []string) error {
	names := commandNames(cmd)
	expected := inWords(names)
	if len(args) == 0 {
		return misused("found no command, expected %s", expected)
	}
	return misused("found the command %q, expected %s%s", args[0], expected, suggestion(args[0], names, cmd.CommandPath()+" "))
}

// suggestion names the known word that somebody may have meant, with what is to
// be written before it; "" for none.
func suggestion(word string, known []string, before string) string {
	if near := settings.Suggest(word, known); near != "" {
		return "; write " + before + near
	}
	return ""
}

// choose returns the one of all that --format names.
func choose[T any](given string, names []string, all []T) (chosen T, err error) {
	if i := slices.Index(names, given); i >= 0 {
		return all[i], nil
	}
	return chosen, misused("flag --format: found %q, expected %s%s", given, inWords(names), suggestion(given, names, "--format "))
}

// howMany counts arguments, of which there is to be one.
func howMany(args []string, noun string) string {
	if len(args) == 0 {
		return "no " + noun
	}
	return report.Count(len(args), noun)
}

// inWords lists words in a sentence.
func inWords(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
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
	expected, remedy := "flags only", ""
	if cmd.Name() == "fetch" {
		expected = "MODULE@VERSION or flags"
	}
	switch args[0] {
	case "true", "false", "yes", "no":
		remedy = "; write a flag and its value as one word: --no-probe=" + args[0]
	default:
		switch {
		case cmd.Name() == "fetch" && strings.Contains(args[0], "/") && module.CheckPath(args[0]) == nil:
			remedy = "; for that module, write " + args[0] + "@latest"
		case cmd.Flags().Lookup("dir") != nil:
			remedy = "; for a checkout elsewhere, write -C " + args[0]
		}
	}
	return misused("found the argument %q, expected %s%s", args[0], expected, remedy)
}

// flagError explains a flag that cannot be parsed.
func flagError(cmd *cobra.Command, err error) error {
	var value *pflag.ValueRequiredError
	if errors.As(err, &value) {
		flag := value.GetFlag()
		return misused("found --%s without a value, expected --%s %s", flag.Name, flag.Name, flag.Value.Type())
	}
	var missing *pflag.NotExistError
	if !errors.As(err, &missing) {
		return &usageError{err.Error()}
	}
	name := missing.GetSpecifiedName()
	written := "--" + name
	if missing.GetSpecifiedShortnames() != "" {
		name = name[:1]
		written = "-" + name
	}
	var known []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
	remedy := ""
	switch {
	case slices.Contains(commandNames(cmd.Root()), name):
		remedy = "; write modferry " + name
	case takers(name) != "":
		remedy = "; it belongs to " + takers(name)
	default:
		remedy = suggestion(name, known, "--")
	}
	return misused("found the flag %s, which %s does not have%s", written, cmd.CommandPath(), remedy)
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
