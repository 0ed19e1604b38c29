package action

import (
	"bytes"
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

	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/fetch"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/settings"
)

// Process is what the action sees of the outside.
type Process struct {
	Getenv func(string) string
	Stdout io.Writer // the step's log, whose commands the runner follows
	Random io.Reader // for delimiters
	Tool   string    // the program in reports, e.g. "modferry 1.2.3"
}

// step is one stage of the action under way.
type step struct {
	Process
	actions  *githubactions.Action
	files    *fileCommands
	inputs   *inputs
	host     *host
	values   *settings.Values
	modcache string // the module cache as this step sees it
	env      goenv.Env
	job      *fetch.Job
	remarks  []goenv.Finding
}

// Main is the stage main: it brings the modules and exports the settings for
// the later steps. It returns the exit code.
func Main(ctx context.Context, p Process) int {
	s, err := newStep(p)
	if err == nil {
		err = s.prepare()
	}
	if err != nil {
		return p.refuse(err)
	}
	progress := report.StartProgress(p.Stdout, report.ProgressOptions{}, s.job.Snapshot)
	res := s.job.Run(ctx)
	progress.Stop()
	res.Findings = append(s.remarks, res.Findings...)
	res.Settings.ModCache = s.host.outside(s.modcache) // the name that readers know
	if err := report.Text(p.Stdout, res, report.TextOptions{}); err != nil {
		s.warn(err)
	}
	if res.Outcome != report.Settings {
		s.warn(s.export())
	}
	s.warn(s.keep(res))
	s.warn(s.outputs(res))
	s.publish(ctx, res)
	s.handOver()
	return s.exitCode(res)
}

// refuse ends a stage that cannot begin: one message, as an error annotation.
func (p Process) refuse(err error) int {
	message := failure.Plain(settings.Redact(err.Error()))
	githubactions.New(githubactions.WithWriter(p.Stdout), githubactions.WithGetenv(p.Getenv)).
		WithFieldsMap(map[string]string{"title": "modferry cannot run"}).Errorf("%s", message)
	return report.Settings.ExitCode()
}

// newStep reads where the step runs and what it was given.
func newStep(p Process) (*step, error) {
	s := &step{Process: p, actions: githubactions.New(githubactions.WithWriter(p.Stdout), githubactions.WithGetenv(p.Getenv))}
	s.files = newFileCommands(p.Getenv, p.Random)
	var err error
	if s.inputs, err = readInputs(p.Getenv); err != nil {
		return nil, err
	}
	if s.host, err = findHost(p.Getenv, s.inputs.own["host-temp"], isDirectory); err != nil {
		return nil, err
	}
	return s, nil
}

// prepare reads the settings and the checkout.
func (s *step) prepare() error {
	var err error
	if s.values, err = settings.ResolveInputs(s.inputs.settings, s.Getenv, s.readFile); err != nil {
		return err
	}
	v := s.values
	if !filepath.IsAbs(v.Dir) {
		v.Dir = filepath.Join(s.host.workspace, v.Dir)
	}
	var remark string
	if s.modcache, remark, err = s.host.modcache(v.ModCache, s.Getenv("GOMODCACHE")); err != nil {
		return err
	}
	if remark != "" {
		s.remarks = append(s.remarks, goenv.Finding{Check: "modcache-unseen", Severity: goenv.SevInfo, Setting: "GOMODCACHE",
			Found: s.Getenv("GOMODCACHE"), Source: "environment", Effect: remark, Instead: "input modcache with a path below ${{ runner.temp }}"})
	}
	if v.ModCache == "" {
		v.Sources["modcache"] = "the action"
		if s.modcache == s.Getenv("GOMODCACHE") {
			v.Sources["modcache"] = "environment"
		}
	}
	v.ModCache = s.modcache
	if err := os.MkdirAll(s.host.temp, 0o777); err != nil {
		return fmt.Errorf("make a directory among the job's temporary files: %w", err)
	}
	getenv, err := s.goGetenv()
	if err != nil {
		return err
	}
	env, findings, err := fetch.Environment(v, goenv.Host{
		Getenv: getenv, ReadFile: diskfile.ReadSettings, EvalSymlinks: filepath.EvalSymlinks, GOOS: runtime.GOOS,
	})
	if err != nil {
		return err
	}
	s.env = env
	s.remarks = append(s.remarks, findings...)
	s.job, err = fetch.Prepare(v, env, fetch.Options{Tool: s.Tool, Log: s.debug(), Getenv: getenv, Mask: s.actions.AddMask})
	return err
}

// readFile reads a configuration file; a relative one is in the workspace.
func (s *step) readFile(name string) ([]byte, error) {
	if !filepath.IsAbs(name) {
		name = filepath.Join(s.host.workspace, name)
	}
	return os.ReadFile(name)
}

// goGetenv is the environment as the go command's settings are read from it.
// What earlier steps exported for the host's toolchain is not here: GOROOT and
// GOPATH. Input netrc becomes a file that only this container sees.
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
		case name == "GOFLAGS":
			return s.goFlags()
		}
		return s.Getenv(name)
	}, nil
}

