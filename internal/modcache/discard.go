package modcache

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"golang.org/x/mod/module"
)

// Discard removes the zip, ziphash and tree of m under the version's lock, so
// that it counts as missing for us and for the go command. Its go.mod and
// .info stay: they are checked at every read and replaced by a put.
func (c *Cache) Discard(ctx context.Context, m module.Version) error {
	return c.discard(ctx, m, true)
}

// DiscardTree removes only the tree of m: the go command extracts it again
// from the zip.
func (c *Cache) DiscardTree(ctx context.Context, m module.Version) error {
	return c.discard(ctx, m, false)
}

func (c *Cache) discard(ctx context.Context, m module.Version, zip bool) error {
	s, err := c.slot(m)
	if err != nil {
		return err
	}
	op := "discard " + m.String()
	unlock, err := c.lockVersion(ctx, s)
	if err != nil {
		return local(op, err)
	}
	defer unlock()
	// The tree first: without .partial the go command would believe it even
	// when zip and ziphash have been fetched anew.
	if err := c.discardTree(s); err != nil {
		return local(op, err)
	}
	if !zip {
		return nil
	}
	// The zip before its hash: an unhashed wrong zip makes the go command
	// stop, a hash without zip makes it download.
	for _, name := range []string{s.zip, s.ziphash} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return local(op, err)
		}
	}
	return nil
}
