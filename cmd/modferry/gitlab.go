package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/modferry/modferry/action"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
)

// handOver writes the reports of a run for CI systems and sees to the note on a
// merge request. Nothing of it can fail the run.
func (a *app) handOver(ctx context.Context, out *output, job *session.Session, chain session.Chain, res *report.Result) {
	if out.values.Reports == "" {
		if err := out.gitlab.Hide(); err != nil {
			a.tell(err.Error())
		}
		return
	}
	a.writeReports(action.Reports{Result: res, Root: job.Root(), Dir: out.values.Reports, Exports: job.Exports(chain)})
	if res.Interrupted {
		return // nobody waits any more
	}
	a.tell(out.gitlab.Note(ctx, res, action.NoteOptions{
		Root: job.Root(), Agent: session.UserAgent(tool()), Transport: job.TransportTrusting,
	}))
}

// writeReports writes the reports directory, which the checkout may have put a
// link in the place of.
func (a *app) writeReports(r action.Reports) {
	checkouts := []string{".", a.getenv("CI_PROJECT_DIR"), r.Root}
	g := action.OnGitLab(a.getenv)
	files, remarks := g.Files(r)
	if err := makeDir(r.Dir, checkouts...); err != nil {
		a.tell("the reports for CI systems are not written: " + err.Error())
		return
	}
	err := g.Hide()
	for _, f := range files {
		name := filepath.Join(r.Dir, f.Name)
		if f.Data != nil {
			err = errors.Join(err, writeFile(name, f.Data, checkouts...))
		} else if e := os.Remove(name); !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	for _, remark := range remarks {
		a.tell(remark)
	}
	if err != nil {
		a.tell("the reports for CI systems are not complete: " + err.Error())
	}
}

// tell prints a remark that is worth knowing even to those who want quiet:
// somebody asked for what there is not.
func (a *app) tell(remark string) {
	if remark != "" {
		fmt.Fprintln(a.stderr, "modferry: "+failure.Sentence(remark))
	}
}
