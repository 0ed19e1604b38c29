package report

import (
	"fmt"
	"io"
	"slices"
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
	t := &text{page: page{width: o.Width, colour: o.Color}, r: r, tally: tallyOf(r), verbose: o.Verbose}
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
	r       *Result
	tally   tally
	verbose bool
}

// tally counts the entries of a result by what became of them.
type tally struct {
	all, present, cached, fetched, deferred, failed, low int // low: failed, but only graph commands read it
}

func tallyOf(r *Result) tally {
	c := tally{all: len(r.Modules)}
	for _, m := range r.Modules {
		switch m.Source {
		case FromPresent:
			c.present++
		case FromCache:
			c.cached++
		case FromMirror:
			c.fetched++
		case FromDeferred:
			c.deferred++
		default:
			if c.failed++; m.Low {
				c.low++
			}
		}
	}
	return c
}

// there is the number of files that the module cache holds.
func (c tally) there() int { return c.present + c.cached + c.fetched }

// idle reports whether the run found everything in place. A run without
// modules, but with mirrors, was a preflight, and its table is what is wanted.
func (t *text) idle() bool {
	return t.r.Outcome == OK && !t.r.Interrupted && len(t.r.Cache.Rejected) == 0 && t.tally.present == t.tally.all && (t.tally.all > 0 || len(t.r.Mirrors) == 0)
}

// audit reports whether the run only looked at the module cache: it has no
// chain.
func (t *text) audit() bool {
	return t.chainless() && !t.r.Cache.used()
}

func (t *text) chainless() bool { return t.r.Choice.Configured == "" && t.r.Choice.Chain == "" }

// outcome writes the first line, and a second one for a remark on a good run.
func (t *text) outcome() {
	word, colour := t.verdict()
	message := strings.TrimSuffix(strings.TrimPrefix(failure.Plain(t.r.Message), "interrupted: "), ".")
	var says []string
	if t.r.Outcome != OK || t.r.Interrupted {
		says = append(says, message)
		message = ""
	}
	if t.r.Outcome != Settings {
		says = append(says, t.state())
	}
	says = slices.DeleteFunc(says, func(s string) bool { return s == "" })
	t.prose(span{word + ": ", colour}, strings.Join(says, "; "), 2)
	if message != "" {
		t.prose(span{text: "  "}, message, 0)
	}
}

func (t *text) verdict() (string, style) {
	switch {
	case t.r.Interrupted:
		return "interrupted", yellow
	case t.r.Outcome == OK:
		return "ok", green
	case t.r.Outcome == Integrity:
		return "integrity failure", red
	case t.r.Outcome == Settings:
		return "cannot run", red
	}
	return "incomplete", red
}

// state says in one clause what the module cache holds now.
func (t *text) state() string {
	c, all := t.tally, count(t.tally.all, "file")
	took := Millis(t.r.Totals.MS)
	switch {
	case t.r.Cache.Saved != nil:
		return t.saveState()
	case t.restoring() && t.r.Outcome == OK:
		return t.restoreState()
	case c.all == 0 && len(t.r.Mirrors) > 0:
		return t.mirrorState()
	case c.all == 0 && t.r.Outcome == OK:
		return "no modules are needed"
	case c.all == 0:
		return ""
	case t.audit() && c.failed == 0:
		return fmt.Sprintf("%s in the module cache, each as go.sum says (%s)", all, took)
	case t.audit():
		return fmt.Sprintf("%d of %s in the module cache %s as go.sum says (%s)", c.there(), all, are(c.there()), took)
	case t.idle():
		return fmt.Sprintf("%s in the module cache, nothing to fetch (%s)", every(c.all), took)
	}
	s := fmt.Sprintf("%d of %s %s in the module cache", c.there(), all, are(c.there()))
	if c.there() == c.all {
		s = every(c.all) + " in the module cache"
	}
	if c.deferred > 0 {
		s += fmt.Sprintf(", %d left to the go command", c.deferred)
	}
	if t.r.Interrupted {
		s += ", the next run goes on from there"
	}
	if t.r.Totals.Bytes > 0 {
		return s + fmt.Sprintf(" (%s in %s)", Bytes(t.r.Totals.Bytes), took)
	}
	return s + " (" + took + ")"
}

// every is the beginning of a sentence about all n files.
func every(n int) string {
	if n == 1 {
		return "the 1 file needed is"
	}
	return fmt.Sprintf("all %d files are", n)
}

func are(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// mirrorState is the state of a run that only probed.
func (t *text) mirrorState() string {
	n := 0
	for _, m := range t.r.Mirrors {
		if m.State == Healthy || m.State == Slow {
			n++
		}
	}
	return fmt.Sprintf("%d of %s can be used (%s)", n, count(len(t.r.Mirrors), "mirror"), Millis(t.r.Totals.MS))
}

// chainInBrief is the chain in one line, with the mirrors that fail.
func (t *text) chainInBrief() {
	if t.r.Choice.Chain == "" {
		return
	}
	text := failure.Plain(t.r.Choice.Chain)
	for _, m := range t.r.Mirrors {
		if m.State == Failing {
			text += "; " + failure.Plain(m.URL) + " is failing (" + m.Class.Title() + ")"
		}
	}
	t.emit(span{"chain: ", bold}, span{text: text})
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
		var codes []string
		for _, code := range sorted(t.r.StatusCodes[mirror]) {
			codes = append(codes, fmt.Sprintf("%d × %s", t.r.StatusCodes[mirror][code], failure.Neutral(code)))
		}
		t.prose(span{"  answers of ", dim}, failure.Plain(mirror)+": "+strings.Join(codes, ", "), 4)
	}
	if len(t.r.Hosts) > 0 {
		hosts := make([]string, len(t.r.Hosts))
		for i, h := range t.r.Hosts {
			hosts[i] = failure.Plain(h)
		}
		t.prose(span{"  hosts: ", dim}, strings.Join(hosts, ", "), 4)
	}
}
