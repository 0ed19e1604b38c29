package modcache

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"runtime"

	"golang.org/x/mod/module"
	modzip "golang.org/x/mod/zip"

	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/failure"
)

// PutOptions say how PutZip works.
type PutOptions struct {
	Extract  bool // also write the tree, in the same pass as hashing
	Parallel int  // goroutines for this one zip; 0 means 1
}

// PutZip verifies that tmp is the zip of m with the hash h1 and places it in
// the module cache with its ziphash, under the version's lock, so that a go
// command waiting for it adopts it. A good zip that somebody else placed
// meanwhile is kept and tmp dropped; a wrong zip, ziphash or tree is replaced
// or removed. tmp comes from Temp, nobody may write to it any more, and it is
// consumed in any case: closed, and removed unless placed.
//
// Errors are *failure.Error of the classes HashMismatch (Detail has both
// hashes), WrongContent (not a zip, damaged), UnsafeZip (foreign names,
// or a wrong hash and names that no module zip may hold), TooLarge,
// MissingSum (no h1), and the local ones. *ExtractError means that the zip is
// placed and only its tree is not.
func (c *Cache) PutZip(ctx context.Context, m module.Version, h1 string, tmp *os.File, o PutOptions) error {
	defer func() {
		tmp.Close()
		os.Remove(tmp.Name())
	}()
	s, err := c.slot(m)
	if err != nil {
		return err
	}
	if err := needSum("zip", m, h1); err != nil {
		return err
	}
	op := "put zip of " + m.String()
	a, err := openArchive(m, tmp, c.crew)
	if err != nil {
		return local(op, err)
	}
	var tree *treeWriter
	var extractErr error
	if o.Extract {
		tree, extractErr = c.prepareTree(a)
		defer tree.remove()
	}
	files, err := a.verify(ctx, h1, max(o.Parallel, 1), tree)
	if err != nil {
		return local(op, err)
	}
	if tree != nil && tree.err != nil {
		extractErr = tree.err
		tree.remove() // at once: on a full disk the zip needs the room
		tree = nil
	}
	// Windows does not move an open file.
	if err := tmp.Close(); err != nil {
		return local(op, err)
	}
	placed, err := c.place(ctx, s, h1, tmp.Name(), files, tree, o.Parallel)
	switch {
	case !placed:
		return local(op, err)
	case err != nil:
		extractErr = err
	}
	if extractErr != nil {
		return &ExtractError{Module: m, Err: local("extract "+m.String(), extractErr)}
	}
	return nil
}

// prepareTree makes a tree for the files of a, if the rules let them be
// extracted.
func (c *Cache) prepareTree(a *archive) (*treeWriter, error) {
	if err := a.checkRules(); err != nil {
		return nil, err
	}
	return c.newZipTree(a)
}

// place moves the verified zip, unless its name is "", and the verified tree,
// unless it is nil, to s, under its lock. placed says whether the ziphash, and
// the zip, are there: an error then concerns only the tree.
//
// The order makes every instant safe. A tree made of other bytes is gone before
// the go command can find a zip or a ziphash beside it, and a wrong zip before
// the right ziphash could vouch for it. The ziphash comes before the zip as in
// the go command (cmd/go modfetch/fetch.go: downloadZip, hashZip), since go mod
// verify fails on a zip without ziphash but skips a ziphash without zip. And it
// comes before the tree, since the go command takes a tree without ziphash for
// unfinished: it downloads the zip, and then uses the tree unchecked. The tree
// comes last and by a rename, so there is never a part of one.
func (c *Cache) place(ctx context.Context, s slot, h1, zip string, files manifest, tree *treeWriter, parallel int) (placed bool, err error) {
	unlock, err := c.lockVersion(ctx, s)
	if err != nil {
		return false, err
	}
	defer unlock()
	extracted, err := c.settleTree(ctx, s, files, parallel)
	if err != nil {
		return false, err
	}
	if err := c.placeZip(ctx, s, h1, zip, parallel); err != nil {
		return false, err
	}
	if tree == nil || extracted {
		return true, nil
	}
	return true, tree.place(c, s)
}

