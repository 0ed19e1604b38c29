package buildlist

import (
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// revisit is what the rounds of a workspace remember. Its members were made
// without each other: what they list of a dependency is not enough for the
// higher version that another member selects, so that is looked at as well.
type revisit struct {
	paths map[string]bool         // whose selected versions are looked at
	seen  map[module.Version]bool // and those that were
}

func (r *revisit) add(m module.Version) {
	if r.paths == nil {
		r.paths, r.seen = make(map[string]bool), make(map[module.Version]bool)
	}
	r.paths[m.Path], r.seen[m] = true, true
}

// revisitRaised visits modules that were selected at higher versions than a
// module looked at requires, and reports whether there were any.
func (g *Graph) revisitRaised() bool {
	raised := make(map[module.Version]bool)
	for path := range g.revisit.paths {
		m := module.Version{Path: path, Version: g.selected[path]} // "" is a main module
		if !g.revisit.seen[m] {
			raised[m] = true
			continue
		}
		f, _ := g.file(m)
		if f == nil {
			f = new(goMod)
		}
		g.grow(size{steps: 1 + len(f.requires)})
		for _, r := range f.requires {
			s := module.Version{Path: r.Path, Version: g.selected[r.Path]}
			if semver.Compare(s.Version, r.Version) > 0 && !g.revisit.seen[s] {
				raised[s] = true
			}
		}
	}
	for m := range raised {
		g.visit(visit{m, workspacePruned})
		g.revisit.add(m)
	}
	return len(raised) > 0
}
