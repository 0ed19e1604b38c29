package worklist

import (
	"path"
	"path/filepath"

	"github.com/modferry/modferry/internal/imports"
)

// follows adds the import graph of the unit to the list, or says why it cannot be
// followed: then every module that go.mod requires is needed.
func (n *needs) follows() {
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
	g := imports.New(n.opts.Contexts(m.goLine(), n.flags.tags), candidates)
	for _, dir := range dirs {
		rel, err := filepath.Rel(m.dir, dir)
		if err == nil {
			g.Root(path.Join(m.path(), filepath.ToSlash(rel)), true)
		}
	}
	for _, t := range m.parsed.Tool { // go tool in a later step must not wait
		g.Root(t.Path, false)
	}
	n.list.Graphs = append(n.list.Graphs, g)
}
