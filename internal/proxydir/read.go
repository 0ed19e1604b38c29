package proxydir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/module"
)

// Entry is what a directory has of a module.
type Entry struct {
	Module         module.Version
	Zip, Mod, Info bool
}

// Contents are the names in a directory.
type Contents struct {
	Entries []Entry // sorted by path and version
	// Odd are names that are none of a module proxy's, or no regular files; at most a few
	// of Strange.
	Odd     []string
	Strange int
}

// mostNames bounds what is looked at: all modules of a large company are fewer.
const mostNames = 2_000_000

// mostOdd is how many odd names are told.
const mostOdd = 5

// Read reads what a directory has. Links in it are not followed. The error says that
// the directory cannot be read, or that ctx ended.
func Read(ctx context.Context, dir string) (*Contents, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s is not a directory", dir)
	}
	c := &Contents{}
	found := map[module.Version]*Entry{}
	names := 0
	err = filepath.WalkDir(dir+string(filepath.Separator), func(name string, e fs.DirEntry, err error) error {
		rel, relErr := filepath.Rel(dir, name)
		if names++; names > mostNames {
			return errors.New("more files than any module proxy has")
		}
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil && rel == ".":
			return err
		case err != nil || relErr != nil:
			c.odd(rel)
			return nil
		case e.IsDir() && rel == "sumdb":
			return fs.SkipDir
		case e.IsDir():
			return nil
		}
		v, kind, ok := parse(filepath.ToSlash(rel))
		if !e.Type().IsRegular() || !ok {
			c.odd(rel)
			return nil
		}
		if kind == "list" || kind == "" {
			return nil
		}
		at := found[v]
		if at == nil {
			at = &Entry{Module: v}
			found[v] = at
		}
		switch kind {
		case "zip":
			at.Zip = true
		case "mod":
			at.Mod = true
		case "info":
			at.Info = true
		}
		return nil
	})
	for _, e := range found {
		c.Entries = append(c.Entries, *e)
	}
	slices.SortFunc(c.Entries, func(a, b Entry) int {
		if n := strings.Compare(a.Module.Path, b.Module.Path); n != 0 {
			return n
		}
		return strings.Compare(a.Module.Version, b.Module.Version)
	})
	return c, err
}

func (c *Contents) odd(name string) {
	if c.Strange++; len(c.Odd) < mostOdd {
		c.Odd = append(c.Odd, filepath.ToSlash(name))
	}
}

// parse says what a file is; kind is "" for one that only a module cache has, which
// does no harm.
func parse(name string) (v module.Version, kind string, ok bool) {
	dir, base := path.Split(name)
	escaped, is := strings.CutSuffix(dir, "/@v/")
	if !is {
		return v, "", name == "cache.lock"
	}
	p, err := module.UnescapePath(escaped)
	if err != nil {
		return v, "", false
	}
	if base == "list" {
		return v, base, true
	}
	ext := path.Ext(base)
	switch ext {
	case ".ziphash", ".lock":
		return v, "", true
	case ".zip", ".mod", ".info":
	default:
		return v, "", false
	}
	version, err := module.UnescapeVersion(strings.TrimSuffix(base, ext))
	if err != nil || module.CanonicalVersion(version) != version || module.Check(p, version) != nil {
		return v, "", false
	}
	return module.Version{Path: p, Version: version}, ext[1:], true
}
