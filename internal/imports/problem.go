package imports

import (
	"slices"
	"strings"
)

// Problem is an import that the go command refuses.
type Problem struct {
	Package string   // import path
	By      string   // a package that imports it, "" for one that is to be built itself
	Own     bool     // By is a package of the checkout
	Modules []string // paths: of those that have it when Ambiguous, else of those that might
	// Ambiguous says that several modules have the package; otherwise none has.
	Ambiguous bool
}

// Problems are the imports that the go command refuses in each of the job's own
// contexts (Contexts.Own), in order of the packages. What waits for a module that is
// absent is none, nor is what the checkout itself may come to have when its code is
// generated, nor what the standard library may have.
func (g *Graph) Problems() []Problem {
	g.mu.Lock()
	defer g.mu.Unlock()
	own := first(g.contexts.Own)
	var all []Problem
	for _, p := range g.packages {
		if p == nil || p.want&own != own || maybeStandard(p.path) {
			continue
		}
		x := Problem{Package: p.path}
		if p.by != nil {
			x.By, x.Own = p.by.path, p.by.from != nil && p.by.from.Local != nil
		}
		switch {
		case p.also != nil:
			x.Ambiguous = true
			x.Modules = []string{p.from.Path, p.also.Path}
		case p.from != nil || slices.ContainsFunc(p.candidates, func(c *candidate) bool { return c.files == nil || c.Local != nil }):
			continue
		default:
			for _, c := range p.candidates {
				x.Modules = append(x.Modules, c.Path)
			}
		}
		all = append(all, x)
	}
	slices.SortFunc(all, func(a, b Problem) int { return strings.Compare(a.Package, b.Package) })
	return all
}
