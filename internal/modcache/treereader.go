package modcache

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/failure"
)

// A TreeReader gives the files of a module's tree, one after the other.
type TreeReader interface {
	// Next goes on to the next file and returns its name, slash-separated and
	// relative to the tree, and its size in bytes. The error is io.EOF after
	// the last one. What has not been read of the file before is skipped.
	Next() (name string, size int64, err error)
	// Read reads the current file, up to io.EOF.
	io.Reader
}

// ErrNoTree says that no tree can stand for a zip: it has entries for
// directories, or breaks the rules that the go command extracts by.
var ErrNoTree = errors.New("no tree can have the hash of the zip")

// A Tree reads the files of a module in the module cache in the order of their
// names, and hashes them: Next returns io.EOF only after the h1 of all of them
// was the expected one, else a *failure.Error of the class HashMismatch. It is
// for one goroutine, which closes it.
type Tree struct {
	m     module.Version
	h1    string
	ctx   context.Context
	files []treeEntry
	close func() error

	next int
	cur  io.ReadCloser
	left int64 // of the current file, in bytes
	hash hash.Hash
	sums []fileSum
}

type treeEntry struct {
	name string
	size int64
	open func() (io.ReadCloser, error)
}

// OpenTree opens the extracted tree of m, expected to have the hash h1. The
// error wraps fs.ErrNotExist when HasTree would say no; what no tree of a module
// may hold is a verdict, as in PutTree.
func (c *Cache) OpenTree(ctx context.Context, m module.Version, h1 string) (*Tree, error) {
	s, err := c.slot(m)
	if err != nil {
		return nil, err
	}
	op := "read tree of " + m.String()
	switch has, err := c.HasTree(m, h1); {
	case err != nil:
		return nil, err
	case !has:
		return nil, local(op, fs.ErrNotExist)
	}
	t := newTree(ctx, m, h1)
	rules := newTreeRules(m)
	err = walkTree(s, func(name string, info fs.FileInfo) error {
		if !info.Mode().IsRegular() {
			return reject(failure.UnsafeZip, "tree", m, "found %q, which is not a regular file", name)
		}
		if err := rules.check(name, info.Size()); err != nil {
			return err
		}
		file := filepath.Join(s.tree, filepath.FromSlash(name))
		t.files = append(t.files, treeEntry{name, info.Size(), func() (io.ReadCloser, error) { return diskfile.Open(file) }})
		return nil
	})
	if err != nil {
		return nil, local(op, err)
	}
	t.sort()
	return t, nil
}

// OpenZip opens the zip of m, expected to have the hash h1, as the tree that the
// go command makes of it. The error is ErrNoTree, wraps fs.ErrNotExist, or is
// one of those of PutZip.
func (c *Cache) OpenZip(ctx context.Context, m module.Version, h1 string) (*Tree, error) {
	s, err := c.slot(m)
	if err != nil {
		return nil, err
	}
	op := "read zip of " + m.String()
	f, err := s.openZip()
	if err != nil {
		return nil, local(op, err)
	}
	t, err := c.zipTree(ctx, m, h1, f)
	if err != nil {
		f.Close()
		return nil, local(op, err)
	}
	return t, nil
}

func (c *Cache) zipTree(ctx context.Context, m module.Version, h1 string, f *os.File) (*Tree, error) {
	a, err := openArchive(m, f, c.crew)
	if err != nil {
		return nil, err
	}
	rules := newTreeRules(m)
	t := newTree(ctx, m, h1)
	t.close = f.Close
	for _, file := range a.files {
		name, size := file.Name[len(prefix(m)):], int64(file.UncompressedSize64)
		if rules.check(name, size) != nil {
			return nil, ErrNoTree
		}
		t.files = append(t.files, treeEntry{name, size, file.Open})
	}
	if len(t.files) == 0 {
		return nil, ErrNoTree
	}
	t.sort()
	return t, nil
}

func newTree(ctx context.Context, m module.Version, h1 string) *Tree {
	return &Tree{m: m, h1: h1, ctx: ctx, close: func() error { return nil }, hash: sha256.New()}
}

func (t *Tree) sort() {
	slices.SortFunc(t.files, func(a, b treeEntry) int { return strings.Compare(a.name, b.name) })
}

// Size is the size of all files together, in bytes.
func (t *Tree) Size() int64 {
	var n int64
	for _, f := range t.files {
		n += f.size
	}
	return n
}

// Next is that of TreeReader.
func (t *Tree) Next() (name string, size int64, err error) {
	if err := t.finish(); err != nil {
		return "", 0, err
	}
	if err := t.ctx.Err(); err != nil {
		return "", 0, context.Cause(t.ctx)
	}
	if t.next == len(t.files) {
		return "", 0, t.verify()
	}
	f := t.files[t.next]
	if t.cur, err = f.open(); err != nil {
		return "", 0, t.fault(err)
	}
	t.next++
	t.left = f.size
	t.hash.Reset()
	return f.name, f.size, nil
}

// Read is that of TreeReader. A file that is shorter than it was is an error.
func (t *Tree) Read(p []byte) (int, error) {
	if t.cur == nil || t.left == 0 {
		return 0, io.EOF
	}
	n, err := t.cur.Read(p[:min(int64(len(p)), t.left)])
	t.hash.Write(p[:n])
	t.left -= int64(n)
	switch {
	case err == io.EOF && t.left > 0:
		err = t.fault(io.ErrUnexpectedEOF)
	case err == io.EOF:
		err = nil
	case err != nil:
		err = t.fault(err)
	}
	return n, err
}

// finish hashes what is left of the current file and closes it.
func (t *Tree) finish() error {
	if t.cur == nil {
		return nil
	}
	_, err := io.Copy(io.Discard, struct{ io.Reader }{t})
	t.cur.Close()
	t.cur = nil
	t.sums = append(t.sums, fileSum{name: prefix(t.m) + t.files[t.next-1].name, sum: digest(t.hash.Sum(nil))})
	return err
}

// verify is io.EOF when the hash is right.
func (t *Tree) verify() error {
	got, err := newManifest(t.sums).h1()
	if err != nil {
		return reject(failure.UnsafeZip, "tree", t.m, "found %v", err)
	}
	if got != t.h1 {
		return mismatch("tree", t.m, got, t.h1)
	}
	return io.EOF
}

// fault classifies what keeps a file from being read: this machine, or what
// the file is.
func (t *Tree) fault(err error) error {
	if mishap(err) {
		return local("read tree of "+t.m.String(), err)
	}
	return reject(failure.WrongContent, "tree", t.m, "found a damaged file: %s: %v", t.files[max(t.next-1, 0)].name, err)
}

// Close gives the files up.
func (t *Tree) Close() error {
	if t.cur != nil {
		t.cur.Close()
		t.cur = nil
	}
	return t.close()
}

// walkTree calls do for every file of the extracted tree of s, with its
// slash-separated name relative to the tree: "" when what is there is no
// directory.
func walkTree(s slot, do func(name string, info fs.FileInfo) error) error {
	return filepath.WalkDir(s.tree, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel := strings.TrimPrefix(name[len(s.tree):], string(filepath.Separator))
		return do(filepath.ToSlash(rel), info)
	})
}
