package github

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/fetch"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/outlet"
	"github.com/modferry/modferry/internal/relay"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/markdown"
	"github.com/modferry/modferry/internal/report/text"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/store"
)

// How long the stages wait for the relay of the job, and for the cache.
const (
	relayStarts = 10 * time.Second
	relayTells  = 5 * time.Second
	relayStops  = 3 * time.Second
	saves       = 90 * time.Second
	savesLast   = 20 * time.Second // of a job that was cancelled: the runner waits five minutes for all its steps
)

// findNative is the host of a step that runs among the other steps, on the machine or
// in the job's container: every path means the same to all of them.
func findNative(getenv func(string) string) (*host, error) {
	h := &host{workspace: getenv("GITHUB_WORKSPACE")}
	for _, name := range []string{"GITHUB_WORKSPACE", "RUNNER_TEMP"} {
		if getenv(name) == "" {
			return nil, fmt.Errorf("%s is not set: this command is for the GitHub Action; use modferry fetch elsewhere", name)
		}
	}
	h.temp = filepath.Join(getenv("RUNNER_TEMP"), "modferry")
	return h, nil
}

// behindRelay is getenv without the relay that an earlier stage has put in front of
// the chain: it is ours, and no mirror.
func behindRelay(getenv func(string) string) func(string) string {
	return func(name string) string {
		if name == "GOPROXY" {
			return relay.Behind(getenv(name))
		}
		return getenv(name)
	}
}

// lookPath finds programs where the step sees those of later steps; nil for nowhere.
func (s *step) lookPath() func(string) (string, error) {
	if s.Native {
		return exec.LookPath
	}
	return nil
}

