// Package annotate says what the result of a run means for lines of the checkout,
// and what else is at fault: annotations, worst first. It is pure; the CI system
// that the job runs on decides how they are shown.
package annotate

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/report"
)

// Level is the severity of an annotation, by the name of its workflow command.
type Level string

// The levels, worst first.
const (
	LevelError   Level = "error"
	LevelWarning Level = "warning"
	LevelNotice  Level = "notice"
)

// Annotation is a remark on a line of the checkout. Its texts are one line
// each, redacted and neutral, within the runner's limits.
type Annotation struct {
	Level   Level
	File    string // slash-separated, relative to the workspace; "" when no file is at fault
	Line    int    // from 1, 0 when no line is
	Title   string
	Message string
}

// The runner's limits, in UTF-16 units as it counts.
const (
	maxTitle   = 255
	maxMessage = 4096
)

// Of returns the annotations of a result, worst first: an error for each line
// that names what cannot be obtained, and one for each other cause, such as a
// mirror that is down, however many modules are missing because of it; a warning
// for each mirror that offered invalid content of a file that another one had; a
// notice for files that only graph commands read; and the findings by severity.
// Findings that are merely worth knowing and concern no line are left to the
// summary. An outcome that is not ok has at least one error, except for a checkout
// that is not ready, whose findings say enough.
//
// prefix is the checkout's directory relative to the workspace, slash-separated,
// "" for the workspace itself. A file outside the workspace is not named.
func Of(r *report.Result, prefix string) []Annotation {
	a := annotator{result: r, prefix: prefix}
	for _, f := range r.Findings {
		a.finding(f)
	}
	a.causes()
	a.invalidContent()
	a.cache(r.Cache)
	if r.Outcome != report.OK && r.Outcome != report.NotReady && !slices.ContainsFunc(a.all, func(x ranked) bool { return x.Level == LevelError }) {
		a.add(rankCause, Annotation{Level: LevelError, Title: "modferry: " + failure.Plain(string(r.Outcome)), Message: sentence(r.Message)})
	}
	return a.sorted()
}

// Foremost returns those of all that are to be shown where only so many of each level
// are, in the same order. Those without a line are chosen first, since each stands for
// many modules.
func Foremost(all []Annotation, perLevel int) []Annotation {
	chosen := map[int]bool{}
	counted := map[Level]int{}
	for _, ofLine := range []bool{false, true} {
		for i, a := range all {
			if (a.Line > 0) == ofLine && counted[a.Level] < perLevel {
				counted[a.Level]++
				chosen[i] = true
			}
		}
	}
	var shown []Annotation
	for i, a := range all {
		if chosen[i] {
			shown = append(shown, a)
		}
	}
	return shown
}

// The ranks within a level: what is most serious or explains the others comes
// first, what follows from others last.
const (
	rankIntegrity = iota
	rankCause
	rankModule
	rankFollows
)

type ranked struct {
	Annotation
	rank int
}

type annotator struct {
	result *report.Result
	prefix string
	all    []ranked
}

func (a *annotator) add(rank int, x Annotation) {
	x.File, x.Line = a.locate(x.File, x.Line)
	x.Title, x.Message = Title(x.Title), clip(x.Message, maxMessage)
	a.all = append(a.all, ranked{x, rank})
}

