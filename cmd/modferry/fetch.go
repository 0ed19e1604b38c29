package main

import (
	"context"

	"github.com/modferry/modferry/action/gitlab"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
)

// handOver writes the reports of a run for CI systems and the note on a merge
// request. Nothing of it can fail the run.
func (a *app) handOver(ctx context.Context, j job, res *report.Result) {
	out := j.out
	if out.values.Reports == "" {
		if err := out.gitlab.Hide(); err != nil {
			a.tell(err.Error())
		}
		return
	}
	a.tell(out.gitlab.Write(gitlab.Reports{Result: res, Root: j.Root(), Dir: out.values.Reports, Exports: j.Exports(j.chain, false)})...)
	if res.Interrupted {
		return // nobody waits any more
	}
	a.tell(out.gitlab.Note(ctx, res, gitlab.NoteOptions{
		Root: j.Root(), Agent: session.UserAgent(tool()), Transport: j.TransportTrusting,
	}))
}
