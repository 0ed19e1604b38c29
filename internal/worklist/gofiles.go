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
	root string // that no file may lead out of

	mu   sync.Mutex
	dirs map[string]goDir // by absolute path
}

type goDir struct {
	files []imports.File
	has   bool // any regular .go file
}

// dir is the Go files in a directory. What cannot be read is not there: the go
// command tells of it.
func (g *goFiles) dir(name string) goDir {
	g.mu.Lock()
	d, ok := g.dirs[name]
	g.mu.Unlock()
	if ok {
		return d
	}
	entries, err := os.ReadDir(name)
	if err == nil && diskfile.Inside(g.root, name) {
		for _, e := range entries {
			if e.Type().IsRegular() && strings.HasSuffix(e.Name(), ".go") {
				d.has = true
				if f, ok := g.read(filepath.Join(name, e.Name())); ok {
					d.files = append(d.files, f)
				}
			}
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.dirs[name] = d
	return d
}

func (g *goFiles) read(name string) (imports.File, bool) {
	if !imports.IsGo(filepath.Base(name)) {
		return imports.File{}, false
	}
	f, err := diskfile.OpenIn(g.root, name)
	if err != nil {
		return imports.File{}, false
	}
	defer f.Close()
	file, err := imports.Read(filepath.Base(name), f)
	return file, err == nil
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
	var dirs []string
	// What cannot be read has no packages.
	_ = filepath.WalkDir(m.dir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && d != nil && d.IsDir():
			return fs.SkipDir
		case err != nil:
			return nil
		case d.IsDir() && name != m.dir && (skipped(d.Name()) || isFile(filepath.Join(name, "go.mod")) || m.ignores(name)):
			return fs.SkipDir
		case d.Type().IsRegular() && strings.HasSuffix(name, ".go"):
			if dir := filepath.Dir(name); len(dirs) == 0 || dirs[len(dirs)-1] != dir && !slices.Contains(dirs, dir) {
				dirs = append(dirs, dir)
			}
		}
		return nil
	})
	l.goFiles.readAll(dirs)
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
