package main

import (
	"errors"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/fetch"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/text"
	"github.com/modferry/modferry/internal/settings"
)

// mode is a command that runs a job; its text is the command's name as in the
// settings table.
type mode string

// verb is the last word of the name.
func (m mode) verb() string { return string(m[strings.LastIndexByte(string(m), ' ')+1:]) }

// helps reports whether the command moves modules on the way to something else:
// details of a good run are for few then, while the reports of the others are
// what they are run for.
func (m mode) helps() bool { return m == fetching || m == restoring || m == saving }

// The modes.
const (
	fetching  mode = "fetch"
	probing   mode = "probe"
	exporting mode = "env"
	verifying mode = "verify"
	doctoring mode = "doctor"
	restoring mode = "cache restore"
	saving    mode = "cache save"
	listing   mode = "cache list"
	pruning   mode = "cache prune"
)

// execute prepares a job, runs it and writes its result. An error says that
// the job could not be prepared.
func (a *app) execute(cmd *cobra.Command, m mode) error {
	values, err := settings.Resolve(setFlags(cmd), a.getenv, settings.Disk{})
	if err != nil {
		return err
	}
	if err := checkTarget(values.JSON); err != nil {
		return err
	}
	out := newOutput(a.process, values)
	out.remark(settings.UnknownVariables(a.environ()))
	job, findings, err := a.prepare(values, m, out)
	if err != nil {
		return err
	}
	stop := out.progress(job.Snapshot)
	var res *report.Result
	ctx := cmd.Context()
	switch m {
	case probing:
		res = job.Probe(ctx)
	case verifying:
		res = job.Verify(ctx)
	case doctoring:
		res = job.Doctor(ctx)
	case restoring:
		res = job.Restore(ctx)
	case saving:
		res = job.Save(ctx)
	default:
		res = job.Run(ctx)
	}
	stop()
	res.Findings = append(findings, res.Findings...)
	if m != saving && m != doctoring { // nothing runs after the one, and the other counts its findings
		report.Judge(res)
	}
	a.code = res.Outcome.ExitCode()
	out.render = text.Write
	if m.helps() {
		out.fold = string(m)
	}
	if m == doctoring {
		out.render = text.Diagnosis
	}
	err = a.publish(out, res)
	if m == fetching {
		a.handOver(ctx, out, job, res)
	}
	return err
}

// publish writes the result to where it was asked for. A result that cannot be
// written is an error of the settings, and the exit code says so unless the run
// itself has something worse to tell.
func (a *app) publish(out *output, res *report.Result) error {
	res.Hide(a.secrets.Hide)
	err := out.text(res)
	if out.values.JSON != "" {
		err = errors.Join(err, a.writeJSON(out.values.JSON, out.values.Dir, res))
	}
	if err == nil {
		return nil
	}
	a.say(err)
	if a.code == 0 {
		a.code = report.Settings.ExitCode()
	}
	return nil
}

// prepare resolves the go command's settings and reads the checkout. The
// findings are those about the go command's files and variables.
func (a *app) prepare(values *settings.Values, m mode, out *output) (*fetch.Job, []finding.Finding, error) {
	env, findings, err := a.environment(values, m, out)
	options := fetch.Options{Tool: tool(), Log: out.log(), Getenv: a.getenv, Mask: a.mask(), Secrets: a.secrets}
	if m == doctoring {
		var syntax *goenv.SyntaxError
		if errors.As(err, &syntax) {
			findings, err = append(findings, syntax.Finding(env.Source(syntax.Setting))), nil
		}
		if err != nil {
			return nil, nil, err
		}
		return fetch.PrepareDoctor(values, env, findings, options), nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	prepare := fetch.Prepare
	switch m {
	case probing, exporting:
		prepare = fetch.PrepareProbe
	case listing, pruning:
		prepare = fetch.PrepareCache
	}
	job, err := prepare(values, env, options)
	return job, findings, err
}

// environment is what prepare needs of the go command's settings.
func (a *app) environment(values *settings.Values, m mode, out *output) (goenv.Env, []finding.Finding, error) {
	host := goenv.Host{
		Getenv: a.getenv, ReadFile: diskfile.ReadSettings, LookPath: exec.LookPath,
		EvalSymlinks: filepath.EvalSymlinks, GOOS: runtime.GOOS,
	}
	env, findings, err := fetch.Environment(values, host)
	if m == doctoring { // it tells what is the matter
		return env, findings, err
	}
	if values.ModCache == "" {
		if dir, remark := out.gitlab.ModCache(env.Get("GOMODCACHE")); dir != "" {
			out.remark([]string{remark})
			values.ModCache, values.Sources["modcache"] = dir, "default on GitLab without a home directory"
			env, findings, err = fetch.Environment(values, host)
		}
	}
	if out.goflags = out.gitlab.GOFLAGS(env); err == nil && out.goflags != "" {
		host.Getenv = func(name string) string {
			if name == "GOFLAGS" {
				return out.goflags
			}
			return a.getenv(name)
		}
		env, findings, err = fetch.Environment(values, host)
	}
	return env, findings, err
}

// started is now as results write it.
func started() string { return time.Now().UTC().Format(time.RFC3339) }
