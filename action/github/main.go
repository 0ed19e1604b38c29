package github

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"github.com/sethvargo/go-githubactions"

	"github.com/modferry/modferry/action/owndir"
	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/fetch"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/outlet"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/progress"
	"github.com/modferry/modferry/internal/report/text"
	"github.com/modferry/modferry/internal/secret"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/settings"
)

// Process is everything that the action takes from its environment.
type Process struct {
	Getenv func(string) string
	Stdout io.Writer // the step's log, whose commands the runner follows
	Random io.Reader // for delimiters
	Tool   string    // the program in reports, e.g. "modferry 1.2.3"
	// Secrets must appear nowhere; nil means a new set for this stage.
	Secrets *secret.Set
}

// guarded returns p with a log that neutralises text and hides secrets.
func (p Process) guarded() Process {
	if p.Secrets == nil {
		p.Secrets = &secret.Set{}
	}
	p.Stdout = outlet.New(p.Stdout, p.Secrets, false)
	return p
}

func (p Process) commands() *githubactions.Action {
	return githubactions.New(githubactions.WithWriter(outlet.Commands(p.Stdout)), githubactions.WithGetenv(p.Getenv))
}

type step struct {
	Process
	actions  *githubactions.Action
	files    *fileCommands
	inputs   *inputs
	host     *host
	values   *settings.Values
	modcache string // the module cache as this step sees it
	report   string // the file that input report names, as this step sees it; "" for none
	job      *session.Session
	chain    session.Chain // that was chosen
	remarks  []finding.Finding
}

// Main is the stage main: it fetches the modules and exports the settings to later
// steps. It returns the exit code.
func Main(ctx context.Context, p Process) int {
	p = p.guarded()
	s, err := newStep(p)
	if err == nil {
		err = s.prepare()
	}
	if err != nil {
		return p.refuse(err)
	}
	rec := new(fetch.Recorder)
	shown := progress.Start(p.Stdout, progress.Options{}, rec.Snapshot)
	res, chain := fetch.Run(ctx, s.job, rec)
	s.chain = chain
	shown.Stop()
	res.Findings = append(s.remarks, res.Findings...)
	report.Judge(res)
	res.Hide(s.Secrets.Hide)
	res.Settings.ModCache = s.host.outside(s.modcache) // the name that readers know
	if u, err := url.Parse(s.Getenv("GITHUB_API_URL")); err == nil && u.Host != "" && s.publishesREST() {
		res.Contact(u.Host, "GitHub's API, for the check run and the comment")
	}
	if err := text.Write(p.Stdout, res, text.Options{}); err != nil {
		s.warn(err)
	}
	if res.Outcome != report.Settings {
		s.warn(s.export())
	}
	s.warn(s.keep(res))
	s.warn(s.outputs(res, s.goproxy()))
	s.publish(ctx, res)
	if s.host.noPost && res.Cache.Store != "off" {
		s.actions.Noticef("%s", "the cache is not saved: this runner starts no post stage for container actions; to fill a bucket (cache: s3://…), run modferry cache save in a run: step")
	}
	s.handOver()
	return s.exitCode(ctx, res)
}

// refuse ends a stage that cannot start, with one error annotation.
func (p Process) refuse(err error) int {
	message := failure.Sentence(err.Error())
	p.commands().WithFieldsMap(map[string]string{"title": "modferry cannot run"}).Errorf("%s", message)
	return report.Settings.ExitCode()
}

func newStep(p Process) (*step, error) {
	s := &step{Process: p, actions: p.commands()}
	s.files = &fileCommands{p.Getenv, p.Random}
	var err error
	if s.inputs, err = readInputs(p.Getenv); err != nil {
		return nil, err
	}
	if s.host, err = findHost(p.Getenv, s.inputs.own["host-temp"], isDirectory, isMount); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *step) prepare() error {
	var err error
	if s.values, err = s.resolve(); err != nil {
		return err
	}
	v := s.values
	if s.report, err = s.reportFile(); err != nil {
		return err
	}
	var remark string
	if s.modcache = v.ModCache; s.modcache == "" {
		s.modcache, remark = s.host.modcache(s.Getenv("GOMODCACHE"))
	}
	if remark != "" {
		s.remarks = append(s.remarks, finding.Finding{Check: "modcache-unseen", Severity: finding.Info, Setting: "GOMODCACHE",
			Found: s.Getenv("GOMODCACHE"), Source: "environment", Effect: remark, Fix: "set input modcache to a path below ${{ runner.temp }}"})
	}
	if v.ModCache == "" {
		v.Sources["modcache"] = "the action"
		if s.modcache == s.host.inside(s.Getenv("GOMODCACHE")) {
			v.Sources["modcache"] = "environment"
		}
	}
	v.ModCache = s.modcache
	if err := s.host.makeTemp(); err != nil {
		return fmt.Errorf("make a directory that later steps can see: %w", err)
	}
	getenv, err := s.goGetenv()
	if err != nil {
		return err
	}
	machine := goenv.Host{Getenv: getenv, ReadFile: diskfile.ReadSettings, EvalSymlinks: filepath.EvalSymlinks, GOOS: runtime.GOOS}
	env, findings, err := owndir.Environment(v, machine, s.isRemoved)
	if err != nil {
		return err
	}
	s.remarks = append(s.remarks, findings...)
	s.job, err = session.Open(v, env, session.Options{Tool: s.Tool, Log: s.debug(), Getenv: getenv, Mask: s.actions.AddMask, Secrets: s.Secrets})
	return err
}

