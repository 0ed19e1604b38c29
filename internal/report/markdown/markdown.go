// Package markdown renders results for job summaries, check runs and comments on
// GitHub and GitLab.
//
// No text of a result becomes markup: all of it passes through escape, code or
// fence.
package markdown

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/render"
)

// Options choose how Markdown renders.
type Options struct {
	Limit int // most bytes, 0 for 1,000,000: GitHub drops a job summary of more than 1 MiB
}

func (o Options) limit() int { return cmp.Or(o.Limit, 1_000_000) }

// Rows of tables of files.
const (
	drawn = 10  // downloads with a picture
	most  = 300 // files in a list of all: a browser takes seconds for some thousand rows
)

// Write renders r as GitHub shows it in job summaries, check runs and
// comments: what became of the run in one sentence, why it failed and what to do
// about it, what else is to be put in order; how it came about is folded.
//
// It never writes more than o.Limit bytes. What does not fit is dropped in this
// order: the list of downloads, the status codes over the run, the
// durations of requests, the timing picture, the settings, what is left
// to the go command, recovered failures, the list of the files that failed,
// status codes, the cache, where the files came from, the mirrors, the chain,
// why it took so long, remarks, the hosts, failures (the least frequent first), and all of the outcome
// but the word. The text says at its end what was dropped. A limit that is too small
// even for that is an error.
//
// Times are drawn with characters, not as a Mermaid chart: a chart is drawn by
// a script from another host, which some readers of a summary do not get, its
// syntax has no escapes for names that anybody may choose, and one name too
// strange makes the whole chart an error message.
func Write(w io.Writer, r *report.Result, o Options) error {
	m := &markdown{View: render.Of(r)}
	failures := m.Failures()
	m.outcome(failures)
	// The failures of a good run are files that only graph commands need, and not
	// what a reader looks for first.
	fine := r.Outcome == report.OK && !r.Interrupted
	if !fine {
		m.failures(failures)
	}
	if r.Preflight {
		m.open(m.Mirrors())
	}
	m.remarks(m.Remarks(false))
	if fine {
		m.failures(failures)
	}
	m.within(func() {
		why := m.Why()
		why.Tables = nil // the sentences: the slowest downloads have the picture
		m.open(why)
		m.open(m.Chain())
		if !r.Preflight {
			m.open(m.Mirrors())
		}
		m.open(m.Cache(render.Few))
		m.open(m.Origins())
		m.open(m.Slowest(drawn))
		m.open(m.Recovered(false))
		m.open(m.Deferred(0))
		m.fold(m.Downloads(drawn, most))
		m.fold(m.Notes())
		m.fold(m.Spreads())
		m.fold(m.Answers())
		m.fold(m.Periods())
		m.fold(m.Hosts())
		settings := m.UsedSettings()
		settings.Note = failure.Plain(r.Tool)
		m.fold(settings)
	})
	return m.write(w, o.limit())
}

type markdown struct {
	page
	*render.View
}

// outcome adds the heading, with the directory where the checkout is not the whole
// repository, and what became of the run; that of a run with one cause of failures
// begins with it.
func (m *markdown) outcome(failures render.Section) {
	word, colour := m.Verdict()
	sign := map[render.Tone]string{render.Good: "✅", render.Fair: "⚠️", render.Bad: "❌"}[colour]
	where := ""
	if p := m.Result.Project; p != nil && p.Dir != "" {
		where = " (" + code(failure.Plain(p.Dir)) + ")"
	}
	m.add(heading, fmt.Sprintf("## %s modferry: %s%s\n", sign, word, where))
	clause, remark := m.Says()
	text := ""
	if failures.Told && !m.Result.Interrupted {
		g := failures.Groups[0]
		g.Title = report.Capital(g.Title)
		text, clause = titled(g)+spansOf(g.Rest)+". "+sentence(m.Missing()), ""
	}
	for _, s := range []string{clause, remark} {
		if s != "" {
			text += sentence(s)
		}
	}
	if text != "" {
		m.add(outcomeText, text)
	}
}

