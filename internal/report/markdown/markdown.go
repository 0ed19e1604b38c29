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
// comments: the outcome, what failed and what to do about it, then how it came
// about; details are folded. A run that had nothing to do shows two lines.
//
// It never writes more than o.Limit bytes. What does not fit is dropped in this
// order: the list of downloads, the status codes over the run, the
// durations of requests, the timing picture, the settings, what is left
// to the go command, recovered failures, files of a failure after
// the first few, status codes, findings, the cache, where the files came from,
// the mirrors, the hosts, the chain, failures (the least frequent first), and
// all of the outcome but the word. The text says at its end what was dropped.
// A limit that is too small even for that is an error.
//
// Times are drawn with characters, not as a Mermaid chart: a chart is drawn by
// a script from another host, which some readers of a summary do not get, its
// syntax has no escapes for names that anybody may choose, and one name too
// strange makes the whole chart an error message.
func Write(w io.Writer, r *report.Result, o Options) error {
	m := &markdown{View: render.Of(r)}
	m.outcome()
	// The failures of a good run are files that only graph commands need, and not
	// what a reader looks for first.
	fine := r.Outcome == report.OK && !r.Interrupted
	if !fine {
		m.failures()
	}
	switch {
	case r.Outcome == report.Settings:
	case m.Idle():
		m.chainInBrief()
	default:
		m.open(m.Chain())
		m.open(m.Mirrors())
		m.open(m.Cache(render.Few))
		m.open(m.Origins())
		m.open(m.Slowest(drawn))
	}
	if fine {
		m.failures()
	}
	m.fold(m.Remarks(false))
	m.fold(m.Recovered(false))
	m.fold(m.Deferred(0))
	m.fold(m.Downloads(drawn, most))
	if m.Idle() {
		m.fold(m.Mirrors())
	}
	m.fold(m.Spreads())
	m.fold(m.Answers())
	m.fold(m.Periods())
	m.fold(m.Hosts())
	settings := m.UsedSettings()
	settings.Note = failure.Plain(r.Tool)
	m.fold(settings)
	return m.write(w, o.limit())
}

type markdown struct {
	page
	*render.View
}

func (m *markdown) outcome() {
	word, colour := m.Verdict()
	sign := map[render.Tone]string{render.Good: "✅", render.Fair: "⚠️", render.Bad: "❌"}[colour]
	m.add(heading, fmt.Sprintf("## %s modferry: %s\n", sign, word))
	clause, remark := m.Says()
	text := ""
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
		clause = strings.ToUpper(clause[:1]) + clause[1:]
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
	// Hosts that the save contacted and the run had not, with their uses.
	Hosts    []string
	HostUses map[string][]string
}

// WriteLater renders what steps after a run did, to be appended to the run's
// summary. It writes nothing when there is nothing to tell. The limit is kept
// as Markdown keeps it: the list of files is dropped first.
func WriteLater(w io.Writer, l *Later, o Options) error {
	if len(l.Modules) == 0 && l.Saved == nil && l.Relayed == nil {
		return nil
	}
	var p page
	p.add(heading, "## modferry: after the later steps\n")
	text := l.relayed()
	if n := len(l.Modules); n > 0 {
		var bytes int64
		for _, m := range l.Modules {
			bytes += m.Bytes
		}
		text += fmt.Sprintf("%s added to the module cache by later steps (%s).\n", report.Count(n, "file"), report.Bytes(bytes))
	}
	if n := len(l.Again); n > 0 {
		var bytes int64
		for _, m := range l.Again {
			bytes += m.Bytes
		}
		text += fmt.Sprintf("%s of restored modules downloaded again (%s), because the cache keeps none: a later step runs `go mod download`, "+
			"which builds and tests do not need, or uses the module cache as a `file://` proxy. Drop that command, or set `zips: rebuild`.\n",
			report.Count(n, "zip"), report.Bytes(bytes))
	}
	if l.Saved != nil {
		text += sentence(render.Saving(l.Store, l.Saved, l.Saved.MS))
	}
	p.add(outcomeText, text)
	p.blocks = append(p.blocks, l.relayedParts()...)
	p.fold(laterFiles(l.Modules))
	hosts := render.Of(&report.Result{Hosts: l.Hosts, HostUses: l.HostUses}).Hosts()
	hosts.Title = "Further hosts contacted"
	p.fold(hosts)
	return p.write(w, o.limit())
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

func (m *markdown) chainInBrief() {
	if m.Result.Choice.Chain != "" {
		m.add("chain", "Chain: "+escape(m.View.ChainInBrief())+"\n")
	}
}
