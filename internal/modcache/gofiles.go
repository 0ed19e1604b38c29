package modcache

import (
	"archive/zip"
	"os"
	"path"
	"strings"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/imports"
)

// ZipGoFiles are the Go files of the module zip in f, which stays the caller's and
// open while they are used. Nothing is verified: they choose what is fetched next,
// and enter nothing. The error is a verdict on the zip, or that of reading it.
func (c *Cache) ZipGoFiles(m module.Version, f *os.File) (imports.Files, error) {
	a, err := openArchive(m, f, c.crew)
	if err != nil {
		return nil, err
	}
	skip := len(prefix(m))
	dirs := zipGoFiles{}
	for _, f := range a.files {
		if strings.HasSuffix(f.Name, ".go") && f.Mode().IsRegular() {
			dir := path.Dir(f.Name[skip:])
			dirs[dir] = append(dirs[dir], f)
		}
	}
	return dirs, nil
}

// zipGoFiles are Go files by directory.
type zipGoFiles map[string][]*zip.File

func (z zipGoFiles) Package(dir string) (files []imports.File, has bool) {
	for _, f := range z[dir] {
		if !imports.IsGo(path.Base(f.Name)) {
			continue
		}
		if g, err := readZipped(f); err == nil { // what is damaged is no zip of go.sum's
			files = append(files, g)
		}
	}
	return files, len(z[dir]) > 0
}

func readZipped(f *zip.File) (imports.File, error) {
	r, err := f.Open()
	if err != nil {
		return imports.File{}, err
	}
	defer r.Close()
	return imports.Read(path.Base(f.Name), r)
}

// GoFiles are the Go files of a module that is in the module cache: of its tree or,
// as long as there is none, of its zip.
func (c *Cache) GoFiles(m module.Version) imports.Files { return held{c, m} }

type held struct {
	c *Cache
	m module.Version
}

func (h held) Package(dir string) (files []imports.File, has bool) {
	s, err := h.c.slot(h.m)
	if err != nil {
		return nil, false
	}
	if h.c.extracted(s) {
		return imports.Tree{FS: os.DirFS(s.tree)}.Package(dir)
	}
	f, err := h.c.OpenFile(h.m, "zip")
	if err != nil {
		return nil, false // removed meanwhile: the go command tells of it
	}
	defer f.Close()
	z, err := h.c.ZipGoFiles(h.m, f)
	if err != nil {
		return nil, false
	}
	return z.Package(dir)
}
