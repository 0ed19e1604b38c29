package imports

import (
	"path"
	"slices"
	"strings"
	"sync"

	"golang.org/x/mod/module"
)

// Files are the Go files of one module. Its methods may be called at the same time.
type Files interface {
	// Package returns the Go files of a directory, "." for the root of the module,
	// without those below. has says that it is a package for the go command: that
	// there is any regular .go file, whatever its name and its constraints
	// (cmd/go modload/import.go: dirInModule).
	Package(dir string) (files []File, has bool)
}

// Candidate is a module that may provide packages: in a build of go 1.17 or later
// one that the main module requires, or a main module itself.
type Candidate struct {
	Path   string         // what its packages' import paths begin with
	Module module.Version // what is downloaded for it; another one than Path when it is replaced
	Local  Files          // of a directory that stands for it; nil for one that is downloaded
}

// Step is what became known to be needed: modules to read, and those of them that
// provide a package, whose go.mod the go command reads as well.
type Step struct {
	Modules, Providers []module.Version
}

// Graph is the packages of a build, as far as the modules that have arrived tell.
// It is safe for concurrent use.
type Graph struct {
	contexts Contexts

	mu       sync.Mutex
	modules  map[string]*candidate // by the path that import paths begin with
	packages map[string]*pkg       // by import path
}

type candidate struct {
	Candidate
	files    Files // nil until it has arrived
	asked    bool
	absent   bool
	provides bool
	packages []*pkg // that it may provide
}

type pkg struct {
	path  string
	built bool // a root
	// want are the contexts in which it is imported, done those whose imports have
	// been followed; the same for its tests.
	want, done           set
	wantTests, doneTests set

	candidates []*candidate // the longest path first
	tried      uint64       // of them, whose files have been looked at
	from       *candidate   // the first that has it
	also       *candidate   // another one that has it, too
	files      []File       // in from
	busy       bool         // a goroutine is looking at files; it sees what is added meanwhile
}

const (
	maxPackages = 1 << 18
	maxPath     = 1 << 10 // bytes of an import path
)

// New is a graph without packages.
func New(c Contexts, candidates []Candidate) *Graph {
	g := &Graph{contexts: c, modules: make(map[string]*candidate, len(candidates)), packages: map[string]*pkg{}}
	for _, x := range candidates {
		g.modules[x.Path] = &candidate{Candidate: x, files: x.Local, asked: x.Local != nil}
	}
	return g
}

// Root adds a package that is built; with tests, its tests are built as well.
func (g *Graph) Root(importPath string, tests bool) Step {
	g.mu.Lock()
	defer g.mu.Unlock()
	var s Step
	p := g.add(importPath, &s)
	if p == nil {
		return s
	}
	p.built, p.want = true, first(len(g.contexts.All))
	if tests {
		p.wantTests = p.want
	}
	g.follow([]*pkg{p}, &s)
	return s
}

// Arrived tells of the files of a module. They may be replaced by telling again.
func (g *Graph) Arrived(m module.Version, f Files) Step {
	g.mu.Lock()
	defer g.mu.Unlock()
	var s Step
	for _, c := range g.modules {
		if c.Module != m || c.Local != nil {
			continue
		}
		if c.files != nil {
			c.forget()
		}
		c.files, c.absent = f, false
		g.follow(slices.Clone(c.packages), &s)
	}
	return s
}

// Absent tells that a module cannot be had.
func (g *Graph) Absent(m module.Version) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.modules {
		if c.Module == m && c.Local == nil {
			c.forget()
			c.files, c.absent = nil, true
		}
	}
}

// forget drops what the files of a candidate have told. What was needed because of
// them stays needed.
func (c *candidate) forget() {
	for _, p := range c.packages {
		p.tried, p.from, p.also, p.files, p.done, p.doneTests = 0, nil, nil, nil, 0, 0
	}
}

// Missing are the modules that are needed and have neither arrived nor been told
// absent.
func (g *Graph) Missing() []module.Version {
	return g.list(func(c *candidate) bool { return c.files == nil && !c.absent })
}

// Complete reports whether every module that is needed has arrived, so that there can
// be no further ones.
func (g *Graph) Complete() bool {
	return len(g.list(func(c *candidate) bool { return c.files == nil })) == 0
}

