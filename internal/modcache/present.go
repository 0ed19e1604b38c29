package modcache

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"

	"golang.org/x/mod/module"
	modzip "golang.org/x/mod/zip"

	"github.com/modferry/modferry/internal/diskfile"
)

// HasZip reports whether the module cache has all that the go command needs
// of the zip of m: a regular file that is not empty, with h1 in its ziphash.
// The zip is not hashed; that is what Verify is for.
//
// What only stands in the way is repaired under the version's lock, for which
// HasZip then waits: a tree whose extraction was interrupted (.partial) and
// an empty tree are removed, and a ziphash that is missing or cut is written
// when the zip has the hash h1.
func (c *Cache) HasZip(ctx context.Context, m module.Version, h1 string) (bool, error) {
	s, err := c.slot(m)
	if err != nil {
		return false, err
	}
	if err := needSum("zip", m, h1); err != nil {
		return false, err
	}
	state, err := c.zipState(s, h1)
	if err == nil && state.repairable() && c.run != nil {
		state, err = c.repair(ctx, s, h1)
	}
	return state == zipPresent, local("look for zip of "+m.String(), err)
}

// A zipState is what HasZip finds.
type zipState int

const (
	zipMissing  zipState = iota // or wrong, so it has to be fetched
	zipUnhashed                 // no usable ziphash, as after a lost write
	zipBlocked                  // .partial or an empty tree beside a good zip
	zipPresent
)

func (s zipState) repairable() bool { return s == zipUnhashed || s == zipBlocked }

func (c *Cache) zipState(s slot, h1 string) (zipState, error) {
	switch info, err := os.Stat(s.zip); {
	case errors.Is(err, fs.ErrNotExist):
		return zipMissing, nil
	case err != nil:
		return zipMissing, err
	case !info.Mode().IsRegular(), info.Size() == 0, info.Size() > modzip.MaxZipFile:
		return zipMissing, nil
	}
	switch hash, err := readZipHash(s); {
	case err != nil:
		return zipMissing, err
	case hash == "":
		return zipUnhashed, nil
	case hash != h1:
		return zipMissing, nil
	}
	if _, err := os.Lstat(s.partial); err == nil {
		return zipBlocked, nil
	}
	if empty, err := emptyTree(s); err != nil || empty {
		return zipBlocked, err
	}
	return zipPresent, nil
}

// repair makes a blocked or unhashed zip present. While it waits for the lock
// a go command may finish its extraction, so it looks again.
func (c *Cache) repair(ctx context.Context, s slot, h1 string) (zipState, error) {
	unlock, err := c.lockVersion(ctx, s)
	if err != nil {
		return zipMissing, err
	}
	defer unlock()
	state, err := c.zipState(s, h1)
	if err == nil && state == zipUnhashed {
		good, err := c.goodZip(ctx, s, h1, 1)
		if err != nil || !good {
			return zipMissing, err
		}
		if err := c.write(s.ziphash, []byte(h1)); err != nil {
			return zipMissing, err
		}
		state, err = c.zipState(s, h1)
		if err != nil {
			return zipMissing, err
		}
	}
	if err == nil && state == zipBlocked {
		if err := c.discardTree(s); err != nil {
			return zipMissing, err
		}
		state, err = c.zipState(s, h1)
	}
	return state, err
}

// readZipHash is the hash in the ziphash file of s; "" when there is none, or
// what is there is not a hash, which the go command then computes again.
func readZipHash(s slot) (string, error) {
	data, err := readFile(s.ziphash)
	if err != nil && !foreign(err) {
		return "", err
	}
	hash := string(bytes.TrimSpace(data))
	if !validSum(hash) {
		return "", nil
	}
	return hash, nil
}

// emptyTree reports whether the place of the tree is taken by an empty
// directory, which the go command would take for the whole module, or by
// something that is not a directory.
func emptyTree(s slot) (bool, error) {
	info, err := os.Stat(s.tree) // before opening, which would wait for the other end of a FIFO
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil || !info.IsDir() {
		return true, err
	}
	d, err := os.Open(s.tree)
	if err != nil {
		return false, err
	}
	defer d.Close()
	_, err = d.Readdirnames(1)
	if err == io.EOF {
		return true, nil
	}
	return false, err
}

// HasMod reports whether the go.mod of m is there with the hash h1, that of a
// "path version/go.mod" line. The file is hashed, as the go command does at
// every read.
func (c *Cache) HasMod(m module.Version, h1 string) (bool, error) {
	s, err := c.slot(m)
	if err != nil {
		return false, err
	}
	if err := needSum("go.mod", m, h1); err != nil {
		return false, err
	}
	data, err := readFile(s.mod)
	if err != nil && !foreign(err) {
		return false, local("look for go.mod of "+m.String(), err)
	}
	return data != nil && modSum(data) == h1, nil
}

// Extracted reports whether the tree of m is there and complete, by the rules
// of the go command (cmd/go modfetch/cache.go: DownloadDir) and not empty.
func (c *Cache) Extracted(m module.Version) bool {
	s, err := c.slot(m)
	return err == nil && c.extracted(s)
}

func (c *Cache) extracted(s slot) bool {
	info, err := os.Stat(s.tree)
	if err != nil || !info.IsDir() {
		return false
	}
	// After the tree: a .partial made later belongs to a later tree.
	if _, err := os.Lstat(s.partial); !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if _, err := os.Stat(s.ziphash); err != nil {
		return false
	}
	empty, err := emptyTree(s)
	return err == nil && !empty
}

// HasTree reports whether the tree of m is there as the go command accepts it,
// and made of a zip with the hash h1 as far as its ziphash tells. It is all that
// builds need, with or without the zip. Nothing is hashed, and nothing repaired.
func (c *Cache) HasTree(m module.Version, h1 string) (bool, error) {
	s, err := c.slot(m)
	if err != nil {
		return false, err
	}
	if err := needSum("tree", m, h1); err != nil {
		return false, err
	}
	if !c.extracted(s) {
		return false, nil
	}
	hash, err := readZipHash(s)
	return hash == h1, local("look for tree of "+m.String(), err)
}

// readFile reads a small file of the module cache. The data of an absent file
// is nil, and of a foreign one as well.
func readFile(name string) ([]byte, error) {
	data, err := diskfile.Read(name, modzip.MaxGoMod)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}
