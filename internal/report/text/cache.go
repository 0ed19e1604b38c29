package text

import (
	"fmt"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report/render"
)

// cacheTrouble writes what the cache held and was not let in, and why it
// brought less than it might.
func (t *text) cacheTrouble() {
	c := t.Result.Cache
	if len(c.Rejected) == 0 && (c.Reason == "" || t.Idle()) {
		return
	}
	t.Heading("Cache")
	if c.Reason != "" {
		t.Prose(Span{Text: "  "}, failure.Plain(c.Store)+": "+failure.Plain(c.Reason), 4)
	}
	if len(c.Rejected) == 0 {
		return
	}
	t.Prose(Span{Text: "  "}, render.Refused(c)+":", 4)
	for i, r := range c.Rejected {
		if i == render.Few && !t.verbose {
			t.Prose(Span{"  - ", dim}, fmt.Sprintf("and %d more", len(c.Rejected)-render.Few), 4)
			break
		}
		t.Prose(Span{"  - ", dim}, failure.Plain(r), 4)
	}
}
