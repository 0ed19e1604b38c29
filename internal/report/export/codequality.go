package export

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/render"
)

// CodeQuality renders the failures and findings of r, whose checkout is at p, as
// a GitLab Code Quality report. One cause is one entry; lines have entries of their own only where they
// are at fault. Every entry stands at a line of the checkout; what has none of
// its own stands at the first line of go.mod, for GitLab drops entries without.
// Fingerprints contain neither line numbers nor texts of servers, so that
// GitLab recognises an entry in the report of another commit. Modules that an
// interrupted run did not come to are no problem of the code, and left out.
func (p Place) CodeQuality(w io.Writer, r *report.Result) error {
	q := quality{list: []issue{}, seen: map[string]bool{}, place: p}
	q.file, q.line = r.Settings.ChainLine()
	for _, c := range report.Causes(r) {
		switch {
		case c.Class == failure.Cancelled:
		case c.AtLines:
			for _, files := range c.Modules {
				for _, m := range files {
					q.failed(m)
				}
			}
		default:
			q.cause(c)
		}
	}
	for _, m := range r.Modules {
		if m.Source == report.FromMirror {
			q.cured(m)
		}
	}
	for _, f := range render.Of(r).Findings(true) {
		q.finding(f)
	}
	return report.WriteJSON(w, "Code Quality report", q.list)
}

// issue is an entry of the report; the field names are GitLab's.
type issue struct {
	Description string        `json:"description"`
	Check       string        `json:"check_name"`
	Fingerprint string        `json:"fingerprint"`
	Severity    string        `json:"severity"` // info, minor, major, critical or blocker
	Location    issueLocation `json:"location"`
}

type issueLocation struct {
	Path  string     `json:"path"` // relative to the root of the repository
	Lines issueLines `json:"lines"`
}

type issueLines struct {
	Begin int `json:"begin"`
}

type quality struct {
	list  []issue
	seen  map[string]bool // fingerprints
	place Place
	file  string // that names the mirrors, and the line
	line  int
}

// add appends an entry unless there is one of the same identity, of which
// GitLab would show one only.
func (q *quality) add(check, severity, description, file string, line int, identity ...string) {
	check = "modferry/" + cmp.Or(failure.Neutral(check), "unknown")
	sum := sha256.Sum256([]byte(strings.Join(append([]string{check}, identity...), "\x00")))
	i := issue{Description: description, Check: check, Fingerprint: hex.EncodeToString(sum[:]), Severity: severity, Location: q.location(file, line)}
	if q.seen[i.Fingerprint] {
		return
	}
	q.seen[i.Fingerprint] = true
	q.list = append(q.list, i)
}

func severityOf(c failure.Class, optional bool) string {
	switch {
	case report.Trouble{Class: c}.Serious():
		return "blocker"
	case optional:
		return "info"
	}
	return "critical"
}

func (q *quality) failed(m report.Module) {
	text := m.Name() + ": " + cmp.Or(failure.Plain(m.Message), m.Class.Title(), "could not be obtained")
	if advice := m.Class.Remedy(); advice != "" {
		text += ". " + advice
	}
	q.add(string(m.Class), severityOf(m.Class, m.Optional), text, m.File, m.Line, m.Path, m.Version, m.Kind)
}

// cause adds what keeps modules away and is no line's fault.
func (q *quality) cause(c report.Cause) {
	what := strings.TrimSuffix(c.Class.Title()+": "+c.Stated(), ": ")
	text := strings.TrimPrefix(failure.Plain(c.Mirror)+": ", ": ") + what + "; " + c.Lacking() + ". " + c.Class.Remedy()
	q.add(string(c.Class), severityOf(c.Class, c.Optional()), strings.TrimSpace(text), q.file, q.line, failure.Plain(c.Mirror))
}

// cured adds the mirrors that offered wrong bytes for a module that another
// had the right ones of, each once: no line is at fault.
func (q *quality) cured(m report.Module) {
	for _, a := range m.Attempts {
		x := a.Trouble()
		if !x.Serious() {
			continue
		}
		text := fmt.Sprintf("%s: %s, as for %s; the right bytes came from another source. %s", failure.Plain(a.Mirror), x.Class.Title(), m.Name(), x.Class.Remedy())
		q.add(string(a.Class), "major", strings.TrimSpace(text), q.file, q.line, failure.Plain(a.Mirror), "recovered")
	}
}

func (q *quality) finding(f finding.Finding) {
	severity := "info"
	switch f.Severity {
	case finding.Error:
		severity = "major"
	case finding.Warning:
		severity = "minor"
	}
	text := cmp.Or(render.RemarkOf(f), "no details are known")
	if instead := failure.Plain(f.Fix); instead != "" {
		text += "; fix: " + instead
	}
	q.add(f.Check, severity, text, f.File, f.Line, f.Setting, f.Found, f.File)
}

// location is where an entry stands. A file outside the repository has no place
// in GitLab, so that it is treated as none.
func (q *quality) location(file string, line int) issueLocation {
	p := q.place.path(file)
	if p == "" {
		p, line = q.place.path("go.mod"), 1
	}
	return issueLocation{Path: p, Lines: issueLines{max(line, 1)}}
}
