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

// detail says how much a block matters: the lower, the sooner it is dropped.
type detail int

// The order in which blocks are dropped when there is no room for all.
const (
	everyDownload detail = iota
	courseOfRun
	durationTable
	timings
	usedSettings
	leftToGo
	recoveredFailures
	furtherFiles
	statusCodes
	remarks
	fromCache
	whereFrom
	mirrorTable
	hostList
	chosenChain
	failureGroups
	outcomeText
	indispensable
)

// named is what a note calls n blocks that were dropped.
func (d detail) named(n int) string {
	switch d {
	case everyDownload:
		return "the list of downloads"
	case courseOfRun:
		return "the status codes over the run"
	case durationTable:
		return "the durations of requests"
	case timings:
		return "the slowest downloads"
	case usedSettings:
		return "the settings"
	case leftToGo:
		return "what is left to the go command"
	case recoveredFailures:
		return "recovered failures"
	case furtherFiles:
		return "further files that failed"
	case statusCodes:
		return "status codes"
	case remarks:
		return "findings"
	case fromCache:
		return "the cache"
	case whereFrom:
		return "where the files came from"
	case mirrorTable:
		return "the mirrors"
	case hostList:
		return "the hosts contacted"
	case chosenChain:
		return "the chain"
	case failureGroups:
		return report.Count(n, "group") + " of failures"
	}
	return "what became of the run"
}

// block is a piece of Markdown that makes sense without the others. It ends
// with the end of a line.
type block struct {
	detail detail
	text   string
}

// page collects blocks.
type page struct{ blocks []block }

func (p *page) add(d detail, text string) {
	if text != "" {
		p.blocks = append(p.blocks, block{d, text})
	}
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
		return cmp.Or(cmp.Compare(p.blocks[i].detail, p.blocks[j].detail), cmp.Compare(j, i))
	})
	size := 0
	for _, b := range p.blocks {
		size += len(b.text) + 1
	}
	dropped := map[detail]int{}
	text := ""
	for size-1+len(text) > limit {
		i := order[0]
		if p.blocks[i].detail == indispensable {
			return fmt.Errorf("write summary: found a limit of %d bytes, expected room for the outcome, %d bytes", limit, size-1+len(text))
		}
		order = order[1:]
		size -= len(p.blocks[i].text) + 1
		dropped[p.blocks[i].detail]++
		p.blocks[i].text = ""
		text = note(dropped, limit)
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
func note(dropped map[detail]int, limit int) string {
	var names []string
	for d := range indispensable {
		if n := dropped[d]; n > 0 {
			names = append(names, d.named(n))
		}
	}
	return fmt.Sprintf("\n*Left out to stay within %s: %s. The result as JSON has everything.*\n", report.Bytes(int64(limit)), strings.Join(names, ", "))
}

// section returns a block under a heading of its own.
func section(title, body string) string { return "### " + title + "\n\n" + body }

// fold returns a block of which only the title shows until somebody opens it.
func fold(title, body string) string {
	return "<details><summary>" + title + "</summary>\n\n" + body + "\n</details>\n"
}

// list returns escaped lines as a list.
func list(lines []string) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString("- " + l + "\n")
	}
	return b.String()
}

// sign is a tone where there are no colours.
func sign(t render.Tone) string {
	switch t {
	case render.Good:
		return "🟢"
	case render.Fair:
		return "🟡"
	case render.Bad:
		return "🔴"
	}
	return "⚪"
}
