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
// generated, nor what the standard library may have, nor what only files imported that
// others have replaced.
func (g *Graph) Problems() []Problem {
	g.mu.Lock()
	defer g.mu.Unlock()
	own := first(g.contexts.Own)
	var all []Problem
	for p, r := range g.reach(own) {
		if r.in != own || maybeStandard(p.path) {
			continue
		}
		x := Problem{Package: p.path}
		if r.by != nil {
			x.By, x.Own = r.by.path, r.by.from.Local != nil
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

// reached is how builds come to read a package.
type reached struct {
	in set  // the contexts
	by *pkg // the first that imports it, nil for one that is built
}

// reach are the packages that builds in the contexts read, as far as the files tell
// that there are now.
func (g *Graph) reach(in set) map[*pkg]reached {
	var queue []*pkg
	all := map[*pkg]reached{}
	for _, p := range g.packages {
		if p != nil && p.built {
			queue = append(queue, p)
			all[p] = reached{in: in}
		}
	}
	slices.SortFunc(queue, func(a, b *pkg) int { return strings.Compare(a.path, b.path) })
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		for i := range p.files {
			f := &p.files[i]
			among := all[p].in
			if f.Test {
				among &= p.wantTests
			}
			among = g.contexts.admits(f, among)
			for _, importPath := range f.Imports {
				q := g.packages[importPath]
				r, again := all[q]
				if q == nil || among&^r.in == 0 {
					continue
				}
				if !again {
					r.by = p
				}
				r.in |= among
				all[q] = r
				queue = append(queue, q)
			}
		}
	}
	return all
}
