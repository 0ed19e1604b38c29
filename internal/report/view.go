package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/failure"
)

// view is a result as renderings look at it: every rule about what a result
// means stands here, in groups.go and in origins.go, for all of them. Its texts
// are neutral, not yet escaped for any format.
type view struct {
	r     *Result
	tally tally
}

func viewOf(r *Result) view { return view{r, tallyOf(r)} }

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

// idle reports whether the run found everything in place. Of a preflight the
// table of mirrors is what is wanted.
func (v *view) idle() bool {
	return v.r.Outcome == OK && !v.r.Interrupted && !v.r.Preflight && len(v.r.Cache.Rejected) == 0 && v.tally.present == v.tally.all
}

// audit reports whether the run only looked at the module cache: it has no
// chain.
func (v *view) audit() bool {
	return v.chainless() && !v.restoring() && v.r.Cache.Saved == nil
}

func (v *view) chainless() bool { return v.r.Choice.Configured == "" && v.r.Choice.Chain == "" }

// verdict is the outcome in a word or two, and whether that is good.
func (v *view) verdict() (string, style) {
	switch {
	case v.r.Interrupted:
		return "interrupted", yellow
	case v.r.Cache.Saved != nil && v.r.Cache.Saved.Failed:
		return "nothing saved", yellow
	case v.unrestored() && v.tally.cached == 0:
		return "nothing restored", yellow
	case v.unrestored():
		return "restored in part", yellow
	case v.r.Outcome == OK:
		return "ok", green
	case v.r.Outcome == NotReady:
		return "not ready", red
	case v.r.Outcome == Integrity:
		return "integrity failure", red
	case v.r.Outcome == Settings:
		return "cannot run", red
	}
	return "incomplete", red
}

// says returns what became of the run in one clause, and a remark on a good run.
func (v *view) says() (clause, remark string) {
	message := strings.TrimSuffix(strings.TrimPrefix(failure.Plain(v.r.Message), "interrupted: "), ".")
	var says []string
	if v.r.Outcome != OK || v.r.Interrupted {
		says = append(says, message)
		message = ""
	}
	if v.r.Outcome != Settings {
		says = append(says, v.state())
	}
	says = slices.DeleteFunc(says, func(s string) bool { return s == "" })
	return strings.Join(says, "; "), message
}

