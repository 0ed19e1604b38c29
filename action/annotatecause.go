package action

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
)

// mostLines is how many lines are marked for one cause before it is clear that
// no line is at fault: a mirror that supplied nothing has a wrong address, or
// refuses us altogether.
const mostLines = 3

// cause is what modules failed of: a class of failures at one mirror; the mirror
// is "" when it is this machine, a setting, or not known.
type cause struct {
	mirror string
	class  failure.Class
}

// failures is the modules that failed of one cause, each with its failed files,
// the worst first.
type failures struct {
	cause
	modules [][]report.Module
}

// causes adds what failed: one annotation for a cause, or one for each line that
// is at fault.
func (a *annotator) causes() {
	for _, f := range a.failures() {
		if a.atLines(f) {
			for _, files := range f.modules {
				a.failed(files)
			}
		} else {
			a.cause(f)
		}
	}
}

// failures groups what failed by its cause, the largest group first.
func (a *annotator) failures() []*failures {
	var all []*failures
	at := map[cause]*failures{}
	for _, files := range a.lacking {
		c := a.causeOf(files[0])
		if at[c] == nil {
			at[c] = &failures{cause: c}
			all = append(all, at[c])
		}
		at[c].modules = append(at[c].modules, files)
	}
	slices.SortStableFunc(all, func(x, y *failures) int { return cmp.Compare(len(y.modules), len(x.modules)) })
	return joined(all)
}

// joined puts what follows from a cause into its group: what was not asked any
// more, because the mirror had failed too often.
func joined(all []*failures) []*failures {
	var out []*failures
	for _, f := range all {
		i := slices.IndexFunc(all, func(g *failures) bool {
			switch {
			case g == f || g.mirror == "" || g.class == failure.CircuitOpen || !g.class.Transport():
				return false
			case f.class == failure.CircuitOpen:
				return f.mirror == "" || f.mirror == g.mirror
			}
			return f.class == g.class && f.mirror == ""
		})
		if i < 0 {
			out = append(out, f)
		} else {
			all[i].modules = append(all[i].modules, f.modules...)
		}
	}
	return out
}

// causeOf is the cause of a failed file: its class, at the mirror that met it
// last. Without attempts it is the chain's only mirror.
func (a *annotator) causeOf(m report.Module) cause {
	c := cause{class: cmp.Or(m.Class, failure.Unknown)}
	for _, t := range m.Attempts {
		if t.Class == m.Class {
			c.mirror = t.Mirror
		}
	}
	if c.mirror != "" || !c.class.Transport() {
		return c
	}
	chosen := slices.DeleteFunc(slices.Clone(a.result.Mirrors), func(x report.Mirror) bool { return !x.Chosen })
	if len(chosen) == 1 {
		c.mirror = chosen[0].URL
	}
	return c
}

// atLines reports whether lines of the checkout are at fault.
func (a *annotator) atLines(f *failures) bool {
	switch f.class {
	case failure.NotFound, failure.Gone, failure.Forbidden, failure.HashMismatch, failure.UnsafeZip, failure.TooLarge, failure.MissingSum:
	default:
		return false
	}
	if len(f.modules) <= mostLines {
		return true
	}
	return !slices.ContainsFunc(a.result.Mirrors, func(m report.Mirror) bool { return m.URL == f.mirror && m.Files == 0 })
}

// cause adds one annotation for all modules of a group.
func (a *annotator) cause(f *failures) {
	slices.SortStableFunc(f.modules, func(x, y []report.Module) int {
		return cmp.Or(boolean(x[0].Low)-boolean(y[0].Low), cmp.Compare(severity(x[0]), severity(y[0])))
	})
	m := f.modules[0][0]
	x := Annotation{Level: LevelError, Title: f.class.Title()}
	if f.mirror != "" {
		x.Title = failure.Plain(f.mirror) + ": " + x.Title
		x.File, x.Line = a.setting()
	}
	rank := rankCause
	switch {
	case integrity(f.class):
		rank = rankIntegrity
	case f.class == failure.CircuitOpen:
		rank = rankFollows
	}
	said := []string{f.lacking()}
	if m.Message == "" {
		said = append(said, f.class.Explain())
	} else {
		said = append(said, sentence(m.Message))
	}
	if others := others(m); others != "" {
		said = append(said, "Also asked: "+others+".")
	}
	if m.Low && !integrity(f.class) {
		x.Level = LevelNotice
		said = append(said, "Builds do not read these files, only go mod download, graph and verify.")
	}
	if source := a.result.Settings.Sources["GOPROXY"]; f.mirror != "" && source != "" {
		said = append(said, sentence("GOPROXY is from: "+source))
	}
	x.Message = strings.Join(append(said, f.class.Remedy()), " ")
	a.add(rank, x)
}

// lacking is "60 modules could not be obtained: a v1.0.0, b v1.0.0 and 58 more."
func (f *failures) lacking() string {
	const most = 5
	var names []string
	for _, files := range f.modules[:min(len(f.modules), most)] {
		names = append(names, name(files[0]))
	}
	n := len(f.modules)
	what := "1 module"
	if n > 1 {
		what = fmt.Sprintf("%d modules", n)
	}
	text := what + " could not be obtained: " + strings.Join(names, ", ")
	if n > most {
		text += fmt.Sprintf(" and %d more", n-most)
	}
	return text + "."
}

// madeUpFor adds the mirrors that offered wrong bytes, although others had the
// right ones: no line is at fault.
func (a *annotator) madeUpFor() {
	offered := map[string][]report.Module{}
	var mirrors []string
	for _, m := range a.wrong {
		for _, t := range m.Attempts {
			if !integrity(t.Class) {
				continue
			}
			if offered[t.Mirror] == nil {
				mirrors = append(mirrors, t.Mirror)
			}
			offered[t.Mirror] = append(offered[t.Mirror], m)
			break
		}
	}
	for _, mirror := range mirrors {
		a.offered(mirror, offered[mirror])
	}
}

// offered adds one mirror that offered wrong bytes for files that are there.
func (a *annotator) offered(mirror string, files []report.Module) {
	m := files[0]
	t := m.Attempts[slices.IndexFunc(m.Attempts, func(t report.Attempt) bool { return integrity(t.Class) })]
	what := "a " + kind(m) + " with a wrong hash"
	if t.Class == failure.UnsafeZip {
		what = "an unsafe zip"
	}
	what += " of " + name(m)
	if detail := failure.Plain(t.Detail); detail != "" {
		what += " (" + detail + ")"
	}
	if n := len(files) - 1; n > 0 {
		what += fmt.Sprintf(", and wrong bytes of %d more", n)
	}
	message := failure.Plain(mirror) + " offered " + what + "; " + cmp.Or(failure.Plain(m.Mirror), "another source") +
		" had the right bytes, and only those are in the module cache. Take that mirror out of GOPROXY and tell its operator."
	x := Annotation{Level: LevelWarning, Title: failure.Plain(mirror) + ": " + t.Class.Title() + " refused", Message: message}
	x.File, x.Line = a.setting()
	a.add(rankIntegrity, x)
}

// setting is the line of a file that names the mirrors, "" when no file does.
func (a *annotator) setting() (file string, line int) {
	source, ok := strings.CutPrefix(a.result.Settings.Sources["GOPROXY"], "file ")
	i := strings.LastIndexByte(source, ':')
	if !ok || i < 0 {
		return "", 0
	}
	line, err := strconv.Atoi(source[i+1:])
	if err != nil {
		return "", 0
	}
	return source[:i], line
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}
