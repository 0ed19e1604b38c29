package main

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/fetch"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/settings"
)

// job is a prepared job and what it was prepared from.
type job struct {
	*session.Session
	values *settings.Values
	out    *output
	// findings are about the go command's files and variables.
	findings []finding.Finding
	// chain is what a run chose; empty before, and for commands that choose none.
	chain session.Chain
}

// execute prepares a job, runs it and writes its result. An error says that
// the job could not be prepared.
func (a *app) execute(cmd *cobra.Command, c command, _ []string) error {
	j, err := a.begin(cmd, c)
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	res := j.run(ctx, c.run)
	if !c.last {
		report.Judge(res)
	}
	a.code = res.Outcome.ExitCode()
	a.publish(j.out, res)
	if c.after != nil {
		c.after(a, ctx, j, res)
	}
	return nil
}

// begin resolves the settings and prepares the job of a command.
func (a *app) begin(cmd *cobra.Command, c command) (job, error) {
	values, err := settings.Resolve(setFlags(cmd), a.getenv, settings.Disk{})
	if err != nil {
		return job{}, err
	}
	if cmd.Flags().Lookup("json") != nil {
		if err := checkTarget(values.JSON); err != nil {
			return job{}, err
		}
	}
	out := newOutput(a.process, values)
	out.render = c.render
	if c.helps {
		out.fold = c.name
	}
	out.remark(settings.UnknownVariables(a.environ()))
	j := job{values: values, out: out}
	err = a.prepare(&j, c)
	return j, err
}

// run runs the job while its progress is shown.
func (j *job) run(ctx context.Context, run runner) (res *report.Result) {
	rec := new(fetch.Recorder)
	stop := j.out.progress(rec.Snapshot)
	res, j.chain = run(ctx, j.Session, rec)
	stop()
	res.Findings = append(j.findings, res.Findings...)
	return res
}

// publish writes the result to where it was asked for. A result that cannot be
// written is an error of the settings, and the exit code says so unless the run
// itself has something worse to tell.
func (a *app) publish(out *output, res *report.Result) {
	res.Hide(a.secrets.Hide)
	err := out.text(res)
	if out.values.JSON != "" {
		err = errors.Join(err, a.writeJSON(out.values.JSON, out.values.Dir, res))
	}
	if err == nil {
		return
	}
	a.say(err)
	if a.code == 0 {
		a.code = report.Settings.ExitCode()
	}
}

// prepare reads the go command's settings and the checkout.
func (a *app) prepare(j *job, c command) (err error) {
	options := session.Options{Tool: tool(), Log: j.out.log(), Getenv: a.getenv, Mask: a.mask(), Secrets: a.secrets}
	host := goenv.Host{
		Getenv: a.getenv, ReadFile: diskfile.ReadSettings, LookPath: exec.LookPath,
		EvalSymlinks: filepath.EvalSymlinks, GOOS: runtime.GOOS,
	}
	if c.examines {
		env, findings, err := session.Environment(j.values, host)
		var syntax *goenv.SyntaxError
		if errors.As(err, &syntax) {
			findings, err = append(findings, syntax.Finding(env.Source(syntax.Setting))), nil
		}
		if err == nil {
			j.Session = session.OpenForDoctor(j.values, env, findings, options)
		}
		return err
	}
	env, findings, remark, err := j.out.gitlab.Environment(j.values, host)
	if remark != "" {
		j.out.remark([]string{remark})
	}
	if err != nil {
		return err
	}
	j.findings = findings
	j.Session, err = c.prepare(j.values, env, options)
	return err
}
