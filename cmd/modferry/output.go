package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/sethvargo/go-githubactions"
	"golang.org/x/term"

	"github.com/modferry/modferry/action/gitlab"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/outlet"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/progress"
	"github.com/modferry/modferry/internal/report/text"
	"github.com/modferry/modferry/internal/settings"
)

// output is where a run speaks: results on standard output, everything else on
// standard error.
type output struct {
	process
	values *settings.Values
	render rendering                        // of the result as text
	gitlab *gitlab.Job                      // nil elsewhere
	fold   string                           // the command whose details GitLab folds, "" for none
	live   atomic.Pointer[progress.Display] // nil while no progress is shown
}

// rendering is one of package report's for people who read a terminal or a log.
type rendering func(io.Writer, *report.Result, text.Options) error

func newOutput(p process, v *settings.Values) *output {
	return &output{process: p, values: v, render: text.Write, gitlab: gitlab.Detect(p.getenv)}
}

// remark prints diagnostics that are no errors.
func (o *output) remark(remarks []string) {
	if o.values.Quiet {
		return
	}
	for _, r := range remarks {
		fmt.Fprintln(o.stderr, "modferry: "+r)
	}
}

// log returns the function that receives the events of a run, on any
// goroutine; nil, which is silence, unless they were asked for.
func (o *output) log() func(string) {
	if !o.values.Verbose {
		return nil
	}
	return func(line string) {
		if p := o.live.Load(); p != nil {
			p.Line(line)
		}
	}
}

// progress shows the progress until the function it returns is called.
func (o *output) progress(snapshot func() progress.Snapshot) (stop func()) {
	if o.values.Quiet {
		return func() {}
	}
	w, live := o.stderr, isTerminal(o.stderr) && o.getenv("TERM") != "dumb"
	if live {
		w = outlet.Commands(w)
	}
	p := progress.Start(w, progress.Options{
		Terminal: live,
		Width:    func() int { return width(o.stderr) },
	}, snapshot)
	o.live.Store(p)
	return p.Stop
}

// text renders the result for people: on standard output, or on standard error
// when the JSON takes that.
func (o *output) text(res *report.Result) error {
	if o.values.Quiet && res.Outcome == report.OK {
		return nil
	}
	w := o.stdout
	if o.values.JSON == "-" {
		w = o.stderr
	}
	if o.gitlab == nil || o.fold == "" {
		return o.renderText(w, res, o.values.Verbose, o.render)
	}
	var b strings.Builder
	if err := o.renderText(&b, res, o.values.Verbose, o.render); err != nil {
		return err
	}
	if err := o.gitlab.Fold(w, o.fold, b.String(), unremarkable(res)); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// unremarkable reports whether a result has nothing that somebody should read.
func unremarkable(res *report.Result) bool {
	return res.Outcome == report.OK && len(res.Cache.Rejected) == 0 &&
		!slices.ContainsFunc(res.Findings, func(f finding.Finding) bool { return f.Severity != finding.Info })
}

func (p process) renderText(w io.Writer, res *report.Result, verbose bool, render rendering) error {
	var b bytes.Buffer
	o := p.textOptions(w)
	o.Verbose = verbose
	err := render(&b, res, o)
	if err == nil {
		_, err = w.Write(b.Bytes())
	}
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// textOptions are how text for w looks.
func (p process) textOptions(w io.Writer) text.Options {
	return text.Options{
		Color: isTerminal(w) && p.getenv("NO_COLOR") == "" && p.getenv("TERM") != "dumb",
		Width: width(w),
	}
}

// mask returns the function that tells GitHub's runner a secret; nil elsewhere.
// The runner reads commands on standard error, too, and standard output may be
// somebody's JSON.
func (p process) mask() func(string) {
	if p.getenv("GITHUB_ACTIONS") != "true" {
		return nil
	}
	return githubactions.New(githubactions.WithWriter(outlet.Commands(p.stderr)), githubactions.WithGetenv(p.getenv)).AddMask
}

// isTerminal reports whether somebody looks at w while it is written.
func isTerminal(w io.Writer) bool {
	f, ok := outlet.Behind(w).(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// width is the width of the terminal, 0 when there is none.
func width(w io.Writer) int {
	f, ok := outlet.Behind(w).(*os.File)
	if !ok {
		return 0
	}
	n, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return n
}