// sentence returns a neutral clause as a line with a sentence. What does not
// begin with a plain word begins with a name, and stays as it is.
func sentence(clause string) string {
	if first, _, _ := strings.Cut(clause, " "); first != "" && strings.Trim(first, "abcdefghijklmnopqrstuvwxyz") == "" {
		clause = report.Capital(clause)
	}
	return escape(strings.TrimSuffix(clause, ".")) + ".\n"
}

// Later is what steps after a run did.
type Later struct {
	Modules []report.Module // files that they added to the module cache: Path, Version, Kind and Bytes
	Again   []report.Module // zips among them of modules that were restored without
	Saved   *report.Saved   // what was saved to the cache at the end, nil when nothing was to be saved
	Store   string          // where to
	// Relayed is what a relay of the job downloaded for them, nil without one. Modules
	// are then those that did not go through it.
	Relayed *report.Result
	// Steps are those that asked the relay, as far as they are known.
	Steps []LaterStep
	// Hosts that the save contacted and the run had not, with their uses.
	Hosts    []string
	HostUses map[string][]string
}

// WriteLater renders what steps after a run did, to be appended to the run's
// summary. It writes nothing when there is nothing to tell: nothing was added, and
// nothing saved because the cache has it all. The limit is kept as Markdown keeps
// it: the list of files is dropped first.
func WriteLater(w io.Writer, l *Later, o Options) error {
	idle := l.Saved == nil || l.Saved.Reason != "" && !l.Saved.Failed
	if len(l.Modules) == 0 && idle && l.quiet() {
		return nil
	}
	var p page
	sign := "✅"
	if len(l.Again) > 0 || l.Saved != nil && l.Saved.Failed || l.Relayed != nil && l.Relayed.Outcome != report.OK {
		sign = "⚠️"
	}
	p.add(heading, "**"+sign+" modferry, at the end of the job**\n")
	text := l.relayed()
	if n := len(l.Modules); n > 0 {
		text += fmt.Sprintf("%s added to the module cache by later steps (%s).\n", report.Count(n, "file"), report.Bytes(bytesOf(l.Modules)))
	}
	if n := len(l.Again); n > 0 {
		text += fmt.Sprintf("%s of restored modules downloaded again (%s), because the cache keeps none: a later step runs `go mod download`, "+
			"which builds and tests do not need, or uses the module cache as a `file://` proxy. Drop that command, or set `zips: rebuild`.\n",
			report.Count(n, "zip"), report.Bytes(bytesOf(l.Again)))
	}
	if !idle {
		text += sentence(render.Saving(l.Store, l.Saved, l.Saved.MS))
	}
	p.add(outcomeText, text)
	p.blocks = append(p.blocks, l.relayedParts()...)
	hosts := render.Of(&report.Result{Hosts: l.Hosts, HostUses: l.HostUses}).Hosts()
	hosts.Title = "Further hosts contacted"
	p.fold(laterFiles(l.Modules))
	p.fold(hosts)
	return p.write(w, o.limit())
}

func bytesOf(modules []report.Module) (n int64) {
	for _, m := range modules {
		n += m.Bytes
	}
	return n
}

func laterFiles(modules []report.Module) render.Section {
	modules = slices.SortedStableFunc(slices.Values(modules), func(a, b report.Module) int { return cmp.Compare(b.Bytes, a.Bytes) })
	t := render.Table{Columns: []render.Column{{Title: "file", Code: true}, {Title: "size", Number: true}}}
	for _, m := range modules[:min(len(modules), most)] {
		t.Rows = append(t.Rows, []render.Cell{{Text: m.Name()}, {Text: report.Bytes(m.Bytes)}})
	}
	if len(t.Rows) == 0 {
		return render.Section{}
	}
	s := render.Section{ID: "downloads", Title: "What later steps added", Tables: []render.Table{t}}
	if len(t.Rows) < len(modules) {
		s.Title += fmt.Sprintf(", the largest %d files of %d", len(t.Rows), len(modules))
	}
	return s
}
