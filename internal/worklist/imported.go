package worklist

import (
	"bytes"
	"cmp"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/modfile"

	"github.com/modferry/modferry/internal/diskfile"
)

// goFileLimit bounds a Go file whose import clauses are read.
const goFileLimit = 4 << 20

// imported is an import clause of the checkout.
type imported struct {
	by     string // the file, relative to the root
	tested bool   // only test files have it
	other  bool   // only packages of other modules have it
}

// imports are the import clauses of the packages that ./... means in the main
// modules of a unit, by import path. Files that a build on this platform leaves
// out do not count, nor does what cannot be read: only what is sure to be
// imported is of use.
type imports map[string]imported

func (l *loader) imports(u *unit) imports {
	found := imports{}
	for _, m := range u.mods {
		// What fails here makes no import sure.
		_ = filepath.WalkDir(m.dir, func(name string, d fs.DirEntry, err error) error {
			switch {
			case err != nil && d != nil && d.IsDir():
				return fs.SkipDir
			case err != nil:
				return nil
			case d.IsDir() && name != m.dir && (skipped(d.Name()) || isFile(filepath.Join(name, "go.mod")) || m.ignores(name)):
				return fs.SkipDir
			case d.Type().IsRegular() && strings.HasSuffix(d.Name(), ".go"):
				found.add(l, name)
			}
			return nil
		})
	}
	return found
}

func (m *mainModule) ignores(dir string) bool {
	r, err := filepath.Rel(m.dir, dir)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(m.parsed.Ignore, func(i *modfile.Ignore) bool {
		at, below := strings.CutPrefix(i.Path, "./")
		return at == filepath.ToSlash(r) || !below && strings.HasSuffix("/"+filepath.ToSlash(r), "/"+at)
	})
}

func (found imports) add(l *loader, name string) {
	data, err := diskfile.ReadIn(l.list.Root, name, goFileLimit)
	if err != nil || !l.builds(name, data) {
		return
	}
	file, err := parser.ParseFile(token.NewFileSet(), "", data, parser.ImportsOnly|parser.SkipObjectResolution)
	if err != nil {
		return
	}
	if slices.ContainsFunc(file.Imports, func(clause *ast.ImportSpec) bool { return clause.Path.Value == `"C"` }) {
		return // whether cgo is used is not known
	}
	i := imported{by: l.rel(name), tested: strings.HasSuffix(name, "_test.go")}
	for _, clause := range file.Imports {
		path, err := strconv.Unquote(clause.Path.Value)
		if first, ok := found[path]; err == nil && (!ok || first.tested && !i.tested) {
			found[path] = i
		}
	}
}

// builds reports whether the file's name and constraints admit it to builds on
// this platform, with the tags of GOFLAGS, with cgo and without.
func (l *loader) builds(name string, data []byte) bool {
	for _, cgo := range [...]bool{true, false} {
		c := build.Context{
			GOOS: cmp.Or(l.opts.GOOS, runtime.GOOS), GOARCH: cmp.Or(l.opts.GOARCH, runtime.GOARCH), Compiler: "gc", CgoEnabled: cgo,
			BuildTags: l.flags.tags, ReleaseTags: build.Default.ReleaseTags,
			OpenFile: func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil },
		}
		if ok, err := c.MatchFile(filepath.Dir(name), filepath.Base(name)); err != nil || !ok {
			return false
		}
	}
	return true
}

// of returns an import clause for which the go command looks into the module:
// into every required one whose path begins the import path, since one module
// alone may provide a package (cmd/go modload/import.go: importFromModules).
func (found imports) of(module string) (imported, bool) {
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
