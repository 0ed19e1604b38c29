package worklist

import (
	"fmt"
	"path/filepath"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"github.com/modferry/modferry/internal/finding"
)

// needs gathers what one unit needs.
//
// A main module of go 1.17 or later requires every module its packages come
// from, so those zips suffice, and the .mod files of the rest of the graph
// serve graph commands only. Older ones and workspaces read the whole graph
// for any build, and it may select modules that no go.mod names: another
// version than any module of the workspace requires, say, because one of them
// has it in its graph. Its zip line is then in that one's go.sum, and nothing
// but the graph tells it from a line that only go mod tidy wants. So there
// every zip line counts.
type needs struct {
	*loader
	unit     *unit
	own      map[string]bool         // paths of the main modules
	excluded map[module.Version]bool // versions that exclude lines rule out
	replaced *replacements
	sums     []*sumFile // those that count for the unit
	modules  map[module.Version]*Module
	imported clauses           // nil until asked for: see used
	newest   map[string]string // version by path, of what go.mod requires
}

// need adds what builds of the unit need to the list.
func (l *loader) need(u *unit) error {
	n := &needs{
		loader:   l,
		unit:     u,
		own:      make(map[string]bool),
		excluded: u.excluded(),
		modules:  make(map[module.Version]*Module),
	}
	for _, m := range u.mods {
		n.own[m.path()] = true
	}
	var err error
	if n.replaced, err = l.readReplacements(u); err != nil {
		return err
	}
	if err := n.readSums(); err != nil {
		return err
	}
	n.checkUnpublished()
	requires := n.requires()
	n.newest = make(map[string]string, len(requires))
	for _, m := range u.mods {
		for _, r := range m.parsed.Require {
			if semver.Compare(r.Mod.Version, n.newest[r.Mod.Path]) > 0 {
				n.newest[r.Mod.Path] = r.Mod.Version
			}
		}
	}
	n.checkDirectories()
	n.checkImports()
	n.checkTools()
	if n.strict() {
		n.list.goMods = append(n.list.goMods, n.checkGoMods(requires))
	}
	if ok, err := n.checkSums(requires); !ok {
		return err
	}
	if err := n.addLines(); err != nil {
		return err
	}
	if err := n.addRequires(requires); err != nil {
		return err
	}
	n.merge()
	n.follow()
	return nil
}

func (n *needs) readSums() error {
	for _, m := range n.unit.mods {
		var err error
		if m.sum, err = n.readSum(m.sumPath); err != nil {
			return err
		}
		if m.sum == nil {
			continue
		}
		if err := n.checkTwoHashes(m.sum, n.unit.work != nil); err != nil {
			return err
		}
		n.sums = append(n.sums, m.sum)
	}
	if n.unit.work == nil {
		return nil
	}
	f, err := n.readSum(n.unit.work.path + ".sum")
	if err != nil || f == nil {
		return err
	}
	n.unit.workSum = f
	n.sums = append(n.sums, f)
	return n.checkTwoHashes(f, false)
}

// required is a require line and the module that it means.
type required struct {
	in     *mainModule
	line   *modfile.Require
	actual module.Version // line.Mod, or what replaces it
	pos    Position       // of the require line
	by     Position       // of the replace line, if any
}

func (n *needs) requires() []required {
	var all []required
	var missing []missingDir
	var absolute []replacement
	for _, m := range n.unit.mods {
		for _, line := range m.parsed.Require {
			r := required{in: m, line: line, actual: line.Mod, pos: Position{m.file, line.Syntax.Start.Line}}
			if n.own[line.Mod.Path] {
				continue // the checkout itself
			}
			if n.excluded[line.Mod] {
				continue // see findUpdates
			}
			if by, ok := n.replaced.find(line.Mod); ok {
				if by.isDir() {
					if !isFile(filepath.Join(by.to.Path, "go.mod")) {
						missing = append(missing, missingDir{by, line.Mod.Path})
					}
					if by.absolute {
						absolute = append(absolute, by)
					}
					continue
				}
				r.actual, r.by = by.to, by.pos
			}
			if err := checkModule(r.actual); err != nil {
				n.tell(finding.Finding{
					Check: "go-mod-invalid-module", Severity: n.severity(line.Mod.Path),
					File: r.pos.File, Line: r.pos.Line, Found: name(r.actual),
					Effect: "The go command cannot download such a module (" + plain(err.Error()) + "); it is left out of the work list.",
					Fix:    "a valid module path, or a replace line with a directory",
				})
				continue
			}
			all = append(all, r)
		}
	}
	n.findMissingDirs(missing)
	n.findAbsoluteDirs(absolute)
	return all
}

