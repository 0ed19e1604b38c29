package modcache

import (
	"context"
	"errors"
	"io"
	"path"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/failure"
)

// PutTree writes the tree of m from files, verifies that it has the hash h1,
// that of the module's zip, and places it with its ziphash, but without a zip:
// builds need none. A right tree that somebody else placed meanwhile is kept; a
// wrong zip, ziphash or tree is removed or replaced.
//
// A go command that is already waiting for the module's lock downloads the zip
// all the same, since it looks for the tree only then.
//
// Errors of files are returned as they are. All others are *failure.Error of
// the classes HashMismatch (Detail has both hashes), UnsafeZip (names that no
// module zip may hold), TooLarge, MissingSum (no h1), and the local ones.
func (c *Cache) PutTree(ctx context.Context, m module.Version, h1 string, files TreeReader) error {
	s, err := c.slot(m)
	if err != nil {
		return err
	}
	if err := needSum("tree", m, h1); err != nil {
		return err
	}
	op := "put tree of " + m.String()
	t, err := c.makeTree()
	if err != nil {
		return local(op, err)
	}
	defer t.remove()
	found, err := c.writeTree(ctx, m, t, files)
	if err != nil {
		return err
	}
	if t.err != nil {
		return local(op, t.err)
	}
	if len(found) == 0 { // an empty tree would count as a complete one
		return reject(failure.WrongContent, "tree", m, "found no files")
	}
	got, err := found.h1()
	if err != nil {
		return reject(failure.UnsafeZip, "tree", m, "found %v", err)
	}
	if got != h1 {
		return mismatch("tree", m, got, h1)
	}
	_, err = c.place(ctx, s, h1, "", found, t, 1)
	return local(op, err)
}

// writeTree reads all files, hashes them, and writes them to t, which notes
// what goes wrong there.
func (c *Cache) writeTree(ctx context.Context, m module.Version, t *treeWriter, files TreeReader) (manifest, error) {
	w := c.crew.workers.Get().(*worker)
	defer c.crew.workers.Put(w)
	rules := newTreeRules(m)
	var found manifest
	for !t.failed.Load() {
		name, size, err := files.Next()
		if err == io.EOF {
			return newManifest(found), nil
		}
		if err != nil {
			return nil, err
		}
		if err := rules.check(name, size); err != nil {
			return nil, err
		}
		sum, err := t.writeFile(ctx, w, name, files)
		if err != nil {
			return nil, err
		}
		found = append(found, fileSum{name: prefix(m) + name, sum: sum})
	}
	return nil, nil
}

// writeFile writes and hashes one file. Errors are those of body and ctx.
func (t *treeWriter) writeFile(ctx context.Context, w *worker, name string, body io.Reader) (digest, error) {
	t.fail(t.makeDir(path.Dir(name)))
	out := t.create(name)
	if out == nil {
		return digest{}, nil
	}
	defer out.close()
	sum, err := w.sum(ctx, body, out.write)
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		err = local("write tree", err)
	}
	return sum, err
}
