package report

import (
	"fmt"
	"strings"

	"github.com/modferry/modferry/internal/failure"
)

// restoring reports whether the run only restored from the cache: it has no
// chain, but a cache.
func (t *text) restoring() bool {
	return t.chainless() && t.r.Cache.Store != "off" && t.r.Cache.Saved == nil
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
