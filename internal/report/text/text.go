// Package text renders results and logs of go commands for people who read a log
// or a terminal.
//
// No text of a result can begin a line of its own, a workflow command or a
// terminal sequence in what it writes: every line passes through Page.Emit.
package text

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/render"
)

// Options choose how Text renders.
type Options struct {
	Color   bool // with terminal sequences for colours
	Width   int  // of lines, 0 for a log that breaks long lines itself
	Verbose bool // every module instead of the first few, settings and hosts
}

// Write renders r for a person who reads a log: the outcome first, then why it
// is so, from the chain to the totals. A run that had nothing to do takes two
// lines.
func Write(w io.Writer, r *report.Result, o Options) error {
	t := &text{Page: Page{width: o.Width, colour: o.Color}, View: render.Of(r), verbose: o.Verbose}
	t.outcome()
	switch {
	case r.Outcome == report.Settings && !o.Verbose:
	case t.Idle() && !o.Verbose:
		t.chainInBrief()
	default:
		t.chain()
		t.mirrors()
		t.origins()
		t.slowest()
		if o.Verbose {
			t.spreads()
		}
		t.retried()
		t.deferred()
		t.cacheTrouble()
	}
	t.failures()
	t.findings()
	if o.Verbose {
		t.settings()
	}
	if !t.Idle() || o.Verbose {
		t.totals()
	}
	return t.WriteTo(w, "report")
}

// text is a rendering under way.
type text struct {
	Page
	*render.View
	verbose bool
}

// outcome writes the first line, and a second one for a remark on a good run.
func (t *text) outcome() {
	word, colour := t.Verdict()
	clause, remark := t.Says()
	t.Prose(Span{word + ": ", styleOf(colour)}, clause, 2)
	if remark != "" {
		t.Prose(Span{Text: "  "}, remark, 0)
	}
}

// chainInBrief is the chain in one line, with the mirrors that fail.
func (t *text) chainInBrief() {
	if t.Result.Choice.Chain == "" {
		return
	}
	t.Emit(Span{"chain: ", bold}, Span{Text: t.View.ChainInBrief()})
}

// chain writes the chosen chain and why it is this one.
func (t *text) chain() {
	c := t.Result.Choice
	if c.Chain == "" {
		return
	}
	t.Heading("Chain")
	t.Prose(Span{Text: "  "}, failure.Plain(c.Chain), 4)
	if c.Configured != "" && c.Configured != c.Chain {
		t.Prose(Span{"  configured: ", dim}, failure.Plain(c.Configured), 4)
	}
	for _, reason := range c.Reasons {
		t.Prose(Span{"  - ", dim}, failure.Plain(reason), 0)
	}
}

// totals writes the last lines: what most readers of a log see first.
func (t *text) totals() {
	if t.Tally.All > 0 {
		t.Heading("Totals")
		c := t.Tally
		parts := []string{}
		for _, p := range []struct {
			n    int
			what string
		}{
			{c.Present, "there already"}, {c.Cached, "from the cache"}, {c.Fetched, "from mirrors"},
			{c.Deferred, "left to the go command"}, {c.Failed, "missing"},
		} {
			if p.n > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
			}
		}
		line := report.Count(c.All, "file") + ": " + strings.Join(parts, ", ")
		if t.Result.Totals.Bytes > 0 {
			line += "; " + report.Bytes(t.Result.Totals.Bytes) + " received"
		}
		t.Prose(Span{Text: "  "}, line+"; "+report.Millis(t.Result.Totals.MS), 4)
	}
	if !t.verbose {
		return
	}
	for _, mirror := range slices.Sorted(maps.Keys(t.Result.StatusCodes)) {
		t.Prose(Span{"  answers of ", dim}, failure.Plain(mirror)+": "+render.Answers(t.Result.StatusCodes[mirror]), 4)
	}
	if len(t.Result.Hosts) > 0 {
		t.Prose(Span{"  hosts: ", dim}, strings.Join(t.Hosts(), ", "), 4)
	}
	for _, use := range t.HostUses() {
		t.Prose(Span{"  - ", dim}, use, 4)
	}
}
