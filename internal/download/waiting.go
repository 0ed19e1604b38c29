package download

import (
	"fmt"
	"time"

	"github.com/modferry/modferry/internal/session"
)

// asked is a mirror that an item waits for.
type asked struct {
	hop   *session.Hop
	since time.Time
}

// waiting notes which mirror an item waits for; nil for none.
func (e *Engine) waiting(it *Item, h *session.Hop) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if h == nil {
		delete(e.asked, it)
		return
	}
	a, ok := e.asked[it]
	if !ok {
		a.since = time.Now()
	}
	a.hop = h
	e.asked[it] = a
}

// tellAfter is the wait for one file from which on progress names it.
const tellAfter = 3 * time.Second

// awaited is what has been waited for longest, in words; "" when nothing takes
// long.
func (e *Engine) awaited() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var at *Item
	for it, a := range e.asked {
		if at == nil || a.since.Before(e.asked[at].since) {
			at = it
		}
	}
	if at == nil {
		return ""
	}
	since := time.Since(e.asked[at].since)
	if since < tellAfter {
		return ""
	}
	return fmt.Sprintf("%s %s from %s for %d s", at.Mod, at.Kind, e.asked[at].hop.Name(), int(since.Seconds()))
}
