package modcache

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/diskfile"
)

// OpenFile opens a downloaded file of m as it stands there: kind is "zip",
// "mod" or "info". Nothing is verified or locked; the go command replaces such
// files only by renaming, so what is open stays whole. The error wraps
// fs.ErrNotExist when there is no such file, or something else in its place.
func (c *Cache) OpenFile(m module.Version, kind string) (*os.File, error) {
	s, err := c.slot(m)
	if err != nil {
		return nil, err
	}
	var name string
	switch kind {
	case "zip":
		name = s.zip
	case "mod":
		name = s.mod
	case "info":
		name = s.info
	default:
		return nil, fmt.Errorf("open file of %s: kind %q: %w", m, kind, fs.ErrNotExist)
	}
	f, err := diskfile.Open(name)
	if special(err) {
		err = fmt.Errorf("%w: %w", err, fs.ErrNotExist)
	}
	return f, local("open "+kind+" of "+m.String(), err)
}

// write puts data into the file name in one step.
func (c *Cache) write(name string, data []byte) error {
	temp, err := c.tempName()
	if err != nil {
		return err
	}
	f, err := createTemp(temp)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = c.adopt(temp, name)
	}
	if err != nil {
		os.Remove(temp)
	}
	return err
}

// adopt moves a temporary file to its final name, whose directory may not be
// there yet.
func (c *Cache) adopt(temp, name string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	return c.move(temp, name)
}

// move renames from, a temporary file of this run, to its final name. When
// they are on different file systems it makes a copy beside the final name
// first. Its name must not match VERSION.zip*.tmp: the go command deletes
// those.
func (c *Cache) move(from, to string) error {
	err := c.rename(from, to)
	if info, serr := os.Lstat(to); err != nil && serr == nil && info.IsDir() {
		return &diskfile.KindError{Path: to, Mode: info.Mode()} // may hold anything: not ours to remove
	}
	if !crossDevice(err) {
		return err
	}
	near, err := os.CreateTemp(filepath.Dir(to), ".modferry-*")
	if err != nil {
		return err
	}
	near.Close()
	os.Remove(near.Name()) // only its name is needed: copyFile sets the mode
	err = copyFile(from, near.Name(), 0o666)
	if err == nil {
		err = diskfile.Rename(near.Name(), to)
	}
	if err != nil {
		os.Remove(near.Name())
		return err
	}
	os.Remove(from)
	return nil
}
