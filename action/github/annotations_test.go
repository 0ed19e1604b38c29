package github

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/modferry/modferry/action/annotate"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/report"
)

// command is a workflow command as the runner reads it.
type command struct {
	name, message string
	properties    map[string]string
}

// readCommands reads a log as the runner does: "::name k=v,k=v::message" at the
// start of a line, blanks before it ignored, else "##[name k=v;k=v]message"
// anywhere in a line.
func readCommands(log string) []command {
	var found []command
	for line := range strings.Lines(log) {
		line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r") // Windows ends its lines so
		if s, ok := strings.CutPrefix(strings.TrimLeft(line, " \t\v\f\r\u00a0\u0085"), "::"); ok {
			if head, message, ok := strings.Cut(s, "::"); ok {
				c := command{message: unescape(message), properties: map[string]string{}}
				var rest string
				c.name, rest, _ = strings.Cut(head, " ")
				for pair := range strings.SplitSeq(rest, ",") {
					if k, v, ok := strings.Cut(strings.TrimSpace(pair), "="); ok {
						c.properties[k] = unescape(v)
					}
				}
				found = append(found, c)
				continue
			}
		}
		if _, s, ok := strings.Cut(line, "##["); ok {
			head, message, _ := strings.Cut(s, "]")
			found = append(found, command{name: head, message: message})
		}
	}
	return found
}

func unescape(s string) string {
	return strings.NewReplacer("%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",", "%25", "%").Replace(s)
}

// hostileText tries every way into a log that we know of.
const hostileText = "\r\n::error file=go.mod,line=1::FORGED \x1b[31m##[error]FORGED\u202e\u009b0m\u2028::set-output name=a::FORGED %0A::warning::FORGED https://user:hunter2@host.example.test/x ##[add-mask]a"

func TestHostileTextInALogStaysText(t *testing.T) {
	t.Parallel()
	h := hostileText
	as := annotate.Of(&report.Result{
		Outcome: report.Outcome(h), Message: h,
		Modules: []report.Module{
			{Path: h, Version: h, Kind: h, Source: report.FromFailed, Class: failure.Class(h), Message: h, File: h, Line: 3,
				Attempts: []report.Attempt{{Mirror: h, Class: failure.Class("other" + h), Detail: h}}},
			{Path: h + "2", Version: h, Kind: h, Source: report.FromMirror, Mirror: h, File: h, Line: -3,
				Attempts: []report.Attempt{{Mirror: h, Class: failure.HashMismatch, Detail: h}}},
			{Path: h + "3", Version: h, Source: report.FromFailed, Class: failure.Cancelled, Message: h},
		},
		Findings: []finding.Finding{{Check: h, Severity: finding.Warning, Setting: h, Found: h, Source: h, File: h, Line: 1, Effect: h, Fix: h},
			{Check: h, Severity: finding.Error, File: "go.mod", Line: 1}},
		Cache: report.Cache{Rejected: []string{h, h}},
	}, "")
	// What does not come from a result is escaped by the library.
	as = append(as, annotate.Annotation{Level: annotate.LevelNotice, File: "a:b,c%\n::error::d", Line: 2, Title: "x\r\n::error::y,z=1::", Message: "%0A\n::error::w\n##[error]v"})
	var b strings.Builder
	writeAnnotations(Commands(&b), as)
	got := readCommands(b.String())
	if len(got) != len(as) {
		t.Fatalf("the runner reads %d commands, want %d:\n%s", len(got), len(as), b.String())
	}
	for i, a := range as {
		want := command{name: string(a.Level), message: a.Message, properties: map[string]string{"title": a.Title}}
		if a.File != "" {
			want.properties["file"] = a.File
			want.properties["line"] = fmt.Sprint(a.Line)
		}
		if diff := cmp.Diff(want, got[i], cmp.AllowUnexported(command{})); diff != "" {
			t.Errorf("annotation %d (-want +got):\n%s", i, diff)
		}
	}
}

func TestOnlyTheFirstOfEachLevelAreWritten(t *testing.T) {
	t.Parallel()
	var as []annotate.Annotation
	for i := range 12 {
		as = append(as, annotate.Annotation{Level: annotate.LevelError, Message: fmt.Sprint("e", i)}, annotate.Annotation{Level: annotate.LevelNotice, Message: fmt.Sprint("n", i)})
	}
	as = append(as, annotate.Annotation{Level: annotate.LevelWarning, Message: "w"})
	var b strings.Builder
	writeAnnotations(Commands(&b), as)
	count := map[string]int{}
	for _, c := range readCommands(b.String()) {
		count[c.name]++
		if c.message == "e10" || c.message == "n11" {
			t.Errorf("%s was written", c.message)
		}
	}
	if diff := cmp.Diff(map[string]int{"error": 10, "warning": 1, "notice": 10}, count); diff != "" {
		t.Error(diff)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("broken") }

func TestABrokenLogIsNoPanic(t *testing.T) {
	t.Parallel()
	writeAnnotations(Commands(brokenWriter{}), []annotate.Annotation{{Level: annotate.LevelError}})
}

func TestACauseIsWrittenThoughLinesFillTheLimit(t *testing.T) {
	t.Parallel()
	const mirrorA, mirrorB = "https://a.example.test", "https://b.example.test"
	r := &report.Result{Outcome: report.Integrity, Mirrors: []report.Mirror{{URL: mirrorA, Files: 9, Chosen: true}, {URL: mirrorB, Chosen: true}}}
	lacks := func(n, line int, class failure.Class, mirror string) {
		for i := range n {
			r.Modules = append(r.Modules, report.Module{
				Path: fmt.Sprintf("example.test/%s%02d", class, i), Version: "v1.2.3", Kind: report.KindZip, Source: report.FromFailed, Class: class,
				File: "go.mod", Line: line + i, Attempts: []report.Attempt{{Mirror: mirror, Class: class}, {Mirror: mirror, Class: class}},
			})
		}
	}
	lacks(30, 3, failure.HashMismatch, mirrorA)
	lacks(30, 40, failure.Refused, mirrorB)
	var b strings.Builder
	writeAnnotations(Commands(&b), annotate.Of(r, ""))
	if n := strings.Count(b.String(), "::error"); n != perLevel || !strings.Contains(b.String(), mirrorB+": connection refused") && !strings.Contains(b.String(), "connection refused::") {
		t.Errorf("%d errors, want %d and the cause among them:\n%s", n, perLevel, b.String())
	}
}
