package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/golog"
)

// mostRequests is how many of the slowest requests LogText shows.
const mostRequests = 5

// What is said of a log that holds nothing of the go command.
const (
	lookedFor = "“go: …”, “FILE.go:LINE:COLUMN: …”, “verifying …”, “ok PACKAGE …” and, of -x, “# get URL”, behind time stamps and names, too, such as CI systems and container builds put before lines."
	getALog   = "Give the whole log of the job (on GitHub: gh run view --log-failed), or run the command again and keep what it prints: go mod download -x 2>&1 | tee build.log."
)

// LogText renders what a log of the go command tells of failed downloads: each
// failure once, with what it means and what to do. require finds the line of the
// checkout that asks for a module, e.g. "go.mod:7", "" when none does; it may be
// nil.
func LogText(w io.Writer, l *golog.Log, require func(path, version string) string, o TextOptions) error {
	p := &page{width: o.Width, colour: o.Color}
	head, told := logHead(l)
	p.prose(head, told, 2)
	if l.Recognised == 0 && len(l.Failures) == 0 {
		p.prose(span{"  looked for: ", dim}, lookedFor, 14)
		p.prose(span{"  do:         ", dim}, getALog, 14)
	}
	for _, f := range l.Failures {
		logFailure(p, f, require)
	}
	logUnknown(p, l.Unknown)
	logRequests(p, l.Requests)
	if l.Truncated {
		p.prose(span{"  ", dim}, "the log holds more failures or requests than are told", 2)
	}
	if _, err := io.WriteString(w, p.b.String()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// logHead is the first line, in which a log that was not understood is no good
// one.
func logHead(l *golog.Log) (span, string) {
	lines := count(int(l.Lines), "line") + " of log"
	downloads := 0
	for _, f := range l.Failures {
		if f.IsDownload() {
			downloads++
		}
	}
	told := count(downloads, "download failure")
	switch others := len(l.Failures) - downloads; {
	case others > 0 && downloads > 0:
		told += " and " + count(others, "other error") + " of the go command"
	case others > 0:
		told = count(others, "error") + " of the go command, no failed download"
	}
	switch {
	case len(l.Failures) > 0:
		return span{"found: ", red}, told + " in " + lines
	case l.Recognised == 0:
		return span{"nothing recognised: ", yellow}, "no line of the go command in " + lines
	case len(l.Unknown) > 0:
		return span{"not understood: ", yellow}, "no known failure in " + lines + ", but a message of the go command that is of no known kind"
	}
	return span{"ok: ", green}, told + " in " + lines
}

// logUnknown writes messages that are of no known kind.
func logUnknown(p *page, all []golog.Line) {
	if len(all) == 0 {
		return
	}
	p.heading("Of no known kind")
	for _, m := range all {
		p.prose(span{text: fmt.Sprintf("  line %d: ", m.Line)}, failure.Plain(m.Text), 4)
	}
}

// logFailure writes one failure.
func logFailure(p *page, f golog.Failure, require func(path, version string) string) {
	what := f.Title()
	if f.Module != "" {
		what += ": " + failure.Plain(f.Module)
		if f.Version != "" {
			what += "@" + failure.Plain(f.Version)
		}
	}
	p.heading(what)
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
	p.prose(span{text: "  "}, strings.Join(where, " "), 2)
	at := position(f.File, f.Line)
	if f.File == "" && require != nil && f.Module != "" {
		at = require(f.Module, f.Version)
	}
	if at != "" {
		p.prose(span{"  at:    ", dim}, at, 9)
	}
	p.prose(span{"  error: ", dim}, failure.Plain(f.Text), 9)
	p.prose(span{"  means: ", dim}, f.Explain(), 9)
	p.prose(span{"  do:    ", dim}, f.Remedy(), 9)
	if rule, ok := finding.RuleOf(f.Check()); ok {
		p.prose(span{"  check: ", dim}, rule.Code+" "+rule.Check+", "+rule.Doc(), 9)
	}
}

// logRequests writes the slowest requests that -x showed.
func logRequests(p *page, all []golog.Request) {
	if len(all) == 0 {
		return
	}
	slow := slices.Clone(all)
	slices.SortStableFunc(slow, func(a, b golog.Request) int { return cmp.Compare(b.Time, a.Time) })
	p.heading(fmt.Sprintf("Slowest of %s", count(len(all), "request")))
	var rows [][]span
	for _, r := range slow[:min(mostRequests, len(slow))] {
		answer := failure.Plain(r.Text)
		if r.EndLine == 0 {
			answer = "no end in the log"
		}
		rows = append(rows, []span{{text: Millis(float64(r.Time.Microseconds()) / 1000)}, {text: failure.Plain(r.URL)}, {text: answer}})
	}
	p.table(2, []column{{right: true}, {flexible: true}, {}}, rows)
}
