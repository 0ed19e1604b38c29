package worklist

import (
	"path"
	"path/filepath"

	"github.com/modferry/modferry/internal/imports"
)

// Graphs are new import graphs, one for each main module, which tell which of the
// modules builds and tests read. There are none without Options.Contexts, and where
// there is a main module or workspace that may read every module: see Whole.
func (l *List) Graphs() []*imports.Graph {
	if len(l.Whole) > 0 {
		return nil
	}
	var all []*imports.Graph
	for _, graph := range l.graphs {
		all = append(all, graph())
	}
	return all
}

// follow adds the import graph of the unit to the list, or tells that there is none.
func (n *needs) follow() {
	if n.opts.Contexts == nil {
		return
	}
	if n.unit.whole() {
		n.list.Whole = append(n.list.Whole, n.rel(n.unit.dir))
		return
	}
	m := n.unit.mods[0]
	dirs := n.packages(m)
	if len(dirs) == 0 {
		n.list.Whole = append(n.list.Whole, n.rel(n.unit.dir))
		return
	}
	candidates := []imports.Candidate{{Path: m.path(), Local: moduleFiles{n.goFiles, m.dir}}}
	for _, r := range m.parsed.Require {
		if n.own[r.Mod.Path] || n.excluded[r.Mod] {
			continue
		}
		c := imports.Candidate{Path: r.Mod.Path, Module: r.Mod}
		if by, ok := n.replaced.find(r.Mod); ok {
			c.Module = by.to
			if by.isDir() {
				c.Local = moduleFiles{n.goFiles, by.to.Path}
			}
		}
		candidates = append(candidates, c)
	}
	contexts := n.opts.Contexts(m.goLine(), n.flags.tags)
	n.list.graphs = append(n.list.graphs, func() *imports.Graph {
		g := imports.New(contexts, candidates)
		for _, dir := range dirs {
			if rel, err := filepath.Rel(m.dir, dir); err == nil {
				g.Root(path.Join(m.path(), filepath.ToSlash(rel)), true)
			}
		}
		for _, t := range m.parsed.Tool { // go tool in a later step must not wait
			g.Root(t.Path, false)
		}
		return g
	})
}
