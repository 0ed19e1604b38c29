package main

import (
	"crypto/rand"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/fetch"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/goenv/assign"
	"github.com/modferry/modferry/internal/outlet"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/render"
	"github.com/modferry/modferry/internal/report/text"
	"github.com/modferry/modferry/internal/settings"
)

// envCommand prints the settings that the go command should use.
func (a *app) envCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use: "env", Short: "Print the settings that the go command should use",
		Long: `Measures the mirrors like probe and prints the variables that make a go command
use what was chosen: GOPROXY; GOSUMDB, GOPRIVATE, GONOPROXY, GONOSUMDB where
somebody set them; GOMODCACHE where modferry's settings name one. Formats:
` + inWords(assignNames()) + `.

  eval "$(modferry env)"                                  sh, bash, busybox
  modferry env --format fish | source                     fish
  modferry env --format github >> "$GITHUB_ENV"           later steps on GitHub
  modferry env --format dotenv > modferry.env             later jobs on GitLab

Standard output has nothing else, and nothing at all after an error. Dead
mirrors are no error. See docs/env.md.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.env(cmd, format) },
	}
	bindFlags(cmd, exporting)
	cmd.Flags().StringVar(&format, "format", "sh", "`WORD` is one of the formats above (sh)")
	return cmd
}

// assignNames are the formats of "modferry env".
func assignNames() []string {
	var names []string
	for _, f := range assign.Formats() {
		names = append(names, f.Name)
	}
	return names
}

func (a *app) env(cmd *cobra.Command, name string) error {
	formats := assign.Formats()
	i := slices.IndexFunc(formats, func(f assign.Format) bool { return f.Name == name })
	if i < 0 {
		return unknownFormat(name, assignNames())
	}
	values, err := settings.Resolve(setFlags(cmd), a.getenv, settings.Disk{})
	if err != nil {
		return err
	}
	out := newOutput(a.process, values)
	out.remark(settings.UnknownVariables(a.environ()))
	job, findings, err := a.prepare(values, exporting, out)
	if err != nil {
		return err
	}
	var res *report.Result
	if values.NoProbe {
		res = job.Unprobed()
	} else {
		stop := out.progress(job.Snapshot)
		res = job.Probe(cmd.Context())
		stop()
	}
	res.Findings = append(findings, res.Findings...)
	if err := a.explainChoice(out, res); err != nil {
		return err
	}
	if res.Interrupted {
		fmt.Fprintln(a.stderr, "modferry: interrupted; no settings printed")
		a.code = report.Incomplete.ExitCode()
		return nil
	}
	exports := job.Exports()
	if out.goflags != "" {
		exports = append(exports, fetch.Export{Variable: assign.Variable{Name: "GOFLAGS", Value: out.goflags}, Settled: true})
	}
	text, err := formats[i].Text(a.carried(formats[i], exports), rand.Reader)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(outlet.Data(a.stdout), text); err != nil {
		return fmt.Errorf("write the settings: %w", err)
	}
	return nil
}

// explainChoice says on standard error what the preflight found. It never fails
// the command: without any mirror the chain is what was configured, which is
// what the go command would have used without us.
func (a *app) explainChoice(out *output, res *report.Result) error {
	res.Hide(a.secrets.Hide)
	if out.values.Verbose {
		return a.renderText(a.stderr, res, true, text.Write)
	}
	out.remark(res.Choice.Reasons)
	out.remark(render.CheckoutRemarks(res))
	if out.values.Quiet && res.Outcome != report.OK && !res.Interrupted {
		fmt.Fprintf(a.stderr, "modferry: %s; GOPROXY is as configured\n", res.Message)
	}
	return nil
}

// carried are the variables that a format may carry, and tells of the others.
// Credentials go to whoever reads them at once, never into a text that is kept
// or onto a screen.
func (a *app) carried(f assign.Format, exports []fetch.Export) []assign.Variable {
	tell := func(format string, args ...any) { fmt.Fprintf(a.stderr, "modferry: "+format+"\n", args...) }
	terminal, hidden := isTerminal(a.stdout), false
	var vars []assign.Variable
	for _, e := range exports {
		v := e.Variable
		redacted := settings.Redact(v.Value)
		switch secret := redacted != v.Value; {
		case f.Foreign && v.Name == "GOMODCACHE":
			tell("GOMODCACHE is left out: it is a path of this machine, and a %s is read elsewhere", f.Name)
			continue
		case secret && f.Kept:
			tell("%s is left out: it holds credentials, and %s is text that is kept or shared; "+
				"put them into a netrc file, which docker build takes as a secret (docs/env.md), and write the URL without them", v.Name, f.Name)
			continue
		case terminal:
			v.Value, hidden = failure.Plain(redacted), hidden || secret
		case secret:
			a.maskAll(v.Value)
		}
		vars = append(vars, v)
	}
	if hidden {
		tell("credentials are hidden, because this is a terminal; a pipe or a file gets them")
	}
	return vars
}

// maskAll tells GitHub's runner the credentials of a value before anything
// prints them.
func (a *app) maskAll(value string) {
	mask := a.mask()
	if mask == nil {
		return
	}
	for _, secret := range goenv.Secrets(value) {
		mask(secret)
	}
}

// unknownFormat explains a --format that there is not.
func unknownFormat(found string, known []string) error {
	message := fmt.Sprintf("flag --format: found %q, expected %s", found, inWords(known))
	if near := settings.Suggest(found, known); near != "" {
		message += "; write --format " + near
	}
	return &usageError{message}
}

// inWords lists words in a sentence.
func inWords(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