// goGetenv is the environment from which the go command's settings are read.
// GOROOT and GOPATH, which earlier steps exported for the host's toolchain, do not
// exist in this container. Input netrc becomes a file that only this container sees.
func (s *step) goGetenv() (func(string) string, error) {
	netrc := s.inputs.own["netrc"]
	file := ""
	if netrc != "" {
		f, err := os.CreateTemp("", "netrc-*") // mode 0600
		if err != nil {
			return nil, fmt.Errorf("keep the text of input netrc: %w", err)
		}
		_, err = f.WriteString(netrc + "\n")
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, fmt.Errorf("keep the text of input netrc: %w", err)
		}
		file = f.Name()
	}
	return func(name string) string {
		switch {
		case name == "NETRC" && file != "":
			return file
		case s.host.container && (name == "GOROOT" || name == "GOPATH"):
			return ""
		case name == "GOWORK" || name == "NETRC" || name == "GOENV":
			if value := s.Getenv(name); filepath.IsAbs(value) {
				return s.host.inside(value)
			}
		}
		return s.Getenv(name)
	}, nil
}

// debug returns the function that receives the events of a run, nil unless debug
// logging is on.
func (s *step) debug() func(string) {
	if !s.values.Verbose && s.Getenv("RUNNER_DEBUG") != "1" {
		return nil
	}
	return func(line string) { s.actions.Debugf("%s", failure.Plain(line)) }
}

// warn logs what could not be done and does not matter to the build.
func (s *step) warn(err error) {
	if err != nil {
		s.actions.Warningf("%s", failure.Sentence(err.Error()))
	}
}

// export sets for later steps the variables that the go command reads. GOMODCACHE
// also when it has this value here: later steps may see another one.
func (s *step) export() error {
	var errs []error
	for _, v := range s.job.Exports(s.chain, false) {
		switch {
		case v.Name == "GOMODCACHE":
			v.Value = s.host.outside(v.Value)
		case v.Value == s.Getenv(v.Name):
			continue
		}
		s.maskCredentials(v.Value)
		errs = append(errs, s.files.set(envFile, v.Name, v.Value))
	}
	return errors.Join(errs...)
}

// maskCredentials masks the credentials of a setting: the log shows its value in
// the header of every later step.
func (s *step) maskCredentials(value string) {
	for _, credential := range goenv.Secrets(value) {
		s.actions.AddMask(credential)
	}
}

// goproxy is GOPROXY of later steps.
func (s *step) goproxy() string {
	if vars := s.job.Exports(s.chain, false); len(vars) > 0 && vars[0].Name == "GOPROXY" {
		return vars[0].Value
	}
	return s.job.Env.Get("GOPROXY")
}

// isRemoved reports whether others remove the module cache: a self-hosted runner
// removes its temporary files, the next checkout what is in the workspace.
func (s *step) isRemoved(string) bool {
	_, inWorkspace := below(s.modcache, s.host.workspace)
	return inWorkspace || s.Getenv("RUNNER_ENVIRONMENT") == "self-hosted"
}

// outputs sets the outputs of the step. goproxy is what later steps get.
func (s *step) outputs(res *report.Result, goproxy string) error {
	by := res.Totals.BySource
	var errs []error
	for _, o := range []struct{ name, value string }{
		{"outcome", string(res.Outcome)},
		{"cache-hit", res.Cache.Hit},
		{"goproxy", settings.Redact(goproxy)},
		{"gosumdb", res.Settings.GOSUMDB},
		{"gomodcache", s.host.outside(s.modcache)},
		{"modules", strconv.Itoa(res.Totals.Modules)},
		{"files", strconv.Itoa(res.Totals.Files)},
		{"fetched", strconv.Itoa(by[report.FromMirror])},
		{"restored", strconv.Itoa(by[report.FromCache])},
		{"deferred", strconv.Itoa(by[report.FromDeferred])},
		{"failed", strconv.Itoa(by[report.FromFailed])},
		{"bytes", strconv.FormatInt(res.Totals.Bytes, 10)},
	} {
		errs = append(errs, s.files.set(outputFile, o.name, o.value))
	}
	return errors.Join(errs...)
}

// handOver gives what the step wrote to the user of later steps, who adds modules,
// and as whom the runner empties its temporary directory.
func (s *step) handOver() {
	s.warn(handOver(s.host.temp, s.host.workspace))
	if _, within := below(s.modcache, s.host.temp); !within {
		s.warn(handOver(s.modcache, s.host.workspace))
	}
}

// exitCode is that of the outcome, unless input fail-on lets it pass. A run that
// its own time limit ended is incomplete; one that was cancelled always fails.
func (s *step) exitCode(ctx context.Context, res *report.Result) int {
	if res.Outcome == report.Incomplete && s.inputs.own["fail-on"] == "integrity" && ctx.Err() == nil {
		s.actions.Noticef("%s", "incomplete, but input fail-on is integrity: later steps download what is missing")
		return 0
	}
	return res.Outcome.ExitCode()
}
