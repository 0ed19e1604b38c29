package main

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/modferry/modferry/action/gitlab"
	"github.com/modferry/modferry/internal/fetch"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/outside"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/settings"
)

const fetchHelp = `Downloads what builds and tests import into the module cache, verified. With
arguments: what go install of them reads, verified by the checksum database.`

// fetch downloads the modules of a checkout, or those that arguments name.
func (a *app) fetch(cmd *cobra.Command, c command, args []string) error {
	if len(args) == 0 {
		return a.execute(cmd, c, nil)
	}
	if !strings.Contains(args[0], "@") {
		return noArguments(cmd, args)
	}
	modules, err := outside.Parse(args)
	if err != nil {
		return &usageError{err.Error()}
	}
	if plan, _ := cmd.Flags().GetBool(dryRun); plan {
		return misused("found --%s together with modules, expected one of the two: what a tool needs is known once it is there", dryRun)
	}
	c.prepare = unlessOffline(session.OpenJob)
	c.run = func(ctx context.Context, s *session.Session, rec *fetch.Recorder) (*report.Result, session.Chain) {
		return fetch.Modules(ctx, s, rec, modules)
	}
	return a.execute(cmd, c, nil)
}

// opener opens the session of a command.
type opener func(*settings.Values, goenv.Env, session.Options) (*session.Session, error)

// unlessOffline opens a session of servers and directories, or with --offline of
// directories alone.
func unlessOffline(open opener) opener {
	return func(v *settings.Values, env goenv.Env, o session.Options) (*session.Session, error) {
		if v.Offline {
			var err error
			if v, env, err = session.Offline(v, env); err != nil {
				return nil, err
			}
		}
		return open(v, env, o)
	}
}

// hide keeps git from seeing what is kept in the checkout between jobs.
func (j *job) hide() {
	if err := errors.Join(j.gitlab.Hide(), j.other.Hide()); err != nil {
		j.tell(err.Error())
	}
}

// handOver writes the reports of a run for CI systems and the note on a merge
// request. Nothing of it can fail the run.
func (j *job) handOver(ctx context.Context, res *report.Result) {
	j.tell(j.other.Publish(j.stderr, res, j.Root())...)
	if j.values.Reports == "" {
		j.hide()
		return
	}
	j.tell(j.gitlab.Write(gitlab.Reports{Result: res, Root: j.Root(), Dir: j.values.Reports, Project: j.other.Checkout(), Exports: j.Exports(j.chain, false)})...)
	if res.Interrupted {
		return // nobody waits any more
	}
	j.tell(j.gitlab.Note(ctx, res, gitlab.NoteOptions{
		Root: j.Root(), Agent: session.UserAgent(tool()), Transport: j.TransportTrusting,
	}))
}
