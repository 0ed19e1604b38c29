package modcache

import (
	"fmt"
	"io/fs"
	"os"

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