// Relay is the relay of a job, in the directory that p.Relay names. The shim of
// action/native starts it beside main and does not wait for it.
func Relay(ctx context.Context, p Process) int {
	err := p.serveRelay(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintln(p.Stdout, "modferry: "+failure.Sentence(err.Error()))
	return 1
}

func (p Process) serveRelay(ctx context.Context) error {
	s, err := newStep(p)
	if err == nil {
		s.actions = Commands(io.Discard) // this log is no step's, so nobody masks anything in it
		err = s.prepare(relay.Open)
	}
	if err != nil {
		return errors.Join(err, relay.SayReady(p.Relay, relay.Ready{Without: p.Secrets.Hide(err.Error())})) // or main waits in vain
	}
	o := relay.JobOptions{}
	if s.debug() != nil {
		o.Log = func(line string) { fmt.Fprintln(p.Stdout, failure.Plain(line)); p.flush() }
	}
	return relay.ServeJob(ctx, p.Relay, s.job, o)
}

func (p Process) flush() {
	if w, ok := p.Stdout.(*outlet.Writer); ok {
		_ = w.Flush()
	}
}

// join puts the relay of the job in front of the chain of later steps. One that is not
// there is a finding: the job goes on without.
func (s *step) join(ctx context.Context) {
	if s.Relay == "" {
		return
	}
	ctx, end := context.WithTimeout(ctx, relayStarts)
	defer end()
	j, err := relay.Join(ctx, s.Relay)
	if err != nil {
		s.lastWords()
		f := finding.Finding{Check: "relay-missing", Severity: finding.Warning, Found: failure.Neutral(err.Error()),
			Effect: "Later go commands ask the mirrors directly: they do not retry, and what they download is not in the report."}
		if len(s.job.Chain.Hops) == 0 {
			f.Severity = finding.Info // there are none
		}
		s.remarks = append(s.remarks, f)
		return
	}
	s.relay = j
	secret := filepath.Base(j.URL)
	s.actions.AddMask(secret)
	s.Secrets.Add(secret)
}

// relayed is what the relay of the job has done, nil when there was none or nobody can
// tell. Its findings are those that main has not told.
func (s *step) relayed(ctx context.Context, main *report.Result) *relay.Journal {
	if s.Relay == "" || s.Getenv("STATE_"+stateJoined) != "true" {
		return nil
	}
	ctx, end := context.WithTimeout(ctx, relayTells)
	defer end()
	j, err := relay.Joining(s.Relay)
	if err != nil {
		s.warn(fmt.Errorf("find the relay of the job: %w", err))
		return nil
	}
	done, asked, err := j.Journal(ctx)
	if err != nil {
		s.warn(fmt.Errorf("find out what the relay has done: %w", err))
		return nil
	}
	done.Result.Findings = slices.DeleteFunc(done.Result.Findings, func(f finding.Finding) bool { return slices.Contains(main.Findings, f) })
	if !asked {
		s.lastWords()
		done.Result.Findings = append(done.Result.Findings, finding.Finding{Check: "relay-missing", Severity: finding.Warning,
			Found:  "the relay of the job ended before the job did",
			Effect: "Go commands asked the mirrors directly from then on, and what they downloaded is not in the report."})
	}
	return done
}

// mostWords bounds what is shown of the log of a relay: a crash begins with its cause.
const mostWords = 4 << 10

// lastWords shows what a relay that is gone has logged, which is how it ended if it could
// not say so otherwise.
func (s *step) lastWords() {
	f, err := diskfile.Open(filepath.Join(s.Relay, "relay.log")) // of the shim
	if err != nil {
		return
	}
	defer f.Close()
	for lines := bufio.NewScanner(io.LimitReader(f, mostWords)); lines.Scan(); {
		fmt.Fprintln(s.Stdout, "relay: "+failure.Plain(lines.Text()))
	}
}

// stopRelay ends the relay of the job, however the rest went.
func (p Process) stopRelay(ctx context.Context) {
	if p.Relay == "" {
		return
	}
	j, err := relay.Joining(p.Relay)
	if err != nil {
		return // it has not begun, or has left
	}
	ctx, end := context.WithTimeout(context.WithoutCancel(ctx), relayStops)
	defer end()
	if err := j.Stop(ctx); err != nil {
		fmt.Fprintln(p.Stdout, "modferry: stop the relay: "+failure.Sentence(err.Error()))
	}
}

// postNative is the stage post of a step whose relay served the later steps: one
// summary of what main did and they downloaded, then the save. The exit code is 0 but
// for wrong bytes that no mirror had right, which every choice of fail-on fails for.
func (p Process) postNative(ctx context.Context) int {
	defer p.stopRelay(ctx)
	status := p.Getenv(variable("job-status")) // as it is now, not as main was given it
	var err error
	if p.Getenv, err = recall(p.Getenv); err != nil {
		return p.nothing(err)
	}
	s, err := newStep(p)
	if err != nil {
		return p.nothing(err)
	}
	res, err := s.kept()
	if err != nil {
		return p.nothing(err)
	}
	if err := s.prepare(session.Open); err != nil {
		return p.nothing(err)
	}
	later := &markdown.Later{}
	code := 0
	if done := s.relayed(ctx, res); done != nil && (done.Answers > 0 || len(done.Result.Findings) > 0) {
		later.Relayed = done.Result
		for _, of := range done.Steps {
			later.Steps = append(later.Steps, markdown.LaterStep(of))
		}
		if done.Result.Outcome == report.Integrity {
			code = report.Integrity.ExitCode()
		}
		s.warn(text.Write(p.Stdout, done.Result, text.Options{}))
	}
	if later.Modules, later.Again, err = s.later(res); err != nil {
		s.warn(err)
	}
	if later.Relayed != nil {
		later.Modules = slices.DeleteFunc(later.Modules, func(m report.Module) bool { return tells(later.Relayed, m) })
	}
	s.saveWithin(ctx, status, res, later)
	if s.inputs.on("summary") {
		s.warn(s.summarise(func(w io.Writer) error {
			if s.Getenv("STATE_"+stateJoined) == "true" && !summarised(res) {
				if err := markdown.Write(w, res, markdown.Options{}); err != nil {
					return err
				}
				fmt.Fprintln(w)
			}
			return markdown.WriteLater(w, later, markdown.Options{})
		}))
	}
	return code
}

// nothing says why there is nothing to save and to tell. It is the exit code, too.
func (p Process) nothing(err error) int {
	fmt.Fprintln(p.Stdout, "modferry: nothing saved: "+failure.Sentence(err.Error()))
	return 0
}

// summarised reports whether main has written its summary at once: where it failed, is
// where people look. Otherwise post writes one of everything.
func summarised(res *report.Result) bool { return res.Outcome != report.OK }

// tells reports whether a result tells of a file.
func tells(res *report.Result, m report.Module) bool {
	return slices.ContainsFunc(res.Modules, func(r report.Module) bool {
		return r.Path == m.Path && r.Version == m.Version && (r.Kind == m.Kind || r.Kind == report.KindToolchain)
	})
}

// saveWithin saves to the cache in the time that the job has left for it.
func (s *step) saveWithin(ctx context.Context, status string, res *report.Result, later *markdown.Later) {
	if s.job.Store.Kind == store.Off {
		return
	}
	limit := saves
	if status == "cancelled" {
		limit = savesLast
	}
	ctx, end := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the post stage has %s for it", limit))
	defer end()
	r := fetch.Save(ctx, s.job, nil)
	r.Hide(s.Secrets.Hide)
	later.Saved, later.Store, later.HostUses = r.Cache.Saved, r.Cache.Store, r.HostUses
	later.Hosts = slices.DeleteFunc(r.Hosts, func(h string) bool { return slices.Contains(res.Hosts, h) })
	s.warn(text.Write(s.Stdout, r, text.Options{}))
}
