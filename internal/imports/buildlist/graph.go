// Package buildlist selects the versions of modules that a build uses, as the
// go command does where it reads the module graph: in workspaces, in main
// modules before Go 1.17, and for the commands with -m.
//
// It reads and fetches nothing. A Graph says which go.mod files it has to see
// next, and is given them, in rounds:
//
//	g := buildlist.ForWorkspace(mains, replace)
//	for needs := g.Needs(); len(needs) > 0; needs = g.Needs() {
//		for _, m := range needs { // may be in parallel
//			data, err := read(m)
//			if err != nil {
//				g.Missing(m)
//				continue
//			}
//			err = g.Add(m, data)
//			…
//		}
//	}
//	versions, err := g.Selected()
//
// A real graph takes ten to twenty rounds. A caller that does not want to wait for
// the slowest file of each may call Needs after every answer.
//
// It follows cmd/go/internal/modload of Go 1.26 (buildlist.go: readModGraph;
// modfile.go: goModSummary). It takes the main modules' go.mod files as they
// are: when the go command would first update one (two requirements of one
// module, a requirement below the selected version), it refuses to build.
package buildlist

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sync"

	"golang.org/x/mod/module"
)

// Main is a main module, as its go.mod (or what stands in for it with -modfile)
// says it.
type Main struct {
	Path    string
	Go      string           // the go line, such as "1.21.3"; "" is none, which means 1.16
	Require []module.Version // with canonical versions, as modfile.Parse checks them
	Exclude []module.Version
}

// Replace returns what stands in the place of a required module: another one,
// or a directory as the Path with "" as the Version, or the module itself when
// nothing replaces it. It is asked for versions of main modules as well. It must
// always say the same, and may be called from several goroutines, though never
// by two at once.
type Replace func(required module.Version) module.Version

// Graph is a module graph in the making. Its methods may be called from several
// goroutines.
type Graph struct {
	replace   Replace
	workspace bool
	excluded  map[module.Version]bool
	mains     map[string]*goMod // by path
	limits    size

	mu       sync.Mutex
	files    map[module.Version]*goMod // by what is read, that is after replacement
	untold   []module.Version          // of files: what Needs has not returned yet
	open     int                       // of files: those not answered
	selected map[string]string
	visited  map[visit]bool
	queue    []visit
	revisit  revisit
	problems map[module.Version]error // what makes the selection uncertain, by what is read
	size     size
	tooLarge error // the limit that was reached: nothing more is read
}

// ForModule begins the graph of a single main module. A nil replace replaces
// nothing.
func ForModule(main Main, replace Replace) *Graph {
	return begin([]Main{main}, false, replace, limits)
}

// ForWorkspace begins the graph of the modules that a go.work uses. A nil
// replace replaces nothing.
func ForWorkspace(mains []Main, replace Replace) *Graph {
	return begin(mains, true, replace, limits)
}

func begin(mains []Main, workspace bool, replace Replace, limits size) *Graph {
	if replace == nil {
		replace = func(m module.Version) module.Version { return m }
	}
	g := &Graph{
		replace:   replace,
		workspace: workspace,
		excluded:  make(map[module.Version]bool),
		mains:     make(map[string]*goMod),
		limits:    limits,
		files:     make(map[module.Version]*goMod),
		selected:  make(map[string]string),
		visited:   make(map[visit]bool),
		problems:  make(map[module.Version]error),
	}
	for _, m := range mains {
		for _, x := range m.Exclude {
			g.excluded[x] = true
		}
	}
	for _, m := range mains {
		g.mains[m.Path] = &goMod{path: m.Path, unpruned: unprunedAt(m.Go), requires: g.counted(m.Require), answered: true}
	}
	for _, m := range mains {
		g.start(m.Path)
	}
	g.run()
	return g
}

// Needs returns the go.mod files to read next, sorted, each only once: of
// modules, which are not to be replaced any more, and of directories ("" as the
// version). It is empty when the graph is complete, when a limit is reached (see
// Selected), and while what comes next depends on answers still to come.
func (g *Graph) Needs() []module.Version {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.tooLarge != nil {
		return nil
	}
	needs := slices.DeleteFunc(g.untold, func(m module.Version) bool { return g.files[m].answered })
	g.untold = nil
	module.Sort(needs)
	return needs
}

// Add gives the content of a go.mod file that Needs returned. Others, and second
// answers, are ignored. The data is not kept.
//
// The error says why the go command could not use the file, or that the graph
// has become too large. Then the selection is not certain; the caller goes on
// all the same.
func (g *Graph) Add(m module.Version, data []byte) error {
	parsed, err := parse(m, data) // outside the lock: this is what takes time
	g.mu.Lock()
	defer g.mu.Unlock()
	f := g.files[m]
	if f == nil || f.answered {
		return nil
	}
	if err == nil && !g.grow(size{bytes: len(data)}) {
		err = g.tooLarge
	}
	if err != nil {
		g.answer(f, m, err)
		return err
	}
	f.path, f.unpruned, f.requires = parsed.path, parsed.unpruned, g.counted(parsed.requires)
	for _, v := range f.waiting {
		if err = f.check(v.module, m); err != nil {
			break
		}
	}
	g.answer(f, m, nil)
	return cmp.Or(err, g.tooLarge)
}

// Missing says that a go.mod file that Needs returned cannot be had. The go command
// would fail; the selection goes on without it and is not certain.
func (g *Graph) Missing(m module.Version) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if f := g.files[m]; f != nil && !f.answered {
		g.answer(f, m, fmt.Errorf("the go.mod of %s is missing", name(m)))
	}
}

// answer takes note of an answer and goes on with what waited for it.
func (g *Graph) answer(f *goMod, m module.Version, err error) {
	f.answered = true
	g.open--
	if err != nil {
		f.unusable = true
		g.problems[m] = err
	}
	g.queue = append(g.queue, f.waiting...)
	f.waiting = nil
	g.run()
}

// Selected returns the build list: the version of every module of the graph by
// its path, before replacement, without the main modules and without go and
// toolchain.
//
// With an error the selection is not certain: go.mod files are not read yet, are
// missing or wrong, or the graph is too large. The versions are those of the
// graph as far as it is known.
func (g *Graph) Selected() (map[string]string, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return maps.Clone(g.selected), g.uncertain()
}

func (g *Graph) uncertain() error {
	if g.tooLarge != nil {
		return g.tooLarge
	}
	if len(g.problems) > 0 {
		wrong := slices.Collect(maps.Keys(g.problems))
		module.Sort(wrong)
		err := g.problems[wrong[0]]
		if more := len(wrong) - 1; more > 0 {
			err = fmt.Errorf("%w, and %d more go.mod files cannot be used", err, more)
		}
		return err
	}
	if g.open > 0 {
		return fmt.Errorf("go.mod files of the module graph are not read yet: %d", g.open)
	}
	return nil
}
