package markdown

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/render"
)

// dropped are the blocks in the order in which they are left out when there is
// no room for all: the IDs of sections, and what a note calls them.
var dropped = []struct{ id, named string }{
	{"downloads", "the list of downloads"},
	{"course", "the status codes over the run"},
	{"spreads", "the durations of requests"},
	{"slowest", "the slowest downloads"},
	{"steps", "which steps asked"},
	{"notes", "notes"},
	{"settings", "the settings"},
	{"deferred", "what is left to the go command"},
	{"retried", "recovered failures"},
	{failedFiles, "the list of files that failed"},
	{"answers", "status codes"},
	{"cache", "the cache"},
	{"origins", "where the files came from"},
	{"mirrors", "the mirrors"},
	{"chain", "the chain"},
	{"why", "why it took so long"},
	{"findings", "remarks"},
	{"hosts", "the hosts contacted"},
	{failureGroups, ""}, // counted
	{outcomeText, "what became of the run"},
}

// The blocks that are no sections; the heading and the ends of the details are never
// dropped.
const (
	heading       = "heading"
	bounds        = "bounds"
	outcomeText   = "outcome"
	failureGroups = "failures"
	failedFiles   = "files that failed"
)

func rank(id string) int {
	if i := slices.IndexFunc(dropped, func(d struct{ id, named string }) bool { return d.id == id }); i >= 0 {
		return i
	}
	return len(dropped)
}

// block is a piece of Markdown that makes sense without the others. It ends
// with the end of a line.
type block struct{ id, text string }

type page struct{ blocks []block }

func (p *page) add(id, text string) {
	if text != "" {
		p.blocks = append(p.blocks, block{id, text})
	}
}

// within adds what do adds between the ends of details that somebody has to open; no
// ends where it adds nothing.
func (p *page) within(do func()) {
	p.add(bounds, "<details><summary>Details</summary>\n")
	n := len(p.blocks)
	if do(); len(p.blocks) == n {
		p.blocks = p.blocks[:n-1]
		return
	}
	p.add(bounds, "</details>\n")
}

// write writes the blocks, an empty line between them. When they are more than
// limit bytes, it drops some, the least important first and of equal ones the
// last first, and says so at the end.
func (p *page) write(w io.Writer, limit int) error {
	order := make([]int, len(p.blocks))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int {
		return cmp.Or(cmp.Compare(rank(p.blocks[i].id), rank(p.blocks[j].id)), cmp.Compare(j, i))
	})
	size := 0
	for _, b := range p.blocks {
		size += len(b.text) + 1
	}
	gone := map[string]int{}
	text := ""
	for size-1+len(text) > limit {
		i := order[0]
		if rank(p.blocks[i].id) == len(dropped) {
			return fmt.Errorf("write summary: found a limit of %d bytes, expected room for the outcome, %d bytes", limit, size-1+len(text))
		}
		order = order[1:]
		size -= len(p.blocks[i].text) + 1
		gone[p.blocks[i].id]++
		p.blocks[i].text = ""
		text = note(gone, limit)
	}
	var kept []string
	for _, b := range p.blocks {
		if b.text != "" {
			kept = append(kept, b.text)
		}
	}
	if _, err := io.WriteString(w, strings.Join(kept, "\n")+text); err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	return nil
}

// note says what was dropped, an empty line before it.
func note(gone map[string]int, limit int) string {
	var names []string
	for _, d := range dropped {
		switch n := gone[d.id]; {
		case n > 0 && d.id == failureGroups:
			names = append(names, report.Count(n, "group")+" of failures")
		case n > 0:
			names = append(names, d.named)
		}
	}
	return fmt.Sprintf("\n*Left out to stay within %s: %s. The result as JSON has everything.*\n", report.Bytes(int64(limit)), strings.Join(names, ", "))
}

func section(title, body string) string { return "### " + title + "\n\n" + body }

// fold returns a block of which only the title shows until somebody opens it.
func fold(title, body string) string {
	return "<details><summary>" + title + "</summary>\n\n" + body + "\n</details>\n"
}

func list(lines []string) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString("- " + l + "\n")
	}
	return b.String()
}

// signs are tones where there are no colours.
var signs = map[render.Tone]string{render.Quiet: "⚪", render.Good: "🟢", render.Fair: "🟡", render.Bad: "🔴"}
