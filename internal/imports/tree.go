package imports

import (
	"io/fs"
	"path"
	"strings"
)

// Tree is the files of a module that is a directory. FS is that directory; it is
// read whenever a package is asked for.
type Tree struct {
	FS fs.FS
	// Nested says that there may be other modules below: their packages are not
	// this one's. A module in the module cache has none.
	Nested bool
}

// Package is as in Files. What cannot be read is not there.
func (t Tree) Package(dir string) (files []File, has bool) {
	if t.Nested && t.other(dir) {
		return nil, false
	}
	entries, err := fs.ReadDir(t.FS, dir)
	if err != nil {
		return nil, false
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		if !strings.HasSuffix(name, ".go") || !t.regular(name, e) {
			continue
		}
		has = true
		if !IsGo(e.Name()) {
			continue
		}
		if f, err := t.read(name); err == nil {
			files = append(files, f)
		}
	}
	return files, has
}

// regular follows links, as the go command does (cmd/go/internal/fsys: IsGoDir).
func (t Tree) regular(name string, e fs.DirEntry) bool {
	if e.Type()&fs.ModeSymlink == 0 {
		return e.Type().IsRegular()
	}
	info, err := fs.Stat(t.FS, name)
	return err == nil && info.Mode().IsRegular()
}

// other reports whether a directory belongs to another module.
func (t Tree) other(dir string) bool {
	for ; dir != "."; dir = path.Dir(dir) {
		if info, err := fs.Stat(t.FS, path.Join(dir, "go.mod")); err == nil && !info.IsDir() {
			return true
		}
	}
	return false
}

func (t Tree) read(name string) (File, error) {
	f, err := t.FS.Open(name)
	if err != nil {
		return File{}, err
	}
	defer f.Close()
	return Read(path.Base(name), f)
}
