package worklist

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/mod/modfile"
	"golang.org/x/sync/errgroup"

	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/imports"
)

// goFiles is the Go files of the checkout by directory, each read once. It is safe
// for concurrent use.
type goFiles struct {
	root string // the checkout, that no file may lead out of

	mu   sync.Mutex
	dirs map[string]goDir // by absolute path
}

type goDir struct {
	files []imports.File
	has   bool // any regular .go file
}

// dir is the Go files in a directory. What cannot be read is not there: the go command
// tells of it.
func (g *goFiles) dir(name string) goDir {
	g.mu.Lock()
	d, ok := g.dirs[name]
	g.mu.Unlock()
	if ok {
		return d
	}
	entries, err := os.ReadDir(name)
	if err == nil && slices.ContainsFunc(entries, isGoFile) {
		d = readDir(g.root, name, entries)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.dirs[name] = d
	return d
}

func readDir(root, name string, entries []fs.DirEntry) (d goDir) {
	in, err := diskfile.OpenDir(root, name)
	if err != nil {
		return d
	}
	defer in.Close()
	for _, e := range entries {
		if !isGoFile(e) {
			continue
		}
		f, err := read(in, e.Name())
		d.has = d.has || e.Type().IsRegular() || err == nil
		if err == nil && imports.IsGo(e.Name()) {
			d.files = append(d.files, f)
		}
	}
	return d
}

// isGoFile reports whether an entry of a directory may be a Go file: the go command
// follows links to files (cmd/go/internal/imports: ScanDir; fsys: IsGoDir).
func isGoFile(e fs.DirEntry) bool {
	return (e.Type().IsRegular() || e.Type() == fs.ModeSymlink) && strings.HasSuffix(e.Name(), ".go")
}

func read(in *diskfile.Dir, name string) (imports.File, error) {
	f, err := in.Open(name)
	if err != nil {
		return imports.File{}, err
	}
	defer f.Close()
	return imports.Read(filepath.Base(name), f)
}

// readAll reads directories beforehand, on all processors.
func (g *goFiles) readAll(dirs []string) {
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for part := range slices.Chunk(dirs, 16) {
		group.Go(func() error {
			for _, dir := range part {
				g.dir(dir)
			}
			return nil
		})
	}
	_ = group.Wait() // none fails
}

// moduleFiles is the Go files of a module that is a directory of the checkout.
type moduleFiles struct {
	*goFiles
	top string // absolute
}

// Package is as in imports.Files: directories with a go.mod are other modules.
func (m moduleFiles) Package(dir string) (files []imports.File, has bool) {
	for up := dir; up != "."; up = path.Dir(up) {
		if isFile(filepath.Join(m.top, filepath.FromSlash(up), "go.mod")) {
			return nil, false
		}
	}
	d := m.dir(filepath.Join(m.top, filepath.FromSlash(dir)))
	return d.files, d.has
}

// packages are the directories of the packages that ./... means in a main module
// (cmd/go modload/search.go: matchPackages), and node_modules are left out, which
// hold Go files by chance only.
func (l *loader) packages(m *mainModule) []string {
	if m.packages != nil {
		return m.packages
	}
	dirs := []string{} // not nil: looked for
	// What cannot be read has no packages.
	_ = filepath.WalkDir(m.dir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && d != nil && d.IsDir():
			return fs.SkipDir
		case err != nil:
			return nil
		case d.IsDir() && name != m.dir && (skipped(d.Name()) || isFile(filepath.Join(name, "go.mod")) || m.ignores(name)):
			return fs.SkipDir
		case isGoFile(d):
			if dir := filepath.Dir(name); len(dirs) == 0 || dirs[len(dirs)-1] != dir && !slices.Contains(dirs, dir) {
				dirs = append(dirs, dir)
			}
		}
		return nil
	})
	l.goFiles.readAll(dirs)
	m.packages = dirs
	return dirs
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
