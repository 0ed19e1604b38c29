package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/modferry/modferry/action/gitlab"
	"github.com/modferry/modferry/action/otherci"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/outlet"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/secret"
	"github.com/modferry/modferry/internal/settings"
)

// process is what a command sees of the outside.
type process struct {
	stdin   io.Reader
	stdout  io.Writer
	stderr  io.Writer
	getenv  func(string) string
	environ func() []string
	secrets *secret.Set // what the program was given, and what it finds on its way
}

// run executes one command line, without the program's name, and returns the
// exit code.
func run(ctx context.Context, args []string, p process) int {
	p.secrets = &secret.Set{}
	p.secrets.AddEnviron(p.environ())
	p.secrets.AddURLs(strings.Join(args, "\n"))
	stdout, stderr := outlet.New(p.stdout, p.secrets, isTerminal(p.stdout)), outlet.New(p.stderr, p.secrets, isTerminal(p.stderr))
	p.stdout, p.stderr = stdout, stderr
	a := &app{process: p}
	root := a.tree()
	root.SetArgs(args)
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	if cmd, err := root.ExecuteContextC(ctx); err != nil {
		a.code = a.refuse(cmd, err)
	}
	if err := errors.Join(stdout.Flush(), stderr.Flush()); err != nil && a.code == 0 {
		return report.Settings.ExitCode() // a result that nobody gets, as in publish
	}
	return a.code
}

// app is one execution of the program.
type app struct {
	process
	code int // the exit code of a command that ran
}

// refuse reports an error that kept a command from running: one message, and a
// result where one was asked for.
func (a *app) refuse(cmd *cobra.Command, err error) int {
	message := a.secrets.Hide(failure.Sentence(err.Error()))
	fmt.Fprintln(a.stderr, "modferry: "+message)
	var setting *settings.Error
	if errors.As(err, &setting) && setting.Excerpt != "" {
		fmt.Fprintln(a.stderr, setting.Excerpt)
	}
	var usage *usageError
	if errors.As(err, &usage) {
		fmt.Fprintf(a.stderr, "Run %q for help.\n", cmd.CommandPath()+" --help")
	}
	res := &report.Result{
		Schema: report.Schema, Tool: tool(), Started: time.Now().UTC().Format(time.RFC3339),
		Outcome: report.Settings, Message: message,
		Cache: report.Cache{Store: "off", Hit: "off"},
	}
	if target := a.given(cmd, "json"); target != "" {
		if err := a.writeJSON(target, a.given(cmd, "dir"), func(w io.Writer) error { return report.JSON(w, res) }); err != nil {
			a.tell(err.Error())
		}
	}
	if cmd.Flags().Lookup("reports") != nil {
		if dir := settings.ReportsDir(a.given(cmd, "reports"), a.getenv); dir != "" {
			a.tell(gitlab.Detect(a.getenv).Write(gitlab.Reports{Result: res, Dir: dir, Project: otherci.Detect(a.getenv).Checkout()})...)
		}
	}
	return report.Settings.ExitCode()
}

// given is what a command that was refused was given for a setting, "" when it
// does not take it. The settings may be what is wrong, so they are not asked.
func (a *app) given(cmd *cobra.Command, name string) string {
	flag := cmd.Flags().Lookup(name)
	s, ok := settings.Find(name)
	switch {
	case flag == nil || !ok:
		return ""
	case flag.Changed:
		return flag.Value.String()
	}
	return a.getenv(s.Env())
}
