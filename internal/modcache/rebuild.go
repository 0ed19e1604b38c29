package modcache

import (
	"archive/zip"
	"context"
	"io"
	"io/fs"
	"os"

	"golang.org/x/mod/module"
)

// RebuildZip makes the zip of m from its tree, which HasTree must report, unless
// there is one. It is for go mod download, and for go commands that use this
// module cache as their file:// mirror: both want zips. Its h1 is that of every
// zip with these files; its bytes are not those of a mirror's, since nothing in
// it is compressed. What is written is hashed, and a tree that does not have the
// hash h1 any more is a *failure.Error of the class HashMismatch.
func (c *Cache) RebuildZip(ctx context.Context, m module.Version, h1 string) error {
	if has, err := c.HasZip(ctx, m, h1); has || err != nil {
		return err
	}
	s, err := c.slot(m)
	if err != nil {
		return err
	}
	op := "rebuild zip of " + m.String()
	t, err := c.OpenTree(ctx, m, h1)
	if err != nil {
		return err
	}
	defer t.Close()
	tmp, err := c.Temp()
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	err = storeZip(tmp, t)
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return local(op, err)
	}
	unlock, err := c.lockVersion(ctx, s)
	if err != nil {
		return local(op, err)
	}
	defer unlock()
	return local(op, c.placeZip(ctx, s, h1, tmp.Name(), 1))
}

// storeZip writes the zip of a tree. The error of t's hash is among its errors.
func storeZip(w io.Writer, t *Tree) error {
	z := zip.NewWriter(w)
	buf := make([]byte, copyBuffer)
	for {
		name, _, err := t.Next()
		if err == io.EOF {
			return z.Close()
		}
		if err != nil {
			return err
		}
		out, err := z.CreateHeader(&zip.FileHeader{Name: prefix(t.m) + name, Method: zip.Store})
		if err != nil {
			return err
		}
		if _, err := io.CopyBuffer(out, struct{ io.Reader }{t}, buf); err != nil {
			return err
		}
	}
}

// OpenWholeZip opens the zip of m after verifying that it has the hash h1. The
// error wraps fs.ErrNotExist when there is none that has.
func (c *Cache) OpenWholeZip(ctx context.Context, m module.Version, h1 string) (*os.File, error) {
	s, err := c.slot(m)
	if err != nil {
		return nil, err
	}
	good, err := c.goodZip(ctx, s, h1, 1)
	if err == nil && !good {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, local("read zip of "+m.String(), err)
	}
	return c.OpenFile(m, "zip")
}
