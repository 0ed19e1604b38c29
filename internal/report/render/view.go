// Package render decides what a result says, once for every rendering: which
// sections there are, in which words, and what stands in their tables.
//
// Its texts are neutral (see failure.Plain), but not yet escaped for any format.
package render

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
)

// View is a result as renderings look at it.
type View struct {
	Result *report.Result
	Tally  tally
	causes []*group // of what could not be obtained
}

// Of looks at a result, which must not change from then on.
func Of(r *report.Result) *View { return &View{r, TallyOf(r), failed(r)} }

// tally counts the entries of a result by what became of them.
type tally struct {
	All, Present, Cached, Fetched, Deferred, Failed int
}

// TallyOf counts the files of r.
func TallyOf(r *report.Result) tally {
	var c tally
	for _, m := range r.Modules {
		c.add(m.Source)
	}
	return c
}

func (c *tally) add(source string) {
	c.All++
	switch source {
	case report.FromPresent:
		c.Present++
	case report.FromCache:
		c.Cached++
	case report.FromMirror:
		c.Fetched++
	case report.FromDeferred:
		c.Deferred++
	default:
		c.Failed++
	}
}

// there is the number of files that the module cache holds.
func (c tally) there() int { return c.Present + c.Cached + c.Fetched }

// Idle reports whether the run found everything in place. Of a preflight the
// table of mirrors is what is wanted.
func (v *View) Idle() bool {
	return v.Result.Outcome == report.OK && !v.Result.Interrupted && !v.Result.Preflight && len(v.Result.Cache.Rejected) == 0 && v.Tally.Present == v.Tally.All
}

// Audit reports whether the run only looked at the module cache: it has no
// chain.
func (v *View) Audit() bool {
	return v.chainless() && !v.Restoring() && v.Result.Cache.Saved == nil
}

func (v *View) chainless() bool {
	return v.Result.Choice.Configured == "" && v.Result.Choice.Chain == ""
}

// Verdict is the outcome in a word or two, and whether that is good.
func (v *View) Verdict() (string, Tone) {
	switch {
	case v.Result.Interrupted:
		return "interrupted", Fair
	case v.Result.Cache.Saved != nil && v.Result.Cache.Saved.Failed:
		return "nothing saved", Fair
	case v.unrestored() && v.Tally.Cached == 0:
		return "nothing restored", Fair
	case v.unrestored():
		return "restored in part", Fair
	case v.Result.Outcome == report.OK && v.Result.ExitCode != 0:
		return fmt.Sprintf("the command failed with exit code %d", v.Result.ExitCode), Bad
	case v.Result.Outcome == report.OK:
		return "ok", Good
	case v.Result.Outcome == report.NotReady:
		return "not ready", Bad
	case v.Result.Outcome == report.Integrity:
		return "integrity failure", Bad
	case v.Result.Outcome == report.Settings:
		return "cannot run", Bad
	}
	return "incomplete", Bad
}

// Says returns what became of the run in one clause, and a remark on a good run.
// That of a failed run begins with the cause when there is one.
func (v *View) Says() (clause, remark string) {
	message := v.message()
	var says []string
	switch {
	case v.cause() != "":
		says, message = []string{v.cause()}, ""
	case v.reasons() > 0:
		message = ""
	case v.Result.Outcome != report.OK || v.Result.Interrupted:
		says, message = []string{message}, ""
	}
	if v.Result.Outcome != report.Settings {
		says = append(says, v.state())
	}
	says = slices.DeleteFunc(says, func(s string) bool { return s == "" })
	return strings.Join(says, "; "), message
}

// message is what the run itself says became of it, unless the verdict says as much: the
// words for an interrupt are those of os/signal.
func (v *View) message() string {
	text := strings.TrimSuffix(strings.TrimPrefix(failure.Plain(v.Result.Message), "interrupted: "), ".")
	if v.Result.Interrupted && text == "interrupt signal received" {
		return ""
	}
	return text
}

// reasons is how many causes a failed run has, 0 where its message says more.
func (v *View) reasons() int {
	if v.Result.Interrupted || v.Audit() || v.Result.Outcome != report.Incomplete && v.Result.Outcome != report.Integrity {
		return 0
	}
	return len(v.causes)
}

func (v *View) state() string {
	c, all := v.Tally, report.Count(v.Tally.All, "file")
	took := report.Millis(v.Result.Totals.MS)
	switch {
	case v.Result.Cache.Saved != nil:
		return v.saveState()
	case v.Restoring() && v.Result.Outcome == report.OK:
		return v.restoreState()
	case v.Result.Preflight && v.Result.Interrupted:
		return fmt.Sprintf("the preflight was not finished (%s)", took)
	case v.Result.Preflight:
		return v.MirrorState()
	case c.All == 0 && v.Result.Outcome == report.OK && v.Audit():
		return "nothing to verify"
	case c.All == 0 && v.Result.Interrupted:
		return v.Missing()
	case c.All == 0 && v.Result.Outcome == report.OK && v.Result.ExitCode != 0:
		return "nothing was downloaded"
	case c.All == 0 && v.Result.Outcome == report.OK:
		return "nothing is needed"
	case c.All == 0:
		return ""
	case v.Audit() && c.Failed == 0:
		return fmt.Sprintf("%s in the module cache, each as go.sum says (%s)", all, took)
	case v.Audit():
		return fmt.Sprintf("%d of %s %s as go.sum says (%s)", c.there(), all, are(c.there()), took)
	case v.Result.Outcome == report.OK || v.Result.Outcome == report.NotReady:
		return v.brief()
	}
	text := v.Missing()
	if n := v.reasons(); n > 1 {
		text += fmt.Sprintf(", for %d reasons", n)
	}
	return text
}

