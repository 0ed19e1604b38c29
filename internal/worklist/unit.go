package worklist

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"golang.org/x/mod/modfile"

	"github.com/modferry/modferry/internal/finding"
)

// unit is what one go command works on: a main module, or a workspace with
// the main modules it uses.
type unit struct {
	dir     string     // absolute: of the go.mod or go.work
	work    *workspace // nil for a single module
	mods    []*mainModule
	workSum *sumFile // nil until read, or when missing
}

// workspace is a go.work file.
type workspace struct {
	path   string // absolute
	parsed *modfile.WorkFile
}

func (w *workspace) dirOf(u *modfile.Use) string {
	p := filepath.FromSlash(u.Path)
	if filepath.IsAbs(p) {
		return filepath.Clean(p)
	}
	return filepath.Join(filepath.Dir(w.path), p)
}

// main describes the unit. dir is its directory relative to the root.
func (u *unit) main(dir string) Main {
	if u.work != nil {
		p := u.work.parsed
		return Main{Dir: dir, Work: true, Go: goLine(p.Go), Toolchain: toolchainLine(p.Toolchain)}
	}
	m := u.mods[0]
	return Main{Dir: dir, Path: m.path(), Go: m.goLine(), Toolchain: toolchainLine(m.parsed.Toolchain)}
}

// whole reports whether builds read the whole module graph: workspaces are
// never pruned (cmd/go modload/init.go: requirementsFromModFiles), modules
// before 1.17 neither (modfile.go: pruningForGoVersion).
func (u *unit) whole() bool { return u.work != nil || !atLeast(u.mods[0].goLine(), "1.17") }

func (u *unit) goLine() string {
	if u.work != nil {
		return goLine(u.work.parsed.Go)
	}
	return u.mods[0].goLine()
}

func (l *loader) readUnit(p place) (*unit, error) {
	if p.work != "" {
		return l.readWorkspace(p)
	}
	path := filepath.Join(p.dir, "go.mod")
	if l.flags.modfile != "" {
		path = filepath.FromSlash(l.flags.modfile)
		if !filepath.IsAbs(path) {
			path = filepath.Join(p.cwd, path)
		}
	}
	m, err := l.readMod(p.dir, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &InputError{
			File:  l.rel(path),
			Found: "no such file", Expected: "the go.mod that -modfile in GOFLAGS names",
			Remedy: "create it or correct GOFLAGS", Err: err,
		}
	}
	if err != nil {
		return nil, err
	}
	return &unit{dir: p.dir, mods: []*mainModule{m}}, nil
}

// readWorkspace reads a go.work and the go.mod files it uses (cmd/go
// modload/init.go: LoadWorkFile, makeMainModules).
func (l *loader) readWorkspace(p place) (*unit, error) {
	w, err := l.readWork(p.work)
	if err != nil {
		return nil, err
	}
	file := l.rel(w.path)
	u := &unit{dir: filepath.Dir(w.path), work: w}
	var missing []*modfile.Use
	dirs := make(map[string]*modfile.Use)
	paths := make(map[string]*modfile.Use)
	for _, use := range w.parsed.Use {
		dir := w.dirOf(use)
		if first := dirs[dir]; first != nil {
			return nil, repeatedUse(file, use, first, "the directory "+quote(use.Path))
		}
		dirs[dir] = use
		m, err := l.readMod(dir, filepath.Join(dir, "go.mod"))
		if errors.Is(err, fs.ErrNotExist) {
			missing = append(missing, use)
			continue
		}
		if err != nil {
			return nil, err
		}
		if first := paths[m.path()]; first != nil {
			return nil, repeatedUse(file, use, first, "the module "+plain(m.path()))
		}
		paths[m.path()] = use
		u.mods = append(u.mods, m)
	}
	if len(missing) > 0 {
		first := missing[0]
		e := &InputError{
			File: file, Line: first.Syntax.Start.Line,
			Found:    fmt.Sprintf("`use %s`, a directory without a go.mod", plain(first.Path)),
			Expected: "a main module in every directory that go.work uses",
			Remedy:   l.complete(w.dirOf(first)) + "; or drop the line (go work edit -dropuse), or set GOWORK=off",
			Err:      fs.ErrNotExist,
		}
		if n := len(missing) - 1; n > 0 {
			e.Found += fmt.Sprintf(" (and %d more like it)", n)
		}
		return nil, e
	}
	l.checkWorkFlags()
	return u, nil
}

// readWork reads a go.work file, once however many modules are below it.
func (l *loader) readWork(path string) (*workspace, error) {
	if w := l.works[path]; w != nil {
		return w, nil
	}
	data, err := l.read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &InputError{
			File:  "GOWORK",
			Found: quote(l.opts.GOWORK) + ", which does not exist", Expected: "off, or the absolute path of a go.work file",
			Remedy: "correct GOWORK", Err: err,
		}
	}
	if err != nil {
		return nil, err
	}
	w := &workspace{path: path}
	w.parsed, err = modfile.ParseWork(l.rel(path), data, fixVersion)
	if err != nil {
		return nil, parseError(l.rel(path), data, err)
	}
	l.works[path] = w
	return w, nil
}

func (l *loader) uses(work, dir string) (bool, error) {
	w, err := l.readWork(work)
	if err != nil {
		return false, err
	}
	for _, use := range w.parsed.Use {
		if w.dirOf(use) == dir {
			return true, nil
		}
	}
	return false, nil
}

func repeatedUse(file string, use, first *modfile.Use, what string) error {
	return &InputError{
		File: file, Line: use.Syntax.Start.Line,
		Found:    fmt.Sprintf("%s, which line %d uses already", what, first.Syntax.Start.Line),
		Expected: "every module once",
		Remedy:   "drop one of the two lines",
	}
}

// checkWorkFlags tells of flags that builds of a workspace refuse (cmd/go
// modload/init.go: setDefaultBuildMod, Init). They are no errors here, since
// a command line may override them.
func (l *loader) checkWorkFlags() {
	if l.flags.mod == "mod" {
		l.tell(finding.Finding{
			Check: "goflags-workspace", Severity: finding.Error, Setting: "GOFLAGS", Found: "-mod=mod",
			Effect: "The go command refuses to build in a workspace: there -mod may only be readonly or vendor.",
			Fix:    "GOFLAGS without -mod=mod, or GOWORK=off",
		})
	}
	if l.flags.modfile != "" {
		l.tell(finding.Finding{
			Check: "goflags-workspace", Severity: finding.Error, Setting: "GOFLAGS", Found: "-modfile",
			Effect: "The go command refuses to run in a workspace: -modfile cannot be used there. The work list ignores it.",
			Fix:    "GOFLAGS without -modfile, or GOWORK=off",
		})
	}
}
