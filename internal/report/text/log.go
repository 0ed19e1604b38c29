package text

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/golog"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/render"
)

const mostRequests = 5

// What is said of a log that holds nothing of the go command.
const (
	lookedFor = "“go: …”, “FILE.go:LINE:COLUMN: …”, “verifying …”, “ok PACKAGE …” and “# get URL” (of -x), also behind the time stamps and names that CI systems and container builds put in front of lines."
	getALog   = "Give the whole log of the job (on GitHub: gh run view --log-failed), or run the command again and keep what it prints: go mod download -x 2>&1 | tee build.log."
)

// Log renders what a log of the go command tells of failed downloads: each
// failure once, with what it means and what to do. require finds the line of the
// checkout that asks for a module, e.g. "go.mod:7", "" when none does; it may be
// nil.
func Log(w io.Writer, l *golog.Log, require func(path, version string) string, o Options) error {
	p := &Page{width: o.Width, colour: o.Color}
	head, told := logHead(l)
	p.Prose(head, told, 2)
	if l.Recognised == 0 && len(l.Failures) == 0 {
		p.notes(2, note("looked for", lookedFor), note("do", getALog))
	}
	for _, f := range l.Failures {
		logFailure(p, f, require)
	}
	logUnknown(p, l.Unknown)
	logRequests(p, l.Requests)
	if l.Truncated {
		p.Prose(Span{"  ", dim}, "the log holds more failures or requests than are shown", 2)
	}
	return p.WriteTo(w, "report")
}

// logHead is the first line, in which a log that was not understood is no good
// one.
func logHead(l *golog.Log) (Span, string) {
	lines := report.Count(int(l.Lines), "line") + " of log"
	downloads := 0
	for _, f := range l.Failures {
		if f.IsDownload() {
			downloads++
		}
	}
	told := report.Count(downloads, "download failure")
	switch others := len(l.Failures) - downloads; {
	case others > 0 && downloads > 0:
		told += " and " + report.Count(others, "other error") + " of the go command"
	case others > 0:
		told = report.Count(others, "error") + " of the go command, no failed download"
	}
	switch {
	case len(l.Failures) > 0:
		return Span{"found: ", red}, told + " in " + lines
	case l.Recognised == 0:
		return Span{"nothing recognised: ", yellow}, "no line of the go command in " + lines
	case len(l.Unknown) > 0:
		return Span{"not understood: ", yellow}, "no known failure in " + lines + ", but an unknown message of the go command"
	}
	return Span{"ok: ", green}, told + " in " + lines
}

func logUnknown(p *Page, all []golog.Line) {
	if len(all) == 0 {
		return
	}
	p.Heading("Unknown messages")
	for _, m := range all {
		p.Prose(Span{Text: fmt.Sprintf("  line %d: ", m.Line)}, failure.Plain(m.Text), 4)
	}
}

func logFailure(p *Page, f golog.Failure, require func(path, version string) string) {
	advice := f.Advice()
	what := advice.Title
	if f.Module != "" {
		what += ": " + failure.Plain(f.Module)
		if f.Version != "" {
			what += "@" + failure.Plain(f.Version)
		}
	}
	p.Heading(what)
	var where []string
	if f.Count > 1 {
		where = append(where, fmt.Sprintf("%d times, first", f.Count))
	}
	where = append(where, fmt.Sprintf("in line %d", f.FirstLine))
	switch {
	case f.Party == golog.PartyMirror && f.Mirror != "", f.Party == "" && f.Mirror != "":
		where = append(where, "from "+failure.Plain(f.Mirror))
	case f.Party == golog.PartyDatabase && f.Mirror != "":
		where = append(where, "from the checksum database at "+failure.Plain(f.Mirror))
	case f.Party == golog.PartyDatabase:
		where = append(where, "from the checksum database")
	case f.Party == golog.PartyOrigin:
		where = append(where, "from the module's repository")
	}
	line := strings.Join(where, " ")
	if f.Wait > 0 {
		line += ", then nothing for " + report.Millis(float64(f.Wait.Milliseconds()))
	}
	p.Prose(Span{Text: "  "}, line, 2)
	at := report.Position(f.File, f.Line)
	if f.File == "" && require != nil && f.Module != "" {
		at = require(f.Module, f.Version)
	}
	check := ""
	if rule, ok := finding.RuleOf(f.Check()); ok {
		check = rule.Code + " " + rule.Check + ", " + rule.Doc()
	}
	p.notes(2, note("at", at), note("error", failure.Plain(f.Text)), note("means", advice.Explain), note("do", advice.Remedy), note("check", check))
}

func logRequests(p *Page, all []golog.Request) {
	if len(all) == 0 {
		return
	}
	slow := slices.Clone(all)
	slices.SortStableFunc(slow, func(a, b golog.Request) int { return cmp.Compare(b.Time, a.Time) })
	p.Heading(fmt.Sprintf("Slowest of %s", report.Count(len(all), "request")))
	t := render.Table{Bare: true, Columns: []render.Column{{Title: "time", Number: true}, {Title: "URL", Flexible: true}, {Title: "answer"}}}
	for _, r := range slow[:min(mostRequests, len(slow))] {
		answer := failure.Plain(r.Text)
		if r.EndLine == 0 {
			answer = "no end in the log"
		}
		t.Rows = append(t.Rows, []render.Cell{{Text: report.Millis(float64(r.Time.Microseconds()) / 1000)}, {Text: failure.Plain(r.URL)}, {Text: answer}})
	}
	p.table(2, t)
}
