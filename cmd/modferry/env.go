package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/modferry/modferry/docs"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/fetch"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/goenv/assign"
	"github.com/modferry/modferry/internal/outlet"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/render"
	"github.com/modferry/modferry/internal/report/text"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/settings"
)

func envHelp() string {
	return `Measures the mirrors as probe does and prints the variables that make a go
command use the chosen chain: GOPROXY; GOSUMDB, GOPRIVATE, GONOPROXY, GONOSUMDB
where they are set; GOMODCACHE where modferry's settings name one. Formats:
` + inWords(assignNames()) + `.

Nothing else goes to standard output, and after an error nothing at all. Dead
mirrors are not an error. See
` + docs.URL + "env.md."
}

func envFlags(cmd *cobra.Command) {
	cmd.Flags().String("format", "sh", "`WORD` is one of the formats above (sh)")
	completeFormat(cmd, assignNames())
}

// assignNames are the formats of "modferry env".
func assignNames() []string {
	var names []string
	for _, f := range assign.Formats() {
		names = append(names, f.Name)
	}
	return names
}

func (a *app) env(cmd *cobra.Command, c command, _ []string) error {
	format, err := choose(cmd.Flags().Lookup("format").Value.String(), assignNames(), assign.Formats())
	if err != nil {
		return err
	}
	j, err := a.begin(cmd, c)
	if err != nil {
		return err
	}
	if j.values.NoProbe {
		j.command.run = unprobed
	}
	res := j.run(cmd.Context())
	if err := j.explainChoice(res); err != nil {
		return err
	}
	if res.Interrupted {
		fmt.Fprintln(a.stderr, "modferry: interrupted; no settings printed")
		a.code = report.Incomplete.ExitCode()
		return nil
	}
	text, err := format.Text(a.carried(format, j.Exports(j.chain, true)), rand.Reader)
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
func (j *job) explainChoice(res *report.Result) error {
	res.Hide(j.secrets.Hide)
	if j.values.Verbose {
		return j.renderText(j.stderr, res, true, text.Write)
	}
	j.remark(append(res.Choice.Reasons, render.CheckoutRemarks(res)...)...)
	if j.values.Quiet && res.Outcome != report.OK && !res.Interrupted {
		fmt.Fprintf(j.stderr, "modferry: %s; GOPROXY is as configured\n", res.Message)
	}
	return nil
}

func unprobed(_ context.Context, s *session.Session, _ *fetch.Recorder) (*report.Result, session.Chain) {
	return fetch.Unprobed(s)
}

// carried are the variables that a format may carry. It tells of the others, and
// hides credentials from whoever looks on.
func (a *app) carried(f assign.Format, exports []assign.Variable) []assign.Variable {
	tell := func(format string, args ...any) { fmt.Fprintf(a.stderr, "modferry: "+format+"\n", args...) }
	carried, left := f.Carry(exports)
	for _, l := range left {
		remedy := ""
		if l.Secret {
			remedy = "; put them in a netrc file, which docker build takes as a secret (" + docs.URL + "env.md), and write the URL without them"
		}
		tell("%s is left out: %s%s", l.Name, l.Why, remedy)
	}
	terminal, hidden, mask := isTerminal(a.stdout), false, a.mask()
	var vars []assign.Variable
	for _, c := range carried {
		switch {
		case terminal:
			c.Value, hidden = failure.Plain(settings.Redact(c.Value)), hidden || c.Secret
		case c.Secret && mask != nil:
			for _, credential := range goenv.Secrets(c.Value) {
				mask(credential) // before anything prints it
			}
		}
		vars = append(vars, c.Variable)
	}
	if hidden {
		tell("credentials are hidden because this is a terminal; a pipe or a file gets them")
	}
	return vars
}
