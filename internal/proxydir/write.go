package proxydir

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"github.com/modferry/modferry/internal/diskfile"
)

// Dir is a directory that a module proxy is written to. It is not safe for concurrent
// use.
type Dir struct {
	root *os.Root
}

// Create opens a directory for writing, and makes it. What is there stays, and is
// replaced where something newer is written. A directory that is written as one of the
// checkouts' is not one behind a link that leads out of it. The caller closes it.
func Create(dir string, checkouts ...string) (*Dir, error) {
	if err := diskfile.MkdirOutput(dir, checkouts...); err != nil {
		return nil, fmt.Errorf("make the directory: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the directory: %w", err)
	}
	return &Dir{root}, nil
}

// Close closes the directory.
func (d *Dir) Close() error { return d.root.Close() }

// Put writes a file of a module: kind is "zip", "mod" or "info".
func (d *Dir) Put(v module.Version, kind string, from io.Reader) error {
	name, err := fileName(v, kind)
	if err != nil {
		return err
	}
	return d.write(name, from)
}

// List writes which versions a module has, those that it had before included.
func (d *Dir) List(modulePath string, versions []string) error {
	escaped, err := module.EscapePath(modulePath)
	if err != nil {
		return err
	}
	name := escaped + "/@v/list"
	if f, err := d.root.Open(name); err == nil {
		before, err := io.ReadAll(io.LimitReader(f, mostList))
		f.Close()
		if err != nil {
			return err
		}
		versions = append(slices.Clone(versions), strings.Fields(string(before))...)
	}
	versions = slices.DeleteFunc(versions, func(v string) bool {
		return !semver.IsValid(v) || module.IsPseudoVersion(v) // of which a list has none
	})
	semver.Sort(versions)
	return d.write(name, strings.NewReader(strings.Join(append(slices.Compact(versions), ""), "\n")))
}

const mostList = 4 << 20

// SumDB writes what a checksum database said, by path below it, and that it is here.
func (d *Dir) SumDB(name string, files map[string][]byte) error {
	put := func(p string, data []byte) error { return d.write("sumdb/"+name+"/"+p, bytes.NewReader(data)) }
	for p, data := range files {
		if err := put(p, data); err != nil {
			return err
		}
	}
	return put("supported", nil)
}

func (d *Dir) write(name string, from io.Reader) (err error) {
	valid := fs.ValidPath(name)
	if name = filepath.FromSlash(name); !valid || !filepath.IsLocal(name) {
		return fmt.Errorf("%q is no name in a directory", name)
	}
	dir := filepath.Dir(name)
	if err := d.root.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	temp := filepath.Join(dir, ".modferry-"+rand.Text())
	f, err := d.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			if gone := d.root.Remove(temp); !errors.Is(gone, fs.ErrNotExist) {
				err = errors.Join(err, gone)
			}
		}
	}()
	_, err = io.Copy(f, from)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return d.root.Rename(temp, name)
}

func fileName(v module.Version, kind string) (string, error) {
	p, err := module.EscapePath(v.Path)
	if err != nil {
		return "", err
	}
	version, err := module.EscapeVersion(v.Version)
	if err != nil {
		return "", err
	}
	return path.Join(p, "@v", version+"."+kind), nil
}
