package modcache

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/module"
)

// Held is a zip of the module cache.
type Held struct {
	Module  module.Version
	Bytes   int64
	Written time.Time
}

// Zips lists the zips that the module cache has, with a ziphash each, in no
// particular order. Nothing is verified; names that the go command does not
// write are passed over.
func (c *Cache) Zips() ([]Held, error) {
	root := filepath.Join(c.dir, "cache", "download")
	var held []Held
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil || d.IsDir() || filepath.Ext(name) != ".zip" {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		path, file, ok := strings.Cut(filepath.ToSlash(rel), "/@v/")
		if !ok {
			return nil
		}
		m := module.Version{}
		if m.Path, err = module.UnescapePath(path); err != nil {
			return nil
		}
		if m.Version, err = module.UnescapeVersion(strings.TrimSuffix(file, ".zip")); err != nil {
			return nil
		}
		if _, err := os.Stat(strings.TrimSuffix(name, ".zip") + ".ziphash"); err != nil {
			return nil
		}
		info, err := d.Info()
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil {
			return err
		}
		held = append(held, Held{Module: m, Bytes: info.Size(), Written: info.ModTime()})
		return nil
	})
	return held, local("list the module cache", err)
}
