package modcache

import (
	"fmt"
	"path/filepath"
)

// PutSumDB places what a checksum database said, by path below it, where the go
// command keeps that (cmd/go modfetch/sumdb.go: ReadCache), which then need not ask the
// database. Nothing is verified here, and the go command verifies it at every read. As
// a file:// mirror, the module cache then serves the database.
func (c *Cache) PutSumDB(name string, files map[string][]byte) error {
	below := filepath.FromSlash("cache/download/sumdb/" + name)
	put := func(path string, data []byte) error {
		to := filepath.Join(below, filepath.FromSlash(path))
		if !filepath.IsLocal(filepath.FromSlash(name)) || !filepath.IsLocal(filepath.FromSlash(path)) {
			return fmt.Errorf("no place in a module cache: %q", path)
		}
		return c.write(filepath.Join(c.dir, to), data)
	}
	for path, data := range files {
		if err := put(path, data); err != nil {
			return local("keep what "+name+" said", err)
		}
	}
	return local("keep what "+name+" said", put("supported", nil))
}
