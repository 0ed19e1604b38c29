package action

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/sethvargo/go-githubactions"

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

// Annotations returns what a result says about lines of the checkout, and about
// what else is at fault, worst first: an error for each line that names what
// cannot be obtained, and one for each other cause, such as a mirror that is
// down, whatever number of modules it keeps away; a warning for each mirror that
// offered wrong bytes which were made up for, a notice for files that only graph
// commands read, and the findings by severity. Remarks
// that are merely worth knowing and concern no line are left to the summary.
// An outcome that is not ok has at least one error, but for a checkout that is
// not ready: what its findings say is enough.
//
// prefix is the checkout's directory relative to the workspace, slash-separated,
// "" for the workspace itself. A file outside the workspace is not named.
func Annotations(r *report.Result, prefix string) []Annotation {
	a := annotator{result: r, prefix: prefix}
	for _, f := range r.Findings {
		a.finding(f)
	}
	a.causes()
	a.madeUpFor()
	a.cache(r.Cache)
	if r.Outcome != report.OK && r.Outcome != report.NotReady && !slices.ContainsFunc(a.all, func(x ranked) bool { return x.Level == LevelError }) {
		a.add(rankCause, Annotation{Level: LevelError, Title: "modferry: " + failure.Plain(string(r.Outcome)), Message: sentence(r.Message)})
	}
	return a.sorted()
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

// annotator collects annotations.
type annotator struct {
	result *report.Result
	prefix string
	all    []ranked
}

func (a *annotator) add(rank int, x Annotation) {
	x.File, x.Line = a.locate(x.File, x.Line)
	x.Title, x.Message = clip(x.Title, maxTitle), clip(x.Message, maxMessage)
	a.all = append(a.all, ranked{x, rank})
}

// locate returns a position as the runner reads it, none for a file that is
// outside the workspace or whose name would not come out unchanged.
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

// finding adds a remark on the configuration or the checkout.
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
		message += " Write: " + failure.Plain(f.Fix)
	}
	a.add(rankCause, Annotation{Level: level, File: f.File, Line: f.Line, Title: title, Message: strings.TrimSpace(message)})
}

// integrity reports whether a failure is about wrong bytes.
func integrity(c failure.Class) bool { return c == failure.HashMismatch || c == failure.UnsafeZip }

// failed adds a module of which files could not be obtained, the worst first,
// because of what its line says.
func (a *annotator) failed(files []report.Module) {
	m := files[0]
	class := m.Class
	x := Annotation{Level: LevelError, File: m.File, Line: m.Line, Title: name(m) + ": " + class.Title()}
	rank := rankModule
	if integrity(class) {
		rank = rankIntegrity
	}
	said := []string{sentence(m.Message)}
	if m.Message == "" {
		said[0] = class.Explain()
	}
	if others := others(m); others != "" {
		said = append(said, "Also asked: "+others+".")
	}
	for _, o := range files[1:] {
		said = append(said, fmt.Sprintf("Its %s failed, too (%s).", kind(o), cmp.Or(o.Class, failure.Unknown).Title()))
	}
	if m.Low && !integrity(class) {
		x.Level = LevelNotice
		said = append(said, "Builds do not read it, only go mod download, graph and verify.")
	}
	x.Message = strings.Join(append(said, class.Remedy()), " ")
	a.add(rank, x)
}

// others is what the mirrors said that the message of m is not about.
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

// cancelled adds the modules whose turn did not come, all in one: no line is at
// fault.
func (a *annotator) cancelled(c report.Cause) {
	a.add(rankFollows, Annotation{Level: LevelError, Title: "modferry: " + failure.Cancelled.Title(),
		Message: sentence(c.Lacking()) + " " + failure.Cancelled.Explain() + " " + failure.Cancelled.Remedy()})
}

// cache adds what the cache held and was not let in.
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
		Message: failure.Plain(c.Rejected[0]) + more + ". What the cache holds is verified like a download, so this is not in the module cache; the next save leaves it behind."})
}

// name is a module as people write it.
func name(m report.Module) string { return failure.Plain(m.Path + " " + m.Version) }

// kind is a file of a module in words.
func kind(m report.Module) string {
	if m.Kind == report.KindMod {
		return "go.mod"
	}
	return "zip"
}

// sentence is text of a result, fit for being shown, with a full stop.
func sentence(s string) string {
	s = failure.Plain(s)
	if s == "" || strings.HasSuffix(s, ".") || strings.HasSuffix(s, "…") {
		return s
	}
	return s + "."
}

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

// writeAnnotations issues annotations as workflow commands, perLevel of each
// level: more the runner would drop. Those of no line come first, since they
// speak for many. It returns how many are left; the summary has them all.
// Nothing is written when w fails.
func writeAnnotations(w io.Writer, as []Annotation, perLevel int) (left int) {
	var b bytes.Buffer // does not fail, so the library does not panic
	actions := githubactions.New(githubactions.WithWriter(&b))
	chosen := map[int]bool{}
	written := map[Level]int{}
	for _, ofLine := range []bool{false, true} {
		for i, a := range as {
			if (a.Line > 0) == ofLine && written[a.Level] < perLevel {
				written[a.Level]++
				chosen[i] = true
			}
		}
	}
	for i, a := range as {
		if !chosen[i] {
			left++
			continue
		}
		properties := githubactions.CommandProperties{"title": a.Title}
		if a.File != "" {
			properties["file"] = a.File
			if a.Line > 0 {
				properties["line"] = strconv.Itoa(a.Line)
			}
		}
		actions.IssueCommand(&githubactions.Command{Name: string(a.Level), Message: a.Message, Properties: properties})
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return len(as)
	}
	return left
}
