package main

import (
	"context"
	"errors"

	"github.com/modferry/modferry/action/gitlab"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
)

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
