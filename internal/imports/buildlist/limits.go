package buildlist

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/module"
)

// size is how much of a graph there is.
type size struct {
	files        int
	bytes        int // of go.mod files
	requirements int // kept in memory
	steps        int // from a module to one that it requires: the work
}

// limits are far above what projects have (hugo and cli in one workspace: 900
// files, 260 kB, 5,000 requirements, 7,000 steps), since whoever writes a go.mod
// decides how large the graph is.
var limits = size{files: 20_000, bytes: 32 << 20, requirements: 500_000, steps: 2_000_000}

// maxFile is in bytes: what a file is before it is parsed.
const maxFile = 1 << 20

// grow takes note that there is more of the graph, and reports whether that is
// still within the limits. Beyond them nothing more is read.
func (g *Graph) grow(by size) bool {
	for _, part := range [...]struct {
		sum       *int
		by, limit int
		of        string
	}{
		{&g.size.files, by.files, g.limits.files, "go.mod files"},
		{&g.size.bytes, by.bytes, g.limits.bytes, "bytes of go.mod files"},
		{&g.size.requirements, by.requirements, g.limits.requirements, "requirements"},
		{&g.size.steps, by.steps, g.limits.steps, "steps"},
	} {
		*part.sum += part.by
		if *part.sum > part.limit && g.tooLarge == nil {
			g.tooLarge = fmt.Errorf("the module graph has more than %d %s", part.limit, part.of)
		}
	}
	return g.tooLarge == nil
}

// name is a module or directory for messages.
func name(m module.Version) string { return plain(m.String()) }

// plain makes a text of a go.mod file fit for a message.
func plain(text string) string {
	const limit = 200
	if len(text) > limit {
		text = text[:limit] + "…"
	}
	var b strings.Builder
	for _, r := range text {
		if strconv.IsPrint(r) {
			b.WriteRune(r)
		} else {
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
	}
	return b.String()
}
