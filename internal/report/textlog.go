package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/failure"
)

// mostRequests is how many of the slowest requests LogText shows.
const mostRequests = 5

// LogText renders what a log of the go command tells of failed downloads: each
// failure once, with what it means and what to do. require finds the line of the
// checkout that asks for a module, e.g. "go.mod:7", "" when none does; it may be
// nil.
func LogText(w io.Writer, l *failure.Log, require func(path, version string) string, o TextOptions) error {
	p := &page{width: o.Width, colour: o.Color}
	head := span{"ok: ", green}
	if len(l.Failures) > 0 {
		head = span{"found: ", red}
	}
	p.prose(head, fmt.Sprintf("%s in %s of log", count(len(l.Failures), "download failure"), count(int(l.Lines), "line")), 2)
	for _, f := range l.Failures {
		logFailure(p, f, require)
	}
	logRequests(p, l.Requests)
	if l.Truncated {
		p.prose(span{"  ", dim}, "the log holds more failures or requests than are told", 2)
	}
	if _, err := io.WriteString(w, p.b.String()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// logFailure writes one failure.
func logFailure(p *page, f failure.LogFailure, require func(path, version string) string) {
	what := f.Class.Title()
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
	if f.Mirror != "" {
		where = append(where, "from "+failure.Plain(f.Mirror))
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
	p.prose(span{"  means: ", dim}, f.Class.Explain(), 9)
	p.prose(span{"  do:    ", dim}, f.Class.Remedy(), 9)
}

// logRequests writes the slowest requests that -x showed.
func logRequests(p *page, all []failure.LogRequest) {
	if len(all) == 0 {
		return
	}
	slow := slices.Clone(all)
	slices.SortStableFunc(slow, func(a, b failure.LogRequest) int { return cmp.Compare(b.Time, a.Time) })
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