// addLines adds what a line of a go.sum file suffices for: every .mod, and
// every zip unless only those required are wanted.
func (n *needs) addLines() error {
	zips := n.opts.All || n.unit.whole()
	for _, f := range n.sums {
		var bad *sumLine
		count := 0
		for _, line := range f.lines {
			if !line.mod && (!zips || n.own[line.path] && !n.opts.All) {
				continue
			}
			if checkModule(module.Version{Path: line.path, Version: line.version}) != nil {
				if f.mark && line.pos.Line == 1 {
					continue // tellLacking tells of it
				}
				if count++; bad == nil {
					bad = &line
				}
				continue
			}
			if err := n.addLine(line); err != nil {
				return err
			}
		}
		if bad == nil {
			continue
		}
		found := quote(bad.path + " " + bad.version)
		if count > 1 {
			found += fmt.Sprintf(" and %d more", count-1)
		}
		n.tell(finding.Finding{
			Check: "go-sum-invalid-line", Severity: finding.Info,
			File: bad.pos.File, Line: bad.pos.Line, Found: found,
			Effect: "No module can have this path and version; the go command never uses the line.",
			Fix:    "go mod tidy",
		})
	}
	return nil
}

func (n *needs) addLine(line sumLine) error {
	if err := line.check(); err != nil {
		return err
	}
	v := module.Version{Path: line.path, Version: line.version}
	m := n.modules[v]
	if m == nil {
		m = &Module{Path: v.Path, Version: v.Version}
		n.modules[v] = m
	}
	switch {
	case line.mod && m.Mod == "":
		m.Mod, m.ModSum = line.hash, line.pos
	case !line.mod && m.Zip == "":
		m.Zip, m.ZipSum = line.hash, line.pos
	}
	return nil
}

func (n *needs) addRequires(requires []required) error {
	var lacking []lack
	for _, r := range requires {
		if err := n.addZip(r.actual); err != nil {
			return err
		}
		m := n.modules[r.actual]
		if m == nil || m.Zip == "" || m.Mod == "" {
			lacking = append(lacking, lack{r, m == nil || m.Zip == "", m == nil || m.Mod == ""})
		}
		if m == nil {
			continue
		}
		if m.Require == (Position{}) {
			m.Require, m.Replace, m.Indirect = r.pos, r.by, true
		}
		m.Indirect = m.Indirect && r.line.Indirect
	}
	standIns := n.replaced.standIns()
	for v, m := range n.modules {
		if m.Require == (Position{}) {
			m.Replace = standIns[v]
		}
		m.Optional = m.Zip == "" && !n.unit.whole()
	}
	if len(requires) > 0 {
		n.tellLacking(lacking)
	}
	return nil
}

func (n *needs) addZip(v module.Version) error {
	for _, f := range n.sums {
		if line, ok := f.find(sumKey{path: v.Path, version: v.Version}); ok {
			return n.addLine(line)
		}
	}
	return nil
}

// merge adds the unit's modules to the list's. A line of one main module is
// as good as a line of another: all hashes are known to agree.
func (n *needs) merge() {
	for v, m := range n.modules {
		have := n.loader.modules[v]
		if have == nil {
			n.loader.modules[v] = m
			continue
		}
		if have.Zip == "" {
			have.Zip, have.ZipSum = m.Zip, m.ZipSum
		}
		if have.Mod == "" {
			have.Mod, have.ModSum = m.Mod, m.ModSum
		}
		have.Optional = have.Optional && m.Optional
		if m.Require == (Position{}) {
			continue
		}
		if have.Require == (Position{}) {
			have.Require, have.Replace, have.Indirect = m.Require, m.Replace, m.Indirect
		}
		have.Indirect = have.Indirect && m.Indirect
	}
}

// checkModule returns an error for a path or version that no module can have.
func checkModule(v module.Version) error {
	if err := module.Check(v.Path, v.Version); err != nil {
		return err
	}
	if module.CanonicalVersion(v.Version) != v.Version {
		return fmt.Errorf("version %s is not in its canonical form", quote(v.Version))
	}
	return nil
}

func name(v module.Version) string { return plain(v.Path) + " " + plain(v.Version) }
