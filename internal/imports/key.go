package imports

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
)

// Key stands for everything that decides what is needed, before any module has
// arrived: what the packages of the checkout import from elsewhere or may have from
// there, which modules may provide it, and the contexts. Equal keys need equal
// modules. It is "" when there is none: packages of a directory that replaces a
// module may come to be imported by others only later.
func (g *Graph) Key() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var lines []string
	local := 0
	for _, c := range g.modules {
		if c.Local != nil {
			local++
			continue
		}
		lines = append(lines, "module "+c.Path+" "+c.Module.String())
	}
	if local > 1 {
		return ""
	}
	for _, p := range g.packages {
		switch {
		case p == nil || p.want == 0:
		case p.from == nil:
			lines = append(lines, fmt.Sprintf("package %s %x", p.path, p.want))
		case slices.ContainsFunc(p.candidates, func(c *candidate) bool { return c.Local == nil }):
			lines = append(lines, "own package "+p.path) // a module is needed to see whether it has it, too
		}
	}
	for i, c := range g.contexts.All {
		lines = append(lines, fmt.Sprintf("context %d %+v", i, c))
	}
	slices.Sort(lines)
	h := sha256.New()
	for _, line := range lines {
		fmt.Fprintf(h, "%q\n", line)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
