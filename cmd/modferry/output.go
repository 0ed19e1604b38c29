package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/modferry/modferry/action/github"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/outlet"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/progress"
	"github.com/modferry/modferry/internal/report/text"
)

// rendering is one of package report's for people who read a terminal or a log.
type rendering func(io.Writer, *report.Result, text.Options) error

// tell prints errors, and remarks that are worth knowing even to those who want
// quiet: somebody asked for what there is not.
func (p process) tell(remarks ...string) {
	for _, remark := range remarks {
		if remark != "" {
			fmt.Fprintln(p.stderr, "modferry: "+failure.Sentence(remark))
		}
	}
}

// remark prints diagnostics that are no errors.
func (j *job) remark(remarks ...string) {
	if j.values.Quiet {
		return
	}
	for _, r := range remarks {
		fmt.Fprintln(j.stderr, "modferry: "+r)
	}
}

// log returns the function that receives the events of a run, on any
// goroutine; nil, which is silence, unless they were asked for.
func (j *job) log() func(string) {
	if !j.values.Verbose {
		return nil
	}
	return func(line string) {
		if p := j.live.Load(); p != nil {
			p.Line(line)
		}
	}
}

// progress shows the progress until the function it returns is called.
func (j *job) progress(snapshot func() progress.Snapshot) (stop func()) {
	if j.values.Quiet {
		return func() {}
	}
	w, live := j.stderr, isTerminal(j.stderr) && j.getenv("TERM") != "dumb" && j.other.Live()
	if live {
		w = outlet.Commands(w)
	}
	p := progress.Start(w, progress.Options{
		Terminal: live,
		Width:    func() int { return width(j.stderr) },
	}, snapshot)
	j.live.Store(p)
	return p.Stop
}

// show renders the result for people: on standard output, or on standard error
// when the JSON takes that. Where the CI system's log has sections, the details are in
// one that is closed.
func (j *job) show(res *report.Result) error {
	if j.values.Quiet && res.Outcome == report.OK {
		return nil
	}
	w := j.stdout
	if j.values.JSON == "-" {
		w = j.stderr
	}
	if !j.command.helps {
		return j.renderText(w, res, j.values.Verbose, j.command.render)
	}
	return j.fold(w, res)
}

// fold writes the report such that the details are out of the way, where the CI
// system's log can do that.
func (j *job) fold(w io.Writer, res *report.Result) error {
	if j.gitlab == nil && j.other == nil {
		return j.renderText(w, res, j.values.Verbose, j.command.render)
	}
	page, err := j.page(w, false, func(page io.Writer, o text.Options) error { return j.command.render(page, res, o) })
	details, derr := j.page(w, true, func(page io.Writer, o text.Options) error { return text.Details(page, res, o) })
	fold := j.gitlab.Fold
	if j.other != nil {
		fold = j.other.Fold
	}
	if err = errors.Join(err, derr); err == nil {
		err = fold(w, j.command.name, page, details)
	}
	return unwritten(err)
}

func unwritten(err error) error {
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

func (p process) renderText(w io.Writer, res *report.Result, verbose bool, render rendering) error {
	return p.print(w, verbose, func(w io.Writer, o text.Options) error { return render(w, res, o) })
}

// print writes text to w, all at once.
func (p process) print(w io.Writer, verbose bool, render func(io.Writer, text.Options) error) error {
	page, err := p.page(w, verbose, render)
	if err == nil {
		_, err = io.WriteString(w, page)
	}
	return unwritten(err)
}

// page is text in the form that suits who reads w.
func (p process) page(w io.Writer, verbose bool, render func(io.Writer, text.Options) error) (string, error) {
	var b strings.Builder
	err := render(&b, text.Options{
		Color:   isTerminal(w) && p.getenv("NO_COLOR") == "" && p.getenv("TERM") != "dumb",
		Width:   width(w),
		Verbose: verbose,
	})
	return b.String(), err
}

// mask returns the function that tells GitHub's runner a secret; nil elsewhere.
// The runner reads commands on standard error, too, and standard output may be
// somebody's JSON.
func (p process) mask() func(string) {
	if p.getenv("GITHUB_ACTIONS") != "true" {
		return nil
	}
	return github.Commands(p.stderr).AddMask
}

// terminalOf is the terminal that shows w while it is written; false for none.
func terminalOf(w io.Writer) (fd int, ok bool) {
	f, ok := outlet.Behind(w).(*os.File)
	if !ok {
		return 0, false
	}
	fd = int(f.Fd())
	return fd, term.IsTerminal(fd)
}

func isTerminal(w io.Writer) bool {
	_, ok := terminalOf(w)
	return ok
}

// width is the width of the terminal, 0 when there is none.
func width(w io.Writer) int {
	fd, ok := terminalOf(w)
	if !ok {
		return 0
	}
	n, _, _ := term.GetSize(fd)
	return max(n, 0)
}
