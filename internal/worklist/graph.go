package worklist

import (
	"bytes"
	"path"
	"path/filepath"
	"slices"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/imports"
	"github.com/modferry/modferry/internal/imports/buildlist"
)

// Reading is how one main module or workspace comes to know which modules its
// builds and tests read.
type Reading struct {
	// Selection selects the versions of modules from their go.mod files. Nil for a
	// main module whose go.mod names every version: of go 1.17 or later.
	Selection *buildlist.Graph
	// Imports is the import graph over the modules selected, by path; without a
	// Selection nil is passed.
	Imports func(selected map[string]string) *imports.Graph
	// WholeGraph says that builds read every go.mod of the module graph.
	WholeGraph bool
	// GoMod reads the go.mod of a directory that Selection asks for: one that
	// replaces a module.
	GoMod func(dir string) ([]byte, error)
}

// Readings are new ones, one for each main module or workspace. There are none
// without Options.Contexts, and none when List.Bare is set.
func (l *List) Readings() []Reading {
	if l.Bare != "" {
		return nil
	}
	var all []Reading
	for _, start := range l.readings {
		all = append(all, start())
	}
	return all
}

// follow adds how the unit's imports are followed to the list.
func (n *needs) follow() {
	if n.opts.Contexts == nil || len(n.unit.mods) == 0 {
		return
	}
	dirs := map[*mainModule][]string{}
	some := false
	for _, m := range n.unit.mods {
		dirs[m] = n.packages(m)
		some = some || len(dirs[m]) > 0
	}
	if !some {
		n.list.Bare = n.unit.mods[0].file
		return
	}
	n.list.readings = append(n.list.readings, func() Reading {
		r := Reading{GoMod: func(dir string) ([]byte, error) { return n.read(filepath.Join(dir, "go.mod")) }}
		r.WholeGraph = n.unit.whole() || n.requiredByDirectory()
		if n.unit.whole() {
			r.Selection = n.selection()
		}
		r.Imports = func(selected map[string]string) *imports.Graph { return n.graph(dirs, selected) }
		return r
	})
}

// ReadsWholeGraph reports whether the go command reads every go.mod of the module
// graph once it has read this one, of a module that provides a package: it requires a
// main module, which the go command takes for too old (cmd/go modload/buildlist.go:
// spotCheckRoots).
func (l *List) ReadsWholeGraph(goMod []byte) bool {
	for _, m := range l.Mains {
		if m.Path == "" || !bytes.Contains(goMod, []byte(m.Path)) {
			continue
		}
		if f, err := modfile.ParseLax("go.mod", goMod, nil); err == nil && slices.ContainsFunc(f.Require, func(r *modfile.Require) bool { return r.Mod.Path == m.Path }) {
			return true
		}
	}
	return false
}

// requiredByDirectory is ReadsWholeGraph of the directories that replace modules.
func (n *needs) requiredByDirectory() bool {
	for _, r := range n.unit.mods[0].parsed.Require {
		by, ok := n.replaced.find(r.Mod)
		if !ok || !by.isDir() {
			continue
		}
		if data, err := n.read(filepath.Join(by.to.Path, "go.mod")); err == nil && n.list.ReadsWholeGraph(data) {
			return true
		}
	}
	return false
}

// selection is the selection of versions for a unit that is not pruned.
func (n *needs) selection() *buildlist.Graph {
	replace := func(m module.Version) module.Version {
		if by, ok := n.replaced.find(m); ok {
			return by.to
		}
		return m
	}
	var mains []buildlist.Main
	for _, m := range n.unit.mods {
		x := buildlist.Main{Path: m.path(), Go: m.goLine()}
		for _, r := range m.parsed.Require {
			x.Require = append(x.Require, r.Mod)
		}
		for _, e := range m.parsed.Exclude {
			x.Exclude = append(x.Exclude, e.Mod)
		}
		mains = append(mains, x)
	}
	if n.unit.work != nil {
		return buildlist.ForWorkspace(mains, replace)
	}
	return buildlist.ForModule(mains[0], replace)
}

// graph is the import graph of the unit. dirs are the directories of its packages;
// without a selection, go.mod names the versions.
func (n *needs) graph(dirs map[*mainModule][]string, selected map[string]string) *imports.Graph {
	var candidates []imports.Candidate
	for _, m := range n.unit.mods {
		candidates = append(candidates, imports.Candidate{Path: m.path(), Local: moduleFiles{n.goFiles, m.dir}})
	}
	add := func(m module.Version) {
		if n.own[m.Path] || n.excluded[m] {
			return
		}
		c := imports.Candidate{Path: m.Path, Module: m}
		if by, ok := n.replaced.find(m); ok {
			c.Module = by.to
			if by.isDir() {
				c.Local = moduleFiles{n.goFiles, by.to.Path}
			}
		}
		candidates = append(candidates, c)
	}
	for path, version := range selected {
		add(module.Version{Path: path, Version: version})
	}
	if selected == nil {
		for _, r := range n.unit.mods[0].parsed.Require {
			add(r.Mod)
		}
	}
	contexts := n.opts.Contexts(n.unit.goLine(), n.flags.tags)
	g := imports.New(contexts, candidates)
	for _, m := range n.unit.mods {
		for _, dir := range dirs[m] {
			if !slices.ContainsFunc(n.goFiles.dir(dir).files, contexts.Build) {
				continue // no package of a pattern (cmd/go modload/search.go: matchPackages)
			}
			if rel, err := filepath.Rel(m.dir, dir); err == nil {
				g.Root(path.Join(m.path(), filepath.ToSlash(rel)), true)
			}
		}
		for _, t := range m.parsed.Tool { // go tool in a later step must not wait
			g.Root(t.Path, false)
		}
	}
	return g
}

// ImportFindings are the imports of a graph that the go command refuses.
func ImportFindings(g *imports.Graph) []finding.Finding {
	var all []finding.Finding
	for _, p := range g.Problems() {
		f := finding.Finding{Check: "import-not-required", Severity: finding.Error, Found: plain(p.Package)}
		by := "the checkout"
		if p.By != "" {
			by = plain(p.By)
		}
		switch {
		case p.Ambiguous:
			f.Check = "import-ambiguous"
			f.Effect = by + " imports it, and both " + plain(p.Modules[0]) + " and " + plain(p.Modules[1]) + " have it: builds fail with “ambiguous import”."
			f.Fix = "go get a version of one of them that no longer has the package, or exclude it"
		case len(p.Modules) > 0:
			f.Effect = by + " imports it, and the required version of " + plain(p.Modules[0]) + " does not have it: builds fail with “no required module provides package”."
			f.Fix = "go mod tidy"
		case p.Own || p.By == "":
			continue // told when the checkout was read
		default:
			f.Effect = by + " imports it, and go.mod requires no module that could have it: builds fail with “updates to go.mod needed” or “no required module provides package”."
			f.Fix = "go mod tidy"
		}
		all = append(all, f)
	}
	return all
}
