package github

import (
	"context"
	"errors"
	"io"
	"net/url"
	"slices"

	"github.com/sethvargo/go-githubactions"

	"github.com/modferry/modferry/action/forge"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/fetch"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/outlet"
	"github.com/modferry/modferry/internal/relay"
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
	// Stdout is the step's log, whose commands the runner follows. It neutralises
	// text and hides Secrets.
	Stdout  io.Writer
	Tool    string // the program in reports, e.g. "modferry 1.2.3"
	Program string // the file of this program, for later steps; "" for none
	Secrets *secret.Set

	// Native says that action/native started the stage: among the other steps, not in
	// a container of its own.
	Native bool
	Relay  string // directory of the job's relay, "" for none
}

// Commands writes workflow commands to a log. One that cannot be written is left
// out, where the library would panic.
func Commands(log io.Writer) *githubactions.Action {
	return githubactions.New(githubactions.WithWriter(deaf{outlet.Commands(log)}))
}

type deaf struct{ to io.Writer }

func (d deaf) Write(text []byte) (int, error) {
	_, _ = d.to.Write(text)
	return len(text), nil
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
	relay    *relay.Joined // of the job, nil for none
	chain    session.Chain // that was chosen
	remarks  []finding.Finding
}

// Main is the stage main: it fetches the modules and exports the settings to later
// steps. It returns the exit code.
func Main(ctx context.Context, p Process) int {
	s, err := newStep(p)
	if err == nil {
		err = s.prepare(session.Open)
	}
	if err != nil {
		return p.refuse(err)
	}
	rec := new(fetch.Recorder)
	shown := progress.Start(p.Stdout, progress.Options{}, rec.Snapshot)
	var res *report.Result
	res, s.chain = fetch.Run(ctx, s.job, rec)
	shown.Stop()
	s.join(ctx)
	if s.relay != nil { // it knows what go commands do not
		res.Findings = slices.DeleteFunc(res.Findings, func(f finding.Finding) bool {
			return f.Check == "rules-not-exported" || f.Check == "mirror-certificates"
		})
	}
	res.Findings = append(s.remarks, res.Findings...)
	report.Judge(res)
	forge.Describe(res, s.Getenv, s.host.workspace, s.job.Root())
	res.Hide(s.Secrets.Hide)
	res.Settings.ModCache = s.host.outside(s.modcache) // the name that readers know
	if u, err := url.Parse(s.Getenv("GITHUB_API_URL")); err == nil && u.Host != "" && s.publishesREST() {
		res.Contact(u.Host, "GitHub's API, for the check run and the comment")
	}
	s.warn(s.tell(res))
	if res.Outcome != report.Settings {
		s.warn(s.export())
		s.warn(s.provide())
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

// tell writes the result to the step's log, its details folded.
func (s *step) tell(res *report.Result) error {
	err := text.Write(s.Stdout, res, text.Options{})
	s.actions.Group("Details")
	defer s.actions.EndGroup()
	return errors.Join(err, text.Details(s.Stdout, res, text.Options{}))
}

// refuse ends a stage that cannot start, with one error annotation.
func (p Process) refuse(err error) int {
	message := failure.Sentence(err.Error())
	Commands(p.Stdout).WithFieldsMap(map[string]string{"title": "modferry cannot run"}).Errorf("%s", message)
	return report.Settings.ExitCode()
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

// handOver gives what the step wrote to the user of later steps, who adds modules,
// and as whom the runner empties its temporary directory.
func (s *step) handOver() {
	if s.Native {
		return // it is that user
	}
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
