package buildlist

import (
	"fmt"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// pruning is how far the requirements of a module are followed.
type pruning uint8

const (
	pruned          pruning = iota // not, unless it is unpruned itself
	unpruned                       // to the end
	workspacePruned                // one step, further where that leads to an unpruned one
)

// visit is one reason to look at a module. There may be several.
type visit struct {
	module  module.Version // before replacement
	pruning pruning
}

// start visits what a main module requires.
func (g *Graph) start(path string) {
	if g.workspace {
		g.visit(visit{module.Version{Path: path}, workspacePruned})
		g.revisit.add(module.Version{Path: path})
		return
	}
	main, how := g.mains[path], pruned
	if main.unpruned {
		how = unpruned
	}
	for _, r := range main.requires {
		g.note(r)
		g.visit(visit{r, how})
	}
}

func (g *Graph) visit(v visit) {
	if !g.visited[v] {
		g.visited[v] = true
		g.queue = append(g.queue, v)
	}
}

// run makes all visits that wait for no file. In a workspace the next round of
// revisits must not begin before all answers of this one are there, since it
// depends on the versions selected by then.
func (g *Graph) run() {
	for g.tooLarge == nil {
		for len(g.queue) > 0 && g.tooLarge == nil {
			last := len(g.queue) - 1
			v := g.queue[last]
			g.queue = g.queue[:last]
			g.look(v)
		}
		if g.open > 0 || !g.workspace || !g.revisitRaised() {
			return
		}
	}
}

// look makes a visit, or puts it off until the file is there.
func (g *Graph) look(v visit) {
	f, actual := g.file(v.module)
	if f == nil {
		return
	}
	if !f.answered {
		f.waiting = append(f.waiting, v)
		return
	}
	if f.unusable {
		return
	}
	if err := f.check(v.module, actual); err != nil {
		g.problems[actual] = err
		return
	}
	g.grow(size{steps: 1 + len(f.requires)})
	next := pruned
	if f.unpruned || v.pruning == unpruned {
		next = unpruned
	}
	for _, r := range f.requires {
		g.note(r)
		if v.pruning != pruned || f.unpruned {
			g.visit(visit{r, next})
		}
	}
}

// file returns the go.mod file that counts for a module and what it is the file
// of, nil when there can be none.
func (g *Graph) file(m module.Version) (*goMod, module.Version) {
	if m.Version == "" { // only main modules have none
		return g.mains[m.Path], m
	}
	actual := g.replace(m)
	if f := g.files[actual]; f != nil {
		return f, actual
	}
	if g.problems[actual] != nil {
		return nil, actual
	}
	if actual.Version != "" {
		if err := module.CheckPath(actual.Path); err != nil { // no mirror can be asked for it
			g.problems[actual] = fmt.Errorf("%s is required, but it is no module path: %s", plain(m.Path), plain(err.Error()))
			return nil, actual
		}
	}
	if !g.grow(size{files: 1}) {
		return nil, actual
	}
	f := new(goMod)
	g.files[actual] = f
	g.untold = append(g.untold, actual)
	g.open++
	return f, actual
}

// note lets a required version take part in the selection: the highest wins. A
// main module is always taken itself, though what required versions of it
// require counts.
func (g *Graph) note(r module.Version) {
	if g.mains[r.Path] != nil {
		return
	}
	if v, ok := g.selected[r.Path]; !ok || semver.Compare(v, r.Version) < 0 {
		g.selected[r.Path] = r.Version
	}
}

// counted leaves out what takes no part in the graph: excluded versions, and the
// go and toolchain that are no modules.
func (g *Graph) counted(requires []module.Version) []module.Version {
	counted := make([]module.Version, 0, len(requires))
	for _, r := range requires {
		if !g.excluded[r] && r.Path != "go" && r.Path != "toolchain" {
			counted = append(counted, r)
		}
	}
	if !g.grow(size{requirements: len(counted)}) {
		return nil
	}
	return counted
}
