package worklist

import (
	"cmp"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/imports"
)

// imported is an import clause of the checkout.
type imported struct {
	by     string // the file, relative to the root
	tested bool   // only test files have it
	other  bool   // only packages of other modules have it
}

// clauses are the import clauses of the packages that ./... means in the main
// modules of a unit, by import path. Files that a build on this platform leaves
// out do not count, nor does what cannot be read: only what is sure to be
// imported is of use.
type clauses map[string]imported

func (l *loader) clauses(u *unit) clauses {
	found := clauses{}
	for _, m := range u.mods {
		for _, dir := range l.packages(m) {
			for _, f := range l.goFiles.dir(dir).files {
				found.add(l, dir, f)
			}
		}
	}
	return found
}

func (found clauses) add(l *loader, dir string, f imports.File) {
	if slices.Contains(f.Imports, "C") || !l.builds(f) { // whether cgo is used is not known
		return
	}
	i := imported{by: l.rel(filepath.Join(dir, f.Name)), tested: f.Test}
	for _, path := range f.Imports {
		if first, ok := found[path]; !ok || first.tested && !i.tested {
			found[path] = i
		}
	}
}

// builds reports whether the file's name and constraints admit it to builds on
// this platform, with the tags of GOFLAGS, with cgo and without.
func (l *loader) builds(f imports.File) bool {
	x := imports.Context{GOOS: cmp.Or(l.opts.GOOS, runtime.GOOS), GOARCH: cmp.Or(l.opts.GOARCH, runtime.GOARCH), Tags: l.flags.tags, Go: imports.Newest}
	cgo := x
	cgo.Cgo = true
	return f.Builds(x) && f.Builds(cgo)
}

// of returns an import clause for which the go command looks into the module:
// into every required one whose path begins the import path, since one module
// alone may provide a package (cmd/go modload/import.go: importFromModules).
func (found clauses) of(module string) (imported, bool) {
	var best imported
	ok := false
	for path, i := range found {
		if path != module && !strings.HasPrefix(path, module+"/") {
			continue
		}
		if !ok || best.tested && !i.tested || best.tested == i.tested && i.by < best.by {
			best, ok = i, true
		}
	}
	return best, ok
}
