package modcache

import (
	"fmt"
	"path/filepath"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/failure"
)

// A slot is where one module version lives: the absolute paths of its files.
type slot struct {
	m       module.Version
	dir     string // …/@v
	zip     string
	ziphash string
	mod     string
	info    string
	lock    string
	partial string
	list    string
	tree    string
}

// slot names the files of m. It refuses, as the go command does, paths and
// versions that cannot be written safely as file names, so nothing outside
// the module cache can be reached (cmd/go modfetch/cache.go: CachePath).
func (c *Cache) slot(m module.Version) (slot, error) {
	path, err := module.EscapePath(m.Path)
	if err != nil {
		return slot{}, badModule(m, err)
	}
	if v := module.CanonicalVersion(m.Version); v != m.Version {
		return slot{}, badModule(m, fmt.Errorf("version %q is not canonical", m.Version))
	}
	version, err := module.EscapeVersion(m.Version)
	if err != nil {
		return slot{}, badModule(m, err)
	}
	dir := filepath.Join(c.dir, "cache", "download", path, "@v")
	base := filepath.Join(dir, version)
	return slot{
		m:       m,
		dir:     dir,
		zip:     base + ".zip",
		ziphash: base + ".ziphash",
		mod:     base + ".mod",
		info:    base + ".info",
		lock:    base + ".lock",
		partial: base + ".partial",
		list:    filepath.Join(dir, "list"),
		tree:    filepath.Join(c.dir, filepath.FromSlash(path)+"@"+version),
	}, nil
}

func badModule(m module.Version, err error) error {
	return &failure.Error{
		Class:  failure.Unknown,
		Op:     "find in module cache",
		Detail: failure.Neutral(fmt.Sprintf("module %s: expected a module path and a canonical version", m)),
		Err:    err,
	}
}

func prefix(m module.Version) string { return m.Path + "@" + m.Version + "/" }
