// Package otherci is what a command adds in a job of a CI system that has no
// package of its own: sections of the log, and on Azure Pipelines a summary and
// issues. Reports for test panels are those of package gitlab.
//
// Its main invariant is that of package github: it never breaks a job that would
// have worked. What cannot be shown is a remark in the log.
package otherci

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/modferry/modferry/action/owndir"
	"github.com/modferry/modferry/internal/ci"
	"github.com/modferry/modferry/internal/outlet"
)

// Job is a job of such a system. All methods work on nil, which is everywhere else,
// and do nothing then unless they say so.
type Job struct {
	job    ci.Job
	getenv func(string) string
}

// Detect returns the job that the program runs in; nil on GitHub, on GitLab and
// outside of CI.
func Detect(getenv func(string) string) *Job {
	job := ci.Detect(getenv)
	if slices.Contains([]string{"", ci.GitHub, ci.GitLab}, job.Name) {
		return nil
	}
	return &Job{job: job, getenv: getenv}
}

// Checkout is the directory that the system checks out into, "" when it does not
// say.
func (j *Job) Checkout() string {
	if j == nil {
		return ""
	}
	return j.job.Checkout
}

// Hide keeps git from seeing modferry's directory in the checkout, including what
// the system restored there.
func (j *Job) Hide() error { return owndir.HideOwn(j.Checkout()) }

// Live reports whether a line of the log may rewrite itself where the program finds a
// terminal. Outside of CI, where j is nil, it may.
func (j *Job) Live() bool { return j == nil || j.job.Live }

// Fold writes the text report of a command, and its details into a section of the
// job's log that is closed, where the system has sections; elsewhere, and with nil j,
// the text alone.
//
// Only this writes the marks of sections: all other text is neutral.
func (j *Job) Fold(w io.Writer, command, text, details string) error {
	_, err := io.WriteString(w, text)
	if j == nil || j.job.Folded == "" || details == "" || err != nil {
		return err
	}
	marks := outlet.Commands(w)
	fmt.Fprintf(marks, "%sdetails of modferry %s\n", j.job.Folded, command)
	_, err = io.WriteString(w, strings.TrimLeft(details, "\n"))
	fmt.Fprintln(marks, j.job.End)
	return err
}