// debug returns the function that receives the events of a run; they are worth
// showing when somebody switched debug logging on.
func (s *step) debug() func(string) {
	if !s.values.Verbose && s.Getenv("RUNNER_DEBUG") != "1" {
		return nil
	}
	return func(line string) { s.actions.Debugf("%s", failure.Plain(line)) }
}

// warn tells of something that could not be done and matters to nobody's build.
func (s *step) warn(err error) {
	if err != nil {
		s.actions.Warningf("%s", failure.Plain(settings.Redact(err.Error())))
	}
}

// export sets for the later steps what the go command reads.
func (s *step) export() error {
	set := func(name, value string) error {
		if value == "" || value == s.Getenv(name) {
			return nil
		}
		return s.files.SetEnv(name, value)
	}
	var errs []error
	for _, e := range s.job.Exports() {
		switch {
		case e.Name == "GOMODCACHE":
			// Even when it has this value here: later steps have the host's.
			errs = append(errs, s.files.SetEnv(e.Name, s.host.outside(e.Value)))
		case e.Settled:
			// Everything else holds already.
			s.maskCredentials(e.Value)
			errs = append(errs, set(e.Name, e.Value))
		}
	}
	errs = append(errs, set("GOFLAGS", s.goFlags()))
	return errors.Join(errs...)
}

// goFlags is GOFLAGS of the job, or what it should be: a self-hosted runner
// cannot empty its temporary directory of trees whose directories are read-only.
func (s *step) goFlags() string {
	flags := s.Getenv("GOFLAGS")
	if flags == "" && s.Getenv("RUNNER_ENVIRONMENT") == "self-hosted" {
		return "-modcacherw"
	}
	return flags
}

// maskCredentials keeps the credentials of a setting out of the log: it is shown
// in the header of every later step.
func (s *step) maskCredentials(value string) {
	for _, secret := range goenv.Secrets(value) {
		s.actions.AddMask(secret)
	}
}

// keep writes the result where the post stage finds it, and where input report
// wants it.
func (s *step) keep(res *report.Result) error {
	var b bytes.Buffer
	if err := report.JSON(&b, res); err != nil {
		return err
	}
	name := s.resultFile()
	err := errors.Join(os.WriteFile(name, b.Bytes(), 0o644), s.files.SaveState("result", name))
	if file := s.inputs.own["report"]; file != "" {
		if !filepath.IsAbs(file) {
			file = filepath.Join(s.host.workspace, file)
		}
		ours := file // what this step makes
		if dir := filepath.Dir(file); !isDirectory(dir) {
			ours = dir
			if e := os.MkdirAll(dir, 0o777); e != nil {
				return errors.Join(err, fmt.Errorf("input report: %w", e))
			}
		}
		name = file
		err = errors.Join(err, os.WriteFile(file, b.Bytes(), 0o644), handOver(ours, s.host.workspace))
	}
	return errors.Join(err, s.files.SetOutput("report", s.host.outside(name)))
}

// resultFile is where main leaves the result for post. GITHUB_ACTION tells apart
// several uses of the action in one job.
func (s *step) resultFile() string {
	return filepath.Join(s.host.temp, "result"+url.PathEscape(s.Getenv("GITHUB_ACTION"))+".json")
}

// outputs sets the outputs of the step.
func (s *step) outputs(res *report.Result) error {
	by := res.Totals.BySource
	var errs []error
	for _, o := range []struct{ name, value string }{
		{"outcome", string(res.Outcome)},
		{"cache-hit", res.Cache.Hit},
		{"goproxy", res.Settings.GOPROXY},
		{"gosumdb", res.Settings.GOSUMDB},
		{"gomodcache", s.host.outside(s.modcache)},
		{"modules", strconv.Itoa(res.Totals.Modules)},
		{"fetched", strconv.Itoa(by[report.FromMirror])},
		{"restored", strconv.Itoa(by[report.FromCache])},
		{"deferred", strconv.Itoa(by[report.FromDeferred])},
		{"failed", strconv.Itoa(by[report.FromFailed])},
		{"bytes", strconv.FormatInt(res.Totals.Bytes, 10)},
	} {
		errs = append(errs, s.files.SetOutput(o.name, o.value))
	}
	return errors.Join(errs...)
}

// handOver gives what the step wrote to the user of the later steps: they add
// modules, and the runner empties its temporary directory.
func (s *step) handOver() {
	s.warn(handOver(s.host.temp, s.host.workspace))
	if _, inside := below(s.modcache, s.host.temp); !inside {
		s.warn(handOver(s.modcache, s.host.workspace))
	}
}

// exitCode is that of the outcome, unless input fail-on lets it pass.
func (s *step) exitCode(res *report.Result) int {
	if res.Outcome == report.Incomplete && s.inputs.own["fail-on"] == "integrity" && !res.Interrupted {
		s.actions.Noticef("%s", "incomplete, but input fail-on is integrity: later steps get from the chain what is missing")
		return 0
	}
	return res.Outcome.ExitCode()
}
