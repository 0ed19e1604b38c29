package report

import (
	"fmt"

	"github.com/modferry/modferry/internal/failure"
)

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
	t.prose(span{text: "  "}, refused(c)+":", 4)
	for i, r := range c.Rejected {
		if i == few && !t.verbose {
			t.prose(span{"  - ", dim}, fmt.Sprintf("and %d more", len(c.Rejected)-few), 4)
			break
		}
		t.prose(span{"  - ", dim}, failure.Plain(r), 4)
	}
}

// refused says what a cache held and was not let in.
func refused(c Cache) string {
	return fmt.Sprintf("%s of %s not let into the module cache; the next save leaves the layer behind", count(len(c.Rejected), "file"), failure.Plain(c.Store))
}
