package annotate

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
)

// causes adds one annotation for each cause of failures, or one for each line that
// is at fault.
func (a *annotator) causes() {
	for _, c := range report.Causes(a.result) {
		switch {
		case c.Class == failure.Cancelled:
			a.cancelled(c)
		case c.AtLines:
			for _, files := range c.Modules {
				a.failed(files)
			}
		default:
			a.cause(c)
		}
	}
}

// cause adds one annotation for all modules that are missing for one cause.
func (a *annotator) cause(c report.Cause) {
	x := Annotation{Title: c.Class.Title()}
	said := append([]string{sentence(c.Lacking())}, told(c.Modules[0][0], c.Class)...)
	if c.Mirror != "" {
		x.Title = failure.Plain(c.Mirror) + ": " + x.Title
		x.File, x.Line = a.result.Settings.ChainLine()
		if source := a.result.Settings.Sources["GOPROXY"]; source != "" {
			said = append(said, sentence("GOPROXY comes from: "+source))
		}
	}
	rank := rankCause
	if c.Class == failure.CircuitOpen {
		rank = rankFollows
	}
	a.missing(rank, x, c.Class, c.Optional(), said)
}

// invalidContent adds the mirrors that offered invalid content for files that
// another one had: no line is at fault.
func (a *annotator) invalidContent() {
	offered := map[string][]report.Module{}
	var mirrors []string
	for _, m := range a.result.Modules {
		if m.Source == report.FromFailed {
			continue
		}
		for _, t := range m.Attempts {
			if !integrity(t.Class) {
				continue
			}
			files := offered[t.Mirror]
			if files == nil {
				mirrors = append(mirrors, t.Mirror)
			}
			if n := len(files); n == 0 || files[n-1].Path != m.Path || files[n-1].Version != m.Version {
				offered[t.Mirror] = append(files, m)
			}
		}
	}
	for _, mirror := range mirrors {
		a.offered(mirror, offered[mirror])
	}
}

// offered adds one mirror that offered invalid content for files that are there.
func (a *annotator) offered(mirror string, files []report.Module) {
	m := files[0]
	t := m.Attempts[slices.IndexFunc(m.Attempts, func(t report.Attempt) bool { return t.Mirror == mirror && integrity(t.Class) })]
	what := "a " + kind(m) + " with a wrong hash"
	if t.Class == failure.UnsafeZip {
		what = "an unsafe zip"
	}
	what += " of " + name(m)
	if detail := failure.Plain(t.Detail); detail != "" {
		what += " (" + detail + ")"
	}
	if n := len(files) - 1; n > 0 {
		what += fmt.Sprintf(", and invalid content for %d more", n)
	}
	message := failure.Plain(mirror) + " offered " + what + "; " + cmp.Or(failure.Plain(m.Mirror), "another source") +
		" had valid content, and only that is in the module cache. Remove the mirror from GOPROXY and tell its operator."
	x := Annotation{Level: LevelWarning, Title: failure.Plain(mirror) + ": " + t.Class.Title() + " refused", Message: message}
	x.File, x.Line = a.result.Settings.ChainLine()
	a.add(rankIntegrity, x)
}