// within is " (22.3 MB in 4.9 s)", without a size where nothing was transferred.
func within(bytes int64, ms float64) string {
	if bytes > 0 {
		return fmt.Sprintf(" (%s in %s)", report.Bytes(bytes), report.Millis(ms))
	}
	return " (" + report.Millis(ms) + ")"
}

func are(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// MirrorState is the state of a run that only probed.
func (v *View) MirrorState() string {
	n := 0
	for _, m := range v.Result.Mirrors {
		if m.State == report.Healthy || m.State == report.Slow {
			n++
		}
	}
	return fmt.Sprintf("%d of %s can be used (%s)", n, report.Count(len(v.Result.Mirrors), "mirror"), report.Millis(v.Result.Totals.MS))
}

// Restoring reports whether the run only restored from the cache: it has no
// chain, but a cache, or the reason why it has none.
func (v *View) Restoring() bool {
	c := v.Result.Cache
	return v.chainless() && (c.Used() || c.Reason != "") && c.Saved == nil
}

// unrestored reports whether such a run brought less than it should have, for a
// reason other than that the cache has no more.
func (v *View) unrestored() bool {
	return v.Restoring() && v.Result.Outcome == report.OK && v.Result.Cache.Reason != "" && v.Result.Message != ""
}

func (v *View) restoreState() string {
	c := v.Result.Cache
	if v.unrestored() && v.Tally.Cached == 0 {
		return "cache " + failure.Plain(c.Store) + ": " + failure.Plain(c.Reason)
	}
	s := fmt.Sprintf("%s from the cache %s", report.Count(v.Tally.Cached, "file"), failure.Plain(c.Store))
	if v.Tally.Present > 0 {
		s += fmt.Sprintf(", %d there already", v.Tally.Present)
	}
	return s + within(c.Bytes, v.Result.Totals.MS)
}

func (v *View) saveState() string {
	if s := v.Result.Cache.Saved; s.Failed && !v.Result.Interrupted {
		return "cache " + failure.Plain(v.Result.Cache.Store) + ": " + unsaved(s) // the verdict says the rest
	}
	return Saving(v.Result.Cache.Store, v.Result.Cache.Saved, v.Result.Totals.MS)
}

func unsaved(s *report.Saved) string {
	text := strings.TrimSuffix(failure.Plain(s.Reason), ".")
	if s.Fix != "" {
		text += "; " + failure.Plain(s.Fix)
	}
	return text
}

// Saving says what a save that took ms added to a store.
func Saving(store string, s *report.Saved, ms float64) string {
	store = failure.Plain(store)
	if s.Reason != "" {
		return fmt.Sprintf("nothing saved to the cache %s: %s", store, unsaved(s))
	}
	parts := []string{"a new index saved to the cache " + store}
	if s.Layers > 0 {
		parts[0] = fmt.Sprintf("%s in %s saved to the cache %s", report.Count(s.Files, "file"), report.Count(s.Layers, "layer"), store)
	}
	if s.Kept > 0 {
		parts = append(parts, fmt.Sprintf("%s of earlier saves kept", report.Count(s.Kept, "layer")))
	}
	if s.Compact {
		parts = append(parts, "earlier layers rewritten")
	}
	return strings.Join(parts, ", ") + within(s.Bytes, ms)
}

func answers(codes map[string]int) string {
	var list []string
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		list = append(list, fmt.Sprintf("%d × %s", codes[code], failure.Neutral(code)))
	}
	return strings.Join(list, ", ")
}

// Count is a number of files and what became of them.
type Count struct {
	N    int
	What string
}

// Counts is how many files had which fate, those left out that none had.
func (v *View) Counts() []Count {
	counts := v.Tally.counts()
	for i := range counts {
		if counts[i].What == "missing" {
			counts[i].What = v.lacking()
		}
	}
	return counts
}

// lacking is what a file that failed is: a run that only looks at the module cache
// finds its files there, with other bytes.
func (v *View) lacking() string {
	if v.Audit() {
		return "different"
	}
	return "missing"
}

// Modules is how many modules had which fate, all of them first.
func (v *View) Modules() []Count {
	c := v.modules()
	if c.All == 0 {
		return nil
	}
	return append([]Count{{c.All, "modules"}}, c.counts()...)
}

func (c tally) counts() []Count {
	return slices.DeleteFunc([]Count{
		{c.Present, "there already"}, {c.Cached, "from the cache"}, {c.Fetched, "downloaded"},
		{c.Deferred, "left to the go command"}, {c.Failed, "missing"},
	}, func(c Count) bool { return c.N == 0 })
}