// state says in one clause what the module cache holds now.
func (v *view) state() string {
	c, all := v.tally, count(v.tally.all, "file")
	took := Millis(v.r.Totals.MS)
	switch {
	case v.r.Cache.Saved != nil:
		return v.saveState()
	case v.restoring() && v.r.Outcome == OK:
		return v.restoreState()
	case v.r.Preflight:
		return v.mirrorState()
	case c.all == 0 && v.r.Outcome == OK && v.audit():
		return "nothing to verify"
	case c.all == 0 && v.r.Outcome == OK:
		return "nothing is needed"
	case c.all == 0:
		return ""
	case v.audit() && c.failed == 0:
		return fmt.Sprintf("%s in the module cache, each as go.sum says (%s)", all, took)
	case v.audit():
		return fmt.Sprintf("%d of %s in the module cache %s as go.sum says (%s)", c.there(), all, are(c.there()), took)
	case v.idle():
		return fmt.Sprintf("%s in the module cache, nothing to fetch (%s)", every(c.all), took)
	}
	s := fmt.Sprintf("%d of %s %s in the module cache", c.there(), all, are(c.there()))
	if c.there() == c.all {
		s = every(c.all) + " in the module cache"
	}
	if c.deferred > 0 {
		s += fmt.Sprintf(", %d left to the go command", c.deferred)
	}
	if v.r.Interrupted {
		s += ", the next run goes on from there"
	}
	if v.r.Totals.Bytes > 0 {
		return s + fmt.Sprintf(" (%s in %s)", Bytes(v.r.Totals.Bytes), took)
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
func (v *view) mirrorState() string {
	n := 0
	for _, m := range v.r.Mirrors {
		if m.State == Healthy || m.State == Slow {
			n++
		}
	}
	return fmt.Sprintf("%d of %s can be used (%s)", n, count(len(v.r.Mirrors), "mirror"), Millis(v.r.Totals.MS))
}

// restoring reports whether the run only restored from the cache: it has no
// chain, but a cache, or the reason why it has none.
func (v *view) restoring() bool {
	c := v.r.Cache
	return v.chainless() && (c.used() || c.Reason != "") && c.Saved == nil
}

// unrestored reports whether such a run brought less than it should have, for a
// reason other than that the cache has no more.
func (v *view) unrestored() bool {
	return v.restoring() && v.r.Outcome == OK && v.r.Cache.Reason != "" && v.r.Message != ""
}

// restoreState is the state of a run that only restored.
func (v *view) restoreState() string {
	c := v.r.Cache
	if v.unrestored() && v.tally.cached == 0 {
		return "cache " + failure.Plain(c.Store) + ": " + failure.Plain(c.Reason)
	}
	s := fmt.Sprintf("%s from the cache %s", count(v.tally.cached, "file"), failure.Plain(c.Store))
	if v.tally.present > 0 {
		s += fmt.Sprintf(", %d there already", v.tally.present)
	}
	if v.tally.deferred > 0 {
		s += fmt.Sprintf(", %d left to the go command", v.tally.deferred)
	}
	if c.Bytes > 0 {
		return s + fmt.Sprintf(" (%s in %s)", Bytes(c.Bytes), Millis(v.r.Totals.MS))
	}
	return s + " (" + Millis(v.r.Totals.MS) + ")"
}

// saveState is the state of a run that saved.
func (v *view) saveState() string {
	if s := v.r.Cache.Saved; s.Failed && !v.r.Interrupted {
		return "cache " + failure.Plain(v.r.Cache.Store) + ": " + unsaved(s) // the verdict says the rest
	}
	return saving(v.r.Cache.Store, v.r.Cache.Saved, v.r.Totals.MS)
}

// unsaved is why nothing was saved and what to do about it.
func unsaved(s *Saved) string {
	text := strings.TrimSuffix(failure.Plain(s.Reason), ".")
	if s.Fix != "" {
		text += "; " + failure.Plain(s.Fix)
	}
	return text
}

// saving says what a save that took ms added to a store.
func saving(store string, s *Saved, ms float64) string {
	store = failure.Plain(store)
	if s.Reason != "" {
		return fmt.Sprintf("nothing saved to the cache %s: %s", store, unsaved(s))
	}
	parts := []string{}
	switch {
	case s.Layers == 0:
		parts = append(parts, "a new index saved to the cache "+store)
	default:
		parts = append(parts, fmt.Sprintf("%s in %s saved to the cache %s", count(s.Files, "file"), count(s.Layers, "layer"), store))
	}
	if s.Kept > 0 {
		parts = append(parts, fmt.Sprintf("%s of earlier saves kept", count(s.Kept, "layer")))
	}
	if s.Compact {
		parts = append(parts, "earlier layers written anew")
	}
	return strings.Join(parts, ", ") + fmt.Sprintf(" (%s in %s)", Bytes(s.Bytes), Millis(ms))
}

// chainInBrief is the chain in one line, with the mirrors that fail.
func (v *view) chainInBrief() string {
	text := failure.Plain(v.r.Choice.Chain)
	for _, m := range v.r.Mirrors {
		if m.State == Failing {
			text += "; " + failure.Plain(m.URL) + " is failing (" + m.Class.Title() + ")"
		}
	}
	return text
}

// answers lists how often a mirror gave which status code.
func answers(codes map[string]int) string {
	var list []string
	for _, code := range sorted(codes) {
		list = append(list, fmt.Sprintf("%d × %s", codes[code], failure.Neutral(code)))
	}
	return strings.Join(list, ", ")
}
