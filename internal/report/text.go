package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/modferry/modferry/internal/failure"
)

// TextOptions choose how Text renders.
type TextOptions struct {
	Color   bool // with terminal sequences for colours
	Width   int  // of lines, 0 for a log that breaks long lines itself
	Verbose bool // every module instead of the first few, settings and hosts
}

// Text renders r for a person who reads a log: the outcome first, then why it
// is so, from the chain to the totals. A run that had nothing to do takes two
// lines.
func Text(w io.Writer, r *Result, o TextOptions) error {
	t := &text{page: page{width: o.Width, colour: o.Color}, view: viewOf(r), verbose: o.Verbose}
	t.outcome()
	switch {
	case r.Outcome == Settings && !o.Verbose:
	case t.idle() && !o.Verbose:
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
	if !t.idle() || o.Verbose {
		t.totals()
	}
	if _, err := io.WriteString(w, t.b.String()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// text is a rendering under way.
type text struct {
	page
	view
	verbose bool
}

// outcome writes the first line, and a second one for a remark on a good run.
func (t *text) outcome() {
	word, colour := t.verdict()
	clause, remark := t.says()
	t.prose(span{word + ": ", colour}, clause, 2)
	if remark != "" {
		t.prose(span{text: "  "}, remark, 0)
	}
}

// chainInBrief is the chain in one line, with the mirrors that fail.
func (t *text) chainInBrief() {
	if t.r.Choice.Chain == "" {
		return
	}
	t.emit(span{"chain: ", bold}, span{text: t.view.chainInBrief()})
}

// chain writes the chosen chain and why it is this one.
func (t *text) chain() {
	c := t.r.Choice
	if c.Chain == "" {
		return
	}
	t.heading("Chain")
	t.prose(span{text: "  "}, failure.Plain(c.Chain), 4)
	if c.Configured != "" && c.Configured != c.Chain {
		t.prose(span{"  configured: ", dim}, failure.Plain(c.Configured), 4)
	}
	for _, reason := range c.Reasons {
		t.prose(span{"  - ", dim}, failure.Plain(reason), 0)
	}
}

// totals writes the last lines: what most readers of a log see first.
func (t *text) totals() {
	if t.tally.all > 0 {
		t.heading("Totals")
		c := t.tally
		parts := []string{}
		for _, p := range []struct {
			n    int
			what string
		}{
			{c.present, "there already"}, {c.cached, "from the cache"}, {c.fetched, "from mirrors"},
			{c.deferred, "left to the go command"}, {c.failed, "missing"},
		} {
			if p.n > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
			}
		}
		line := count(c.all, "file") + ": " + strings.Join(parts, ", ")
		if t.r.Totals.Bytes > 0 {
			line += "; " + Bytes(t.r.Totals.Bytes) + " received"
		}
		t.prose(span{text: "  "}, line+"; "+Millis(t.r.Totals.MS), 4)
	}
	if !t.verbose {
		return
	}
	for _, mirror := range sorted(t.r.StatusCodes) {
		t.prose(span{"  answers of ", dim}, failure.Plain(mirror)+": "+answers(t.r.StatusCodes[mirror]), 4)
	}
	if len(t.r.Hosts) > 0 {
		t.prose(span{"  hosts: ", dim}, strings.Join(t.hosts(), ", "), 4)
	}
	for _, use := range t.hostUses() {
		t.prose(span{"  - ", dim}, use, 4)
	}
}
