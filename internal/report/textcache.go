package report

import (
	"fmt"
	"strings"

	"github.com/modferry/modferry/internal/failure"
)

// restoring reports whether the run only restored from the cache: it has no
// chain, but a cache.
func (t *text) restoring() bool {
	return t.chainless() && t.r.Cache.used() && t.r.Cache.Saved == nil
}

// used reports whether a cache was asked, or was to be.
func (c Cache) used() bool { return c.Store != "off" && c.Store != "" }

// cacheTrouble writes what the cache held and was not let in, and why it
// brought less than it might.
func (t *text) cacheTrouble() {
	c := t.r.Cache
	if len(c.Rejected) == 0 && (c.Reason == "" || t.idle()) {
		return
	}
	t.heading("Cache")
	if c.Reason != "" {
		t.prose(span{text: "  "}, failure.Plain(c.Store)+": "+failure.Plain(c.Reason), 4)
	}
	if len(c.Rejected) == 0 {
		return
	}
	t.prose(span{text: "  "}, fmt.Sprintf("%s of %s not let into the module cache; the next save leaves the layer behind:", count(len(c.Rejected), "file"), failure.Plain(c.Store)), 4)
	const most = 5
	for i, r := range c.Rejected {
		if i == most && !t.verbose {
			t.prose(span{"  - ", dim}, fmt.Sprintf("and %d more", len(c.Rejected)-most), 4)
			break
		}
		t.prose(span{"  - ", dim}, failure.Plain(r), 4)
	}
}

// restoreState is the state of a run that only restored.
func (t *text) restoreState() string {
	c := t.r.Cache
	s := fmt.Sprintf("%s from the cache %s", count(t.tally.cached, "file"), failure.Plain(c.Store))
	if t.tally.present > 0 {
		s += fmt.Sprintf(", %d there already", t.tally.present)
	}
	if t.tally.deferred > 0 {
		s += fmt.Sprintf(", %d left to the go command", t.tally.deferred)
	}
	if c.Bytes > 0 {
		return s + fmt.Sprintf(" (%s in %s)", Bytes(c.Bytes), Millis(t.r.Totals.MS))
	}
	return s + " (" + Millis(t.r.Totals.MS) + ")"
}

// saveState is the state of a run that saved.
func (t *text) saveState() string {
	c, s := t.r.Cache, t.r.Cache.Saved
	store := failure.Plain(c.Store)
	if s.Reason != "" {
		return fmt.Sprintf("nothing saved to the cache %s: %s", store, failure.Plain(s.Reason))
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
	return strings.Join(parts, ", ") + fmt.Sprintf(" (%s in %s)", Bytes(s.Bytes), Millis(t.r.Totals.MS))
}