// Providers are the modules that provide packages.
func (g *Graph) Providers() []module.Version {
	return g.list(func(c *candidate) bool { return c.provides })
}

func (g *Graph) list(which func(*candidate) bool) []module.Version {
	g.mu.Lock()
	defer g.mu.Unlock()
	var all []module.Version
	for _, c := range g.modules {
		if c.asked && c.Local == nil && which(c) && !slices.Contains(all, c.Module) {
			all = append(all, c.Module)
		}
	}
	module.Sort(all)
	return all
}

// add returns the package of an import path; nil for one of the standard library,
// which has no dot and no candidate, and for what is no import path. Every module
// that may provide it is needed, even when the first one has it (cmd/go
// modload/import.go: importFromModules).
func (g *Graph) add(importPath string, s *Step) *pkg {
	if p, ok := g.packages[importPath]; ok {
		return p
	}
	if len(importPath) > maxPath || len(g.packages) == maxPackages || importPath == "C" || path.Clean(importPath) != importPath || path.IsAbs(importPath) || strings.HasPrefix(importPath, ".") {
		return nil
	}
	p := &pkg{path: importPath}
	for prefix := importPath; prefix != "."; prefix = path.Dir(prefix) {
		c := g.modules[prefix]
		if c == nil || len(p.candidates) == 64 {
			continue
		}
		p.candidates = append(p.candidates, c)
		c.packages = append(c.packages, p)
		if !c.asked {
			c.asked = true
			s.Modules = append(s.Modules, c.Module)
		}
	}
	if len(p.candidates) == 0 && maybeStandard(importPath) {
		p = nil
	}
	g.packages[importPath] = p
	return p
}

// maybeStandard reports whether the standard library may have the package, so that no
// module has to.
func maybeStandard(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return !strings.Contains(first, ".")
}

// follow looks at packages and at what they import, as far as modules have
// arrived. g.mu is held, but for the time in which files are read.
func (g *Graph) follow(queue []*pkg, s *Step) {
	for len(queue) > 0 {
		p := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if p.busy {
			continue
		}
		p.busy = true
		for {
			if i := p.untried(); i >= 0 {
				g.look(p, i, s)
				continue
			}
			if p.from == nil || p.want == p.done && p.wantTests == p.doneTests {
				break
			}
			queue = g.expand(p, queue, s)
		}
		p.busy = false
	}
}

// untried is the first candidate that has arrived and not been looked at, -1 for
// none.
func (p *pkg) untried() int {
	for i, c := range p.candidates {
		if c.files != nil && p.tried&(1<<i) == 0 {
			return i
		}
	}
	return -1
}

// look looks for a package in the files of one of its candidates.
func (g *Graph) look(p *pkg, i int, s *Step) {
	c := p.candidates[i]
	from := c.files
	p.tried |= 1 << i
	g.mu.Unlock()
	files, has := from.Package(dirIn(p.path, c.Path))
	g.mu.Lock()
	if !has || p.tried&(1<<i) == 0 { // forgotten meanwhile
		return
	}
	if p.from != nil {
		p.also = c
		return
	}
	p.from, p.files = c, files
	if !c.provides {
		c.provides = true
		if c.Local == nil {
			s.Providers = append(s.Providers, c.Module)
		}
	}
}

// dirIn is the directory of a package in a module.
func dirIn(importPath, modulePath string) string {
	if importPath == modulePath {
		return "."
	}
	return importPath[len(modulePath)+1:]
}

// expand adds what a package imports in the contexts that are new.
func (g *Graph) expand(p *pkg, queue []*pkg, s *Step) []*pkg {
	fresh, freshTests := p.want&^p.done, p.wantTests&^p.doneTests
	p.done, p.doneTests = p.want, p.wantTests
	for i := range p.files {
		f := &p.files[i]
		among := fresh
		if f.Test {
			among = freshTests
		}
		if among == 0 {
			continue
		}
		in := g.contexts.admits(f, among)
		if in == 0 {
			continue
		}
		for _, importPath := range f.Imports {
			q := g.add(importPath, s)
			if q == nil || q.want|in == q.want {
				continue
			}
			q.want |= in
			queue = append(queue, q)
		}
	}
	return queue
}