// placeZip leaves the right ziphash, and no zip but the right one, which it
// takes from zip if there is none yet and zip is not "". The caller holds the
// version's lock.
func (c *Cache) placeZip(ctx context.Context, s slot, h1, zip string, parallel int) error {
	good, err := c.goodZip(ctx, s, h1, parallel)
	if err != nil {
		return err
	}
	if !good {
		if err := os.Remove(s.zip); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	hash, err := readZipHash(s)
	if err != nil {
		return err
	}
	if hash != h1 {
		if err := c.write(s.ziphash, []byte(h1)); err != nil {
			return err
		}
	}
	if good || zip == "" {
		return nil
	}
	return c.move(zip, s.zip)
}

// settleTree removes what stands in the tree's place but is not complete, or
// not what files say, and reports whether a right tree remains. The caller
// holds the version's lock, so nobody is extracting.
func (c *Cache) settleTree(ctx context.Context, s slot, files manifest, parallel int) (extracted bool, err error) {
	_, treeErr := os.Lstat(s.tree)
	_, partialErr := os.Lstat(s.partial)
	switch {
	case partialErr == nil:
		return false, c.discardTree(s)
	case errors.Is(treeErr, os.ErrNotExist):
		return false, nil
	case treeErr != nil:
		return false, treeErr
	}
	found, err := c.readTree(ctx, s, max(parallel, 1))
	if err != nil {
		return false, err
	}
	if want := files.files(); len(want) > 0 && len(compare(want, found)) == 0 {
		return true, nil
	}
	return false, c.discardTree(s)
}

// goodZip reports whether the zip of s is there and has the hash h1. The
// ziphash is not believed: a zip that was damaged later keeps it.
func (c *Cache) goodZip(ctx context.Context, s slot, h1 string, parallel int) (bool, error) {
	files, err := c.readZip(ctx, s, parallel)
	var verdict *failure.Error
	switch {
	case errors.Is(err, os.ErrNotExist), errors.As(err, &verdict):
		return false, nil
	case err != nil:
		return false, err
	}
	got, err := files.h1()
	return err == nil && got == h1, nil
}

// readZip hashes the files of the zip of s in the module cache. An error that
// is not a verdict (*failure.Error) on the zip is one of the disk or of ctx.
func (c *Cache) readZip(ctx context.Context, s slot, parallel int) (manifest, error) {
	f, err := s.openZip()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	a, err := openArchive(s.m, f, c.crew)
	if err != nil {
		return nil, err
	}
	return a.read(ctx, max(parallel, 1), nil)
}

// openZip takes anything but a regular file for a wrong zip: a verdict.
func (s slot) openZip() (*os.File, error) {
	f, err := diskfile.Open(s.zip)
	if special(err) {
		return nil, reject(failure.WrongContent, "zip", s.m, "found %s", notTheFile(err))
	}
	return f, err
}

// PutMod verifies that tmp is the go.mod of m with the hash h1, that of a
// "path version/go.mod" line, and places it. What holds for the tmp and the
// errors of PutZip holds here.
func (c *Cache) PutMod(ctx context.Context, m module.Version, h1 string, tmp *os.File) error {
	defer func() {
		tmp.Close()
		os.Remove(tmp.Name())
	}()
	s, err := c.slot(m)
	if err != nil {
		return err
	}
	if err := needSum("go.mod", m, h1); err != nil {
		return err
	}
	op := "put go.mod of " + m.String()
	if err := checkMod(m, h1, tmp); err != nil {
		return local(op, err)
	}
	if err := ctx.Err(); err != nil {
		return local(op, err)
	}
	// Windows does not move an open file.
	if err := tmp.Close(); err != nil {
		return local(op, err)
	}
	if err := c.adopt(tmp.Name(), s.mod); err != nil {
		return local(op, err)
	}
	c.updateList(ctx, s)
	return nil
}

func checkMod(m module.Version, h1 string, f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() > modzip.MaxGoMod {
		return reject(failure.TooLarge, "go.mod", m, "found %d bytes, expected at most %d", info.Size(), modzip.MaxGoMod)
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(f, 0, info.Size())); err != nil {
		return err
	}
	got, err := manifest{{name: "go.mod", sum: digest(sum.Sum(nil))}}.h1()
	if err != nil || got == h1 {
		return err
	}
	head := make([]byte, 512)
	if n, _ := f.ReadAt(head, 0); failure.IsPage(head[:n]) {
		return reject(failure.WrongContent, "go.mod", m, "found an HTML page, as login pages and captive portals send")
	}
	return mismatch("go.mod", m, got, h1)
}

// Extract writes the tree of the zip of m that is in the module cache, after
// verifying that it has the hash h1. It does nothing when there is a tree. An
// *ExtractError means that the zip is right and no tree can be made of it; a
// zip that is not right is an error of the classes of PutZip.
func (c *Cache) Extract(ctx context.Context, m module.Version, h1 string) error {
	s, err := c.slot(m)
	if err != nil {
		return err
	}
	if err := needSum("zip", m, h1); err != nil {
		return err
	}
	if c.extracted(s) {
		return nil
	}
	op := "extract " + m.String()
	f, err := s.openZip()
	if err != nil {
		return local(op, err)
	}
	defer f.Close()
	a, err := openArchive(m, f, c.crew)
	if err != nil {
		return local(op, err)
	}
	tree, treeErr := c.prepareTree(a)
	defer tree.remove()
	parallel := runtime.GOMAXPROCS(0)
	// The hash decides first: a wrong zip may break the rules, too.
	files, err := a.verify(ctx, h1, parallel, tree)
	if err != nil {
		return local(op, err)
	}
	if treeErr != nil {
		return &ExtractError{Module: m, Err: local(op, treeErr)}
	}
	if tree == nil {
		return nil // a module without files
	}
	if tree.err == nil {
		tree.err = c.placeTree(ctx, s, h1, files, tree, parallel)
	}
	if tree.err != nil {
		return &ExtractError{Module: m, Err: local(op, tree.err)}
	}
	return nil
}

// placeTree moves a verified tree to s beside a zip that is there already.
func (c *Cache) placeTree(ctx context.Context, s slot, h1 string, files manifest, tree *treeWriter, parallel int) error {
	unlock, err := c.lockVersion(ctx, s)
	if err != nil {
		return err
	}
	defer unlock()
	extracted, err := c.settleTree(ctx, s, files, parallel)
	if err != nil || extracted {
		return err
	}
	// The go command accepts a tree only beside a ziphash.
	if hash, err := readZipHash(s); err != nil {
		return err
	} else if hash != h1 {
		if err := c.write(s.ziphash, []byte(h1)); err != nil {
			return err
		}
	}
	return tree.place(c, s)
}