// locate returns a position relative to the workspace; none for a file outside it,
// and for a name that would be changed when it is made neutral: another file could
// have that name.
func (a *annotator) locate(file string, line int) (string, int) {
	if file == "" || path.IsAbs(file) || strings.Contains(file, `:\`) || strings.Contains(file, ":/") || failure.Neutral(file) != file {
		return "", 0
	}
	file = path.Join(a.prefix, file)
	if file == ".." || strings.HasPrefix(file, "../") {
		return "", 0
	}
	return file, max(line, 0)
}

func (a *annotator) sorted() []Annotation {
	level := map[Level]int{LevelError: 0, LevelWarning: 1, LevelNotice: 2}
	slices.SortStableFunc(a.all, func(x, y ranked) int {
		return cmp.Or(cmp.Compare(level[x.Level], level[y.Level]), cmp.Compare(x.rank, y.rank),
			cmp.Compare(x.File, y.File), cmp.Compare(x.Line, y.Line), cmp.Compare(x.Title, y.Title))
	})
	var out []Annotation
	for _, x := range a.all {
		out = append(out, x.Annotation)
	}
	return out
}

func (a *annotator) finding(f finding.Finding) {
	level := LevelWarning
	switch f.Severity {
	case finding.Error:
		level = LevelError
	case finding.Info:
		if f.File == "" || f.Line == 0 {
			return
		}
		level = LevelNotice
	}
	title := strings.TrimSpace(failure.Plain(f.Setting) + " " + failure.Plain(f.Found))
	if title == "" {
		title = "modferry: " + failure.Plain(f.Check)
	}
	message := sentence(f.Effect)
	if f.Source != "" {
		message += " " + sentence("Source: "+f.Source)
	}
	if f.Fix != "" {
		message += " Fix: " + failure.Plain(f.Fix)
	}
	if f.Doc() != "" {
		message += " See " + f.Doc()
	}
	a.add(rankCause, Annotation{Level: level, File: f.File, Line: f.Line, Title: title, Message: strings.TrimSpace(message)})
}

// integrity reports whether a failure is about invalid content.
func integrity(c failure.Class) bool { return c == failure.HashMismatch || c == failure.UnsafeZip }

// failed adds a module with files that could not be obtained because of what its
// line says. The worst file comes first and speaks for the others.
func (a *annotator) failed(files []report.Module) {
	m := files[0]
	said := told(m, m.Class)
	for _, o := range files[1:] {
		said = append(said, fmt.Sprintf("Its %s failed too (%s).", kind(o), cmp.Or(o.Class, failure.Unknown).Title()))
	}
	a.missing(rankModule, Annotation{File: m.File, Line: m.Line, Title: name(m) + ": " + m.Class.Title()}, m.Class, m.Optional, said)
}

// missing adds what is missing because of a class of failures, with what is said
// of it and what to do.
func (a *annotator) missing(rank int, x Annotation, class failure.Class, optional bool, said []string) {
	x.Level = LevelError
	switch {
	case integrity(class):
		rank = rankIntegrity
	case optional:
		x.Level = LevelNotice
		said = append(said, "No build reads this; only go mod download, go mod graph and go mod verify do.")
	}
	if said = append(said, class.Remedy()); class.Doc() != "" {
		said = append(said, "See "+class.Doc())
	}
	x.Message = strings.Join(said, " ")
	a.add(rank, x)
}

// told is what mirrors said of a file.
func told(m report.Module, class failure.Class) []string {
	said := []string{cmp.Or(sentence(m.Message), class.Explain())}
	if others := others(m); others != "" {
		said = append(said, "Other mirrors: "+others+".")
	}
	return said
}

// others is what those mirrors answered that the message of m is not about.
func others(m report.Module) string {
	about := ""
	for _, t := range m.Attempts {
		if t.Class == m.Class {
			about = t.Mirror
		}
	}
	var said []string
	var seen []string
	for i := len(m.Attempts) - 1; i >= 0; i-- {
		t := m.Attempts[i]
		if t.Mirror == about || t.Class == "" || slices.Contains(seen, t.Mirror) {
			continue
		}
		seen = append(seen, t.Mirror)
		said = append(said, failure.Plain(t.Mirror)+": "+answer(t))
	}
	slices.Reverse(said)
	return strings.Join(said, "; ")
}

// answer is "server error (HTTP 503)".
func answer(t report.Attempt) string {
	if t.Status >= 300 {
		return fmt.Sprintf("%s (HTTP %d)", t.Class.Title(), t.Status)
	}
	return t.Class.Title()
}

// cancelled adds one annotation for all modules that were not tried: no line is
// at fault.
func (a *annotator) cancelled(c report.Cause) {
	a.add(rankFollows, Annotation{Level: LevelError, Title: "modferry: " + failure.Cancelled.Title(),
		Message: sentence(c.Lacking()) + " " + failure.Cancelled.Explain() + " " + failure.Cancelled.Remedy()})
}

// cache adds the cached files that failed verification.
func (a *annotator) cache(c report.Cache) {
	n := len(c.Rejected)
	if n == 0 {
		return
	}
	what, more := "1 file", ""
	if n > 1 {
		what, more = fmt.Sprintf("%d files", n), fmt.Sprintf(" (and %d more)", n-1)
	}
	a.add(rankIntegrity, Annotation{Level: LevelWarning, Title: "cache: " + what + " refused",
		Message: failure.Plain(c.Rejected[0]) + more + ". Cached files are verified like downloads, so this did not enter the module cache; the next save drops it."})
}

func name(m report.Module) string { return failure.Plain(m.Path + " " + m.Version) }

func kind(m report.Module) string {
	if m.Kind == report.KindMod {
		return "go.mod"
	}
	return "zip"
}

// sentence is text of a result, neutral and with a full stop.
func sentence(s string) string {
	s = failure.Plain(s)
	if s == "" || strings.HasSuffix(s, ".") || strings.HasSuffix(s, "…") {
		return s
	}
	return s + "."
}

// Title cuts text to the length of a title.
func Title(s string) string { return clip(s, maxTitle) }

// clip cuts s to n UTF-16 units.
func clip(s string, n int) string {
	units, cut := 0, 0
	for i, r := range s {
		if units <= n-1 {
			cut = i // there is room for "…" here
		}
		if units += max(utf16.RuneLen(r), 1); units > n {
			return s[:cut] + "…"
		}
	}
	return s
}
