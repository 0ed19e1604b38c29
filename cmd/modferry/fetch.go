package main

import (
	"context"

	"github.com/modferry/modferry/action/gitlab"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
)

// handOver writes the reports of a run for CI systems and the note on a merge
// request. Nothing of it can fail the run.
func (j *job) handOver(ctx context.Context, res *report.Result) {
	if j.values.Reports == "" {
		if err := j.gitlab.Hide(); err != nil {
			j.tell(err.Error())
		}
		return
	}
	j.tell(j.gitlab.Write(gitlab.Reports{Result: res, Root: j.Root(), Dir: j.values.Reports, Exports: j.Exports(j.chain, false)})...)
	if res.Interrupted {
		return // nobody waits any more
	}
	j.tell(j.gitlab.Note(ctx, res, gitlab.NoteOptions{
		Root: j.Root(), Agent: session.UserAgent(tool()), Transport: j.TransportTrusting,
	}))
}
