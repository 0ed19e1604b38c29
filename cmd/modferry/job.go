package main

import (
	"context"
	"errors"
	"io"
	"sync/atomic"

	"github.com/spf13/cobra"

	"github.com/modferry/modferry/action/forge"
	"github.com/modferry/modferry/action/gitlab"
	"github.com/modferry/modferry/action/otherci"
	"github.com/modferry/modferry/internal/fetch"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/progress"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/settings"
)

// job is a prepared job and what it was prepared from.
type job struct {
	*app
	*session.Session
	command command
	values  *settings.Values
	gitlab  *gitlab.Job // nil on other CI systems and outside of CI
	// other is the job of another CI system; nil on GitHub, GitLab and outside of CI.
	other *otherci.Job
	// findings are about the go command's files and variables.
	findings []finding.Finding
	// chain is what a run chose; empty before, and for commands that choose none.
	chain session.Chain
	live  atomic.Pointer[progress.Display] // nil while no progress is shown
}

// interrupted is the exit code of a run that a signal ended, as of a shell's command.
const interrupted = 130

// execute prepares a job, runs it and writes its result.
func (a *app) execute(cmd *cobra.Command, c command, _ []string) error {
	j, err := a.begin(cmd, c)
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	if dry, _ := cmd.Flags().GetBool(dryRun); dry {
		return j.plan(ctx)
	}
	res := j.run(ctx)
	if !c.last {
		report.Judge(res)
	}
	a.code = res.Outcome.ExitCode()
	if res.Interrupted && ctx.Err() != nil { // and not ended by --timeout
		a.code = interrupted
	}
	j.publish(res)
	if c.after != nil {
		c.after(j, ctx, res)
	}
	return nil
}

// begin reads modferry's settings, those of the go command, and the checkout.
func (a *app) begin(cmd *cobra.Command, c command) (*job, error) {
	values, err := settings.Resolve(setFlags(cmd), a.getenv, settings.Disk{})
	if err != nil {
		return nil, err
	}
	if err := values.Promise(c.name); err != nil {
		return nil, err
	}
	if cmd.Flags().Lookup("json") != nil {
		if err := checkTarget(values.JSON); err != nil {
			return nil, err
		}
	}
	j := &job{app: a, command: c, values: values, gitlab: gitlab.Detect(a.getenv), other: otherci.Detect(a.getenv)}
	j.remark(settings.UnknownVariables(a.environ())...)
	options := session.Options{Tool: tool(), Log: j.log(), Getenv: a.getenv, Mask: a.mask(), Secrets: a.secrets}
	if c.examines {
		j.Session, err = session.Examine(values, a.host(), options)
		return j, err
	}
	env, findings, remark, err := j.gitlab.Environment(values, a.host())
	if remark != "" {
		j.remark(remark)
	}
	if err != nil {
		return nil, err
	}
	j.findings = findings
	j.Session, err = c.prepare(values, env, options)
	return j, err
}

// run runs the job while its progress is shown.
func (j *job) run(ctx context.Context) (res *report.Result) {
	rec := new(fetch.Recorder)
	stop := j.progress(rec.Snapshot)
	res, j.chain = j.command.run(ctx, j.Session, rec)
	stop()
	res.Findings = append(j.findings, res.Findings...)
	j.describe(res)
	return res
}

// describe says in the result which CI job it is of.
func (j *job) describe(res *report.Result) {
	top := j.getenv("CI_PROJECT_DIR")
	if top == "" {
		top = j.getenv("GITHUB_WORKSPACE")
	}
	forge.Describe(res, j.getenv, top, j.Root())
}

// publish writes the result to where it was asked for. A result that cannot be
// written is an error of the settings, and the exit code says so unless the run
// itself has something worse to tell.
func (j *job) publish(res *report.Result) {
	res.Hide(j.secrets.Hide)
	err := j.show(res)
	if j.values.JSON != "" {
		err = errors.Join(err, j.writeJSON(j.values.JSON, j.values.Dir, func(w io.Writer) error { return report.JSON(w, res) }))
	}
	if err == nil {
		return
	}
	j.tell(err.Error())
	if j.code == 0 {
		j.code = report.Settings.ExitCode()
	}
}
