package modcache

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/failure"
)

// A Difference is one file of the module cache that is not what go.sum says.
type Difference struct {
	What  string // "zip", "ziphash", "tree", "mod", or "partial" (an interrupted extraction)
	File  string // slash-separated, relative to the module cache
	Found string // a hash, "absent", or what it is in words; neutralised
	Want  string // a hash, or "absent"
}

func (d Difference) String() string {
	return fmt.Sprintf("%s: found %s, expected %s", d.File, d.Found, d.Want)
}

const absent = "absent"

// Verify hashes everything there is of m, in up to parallel goroutines (0
// means 1), and names each file that differs from the hashes of go.sum: the
// zip, its ziphash, every file of the tree, the go.mod. What is not there is
// no difference (HasZip and HasMod tell), and an empty hash means not to look.
// Nothing is changed or locked.
//
// Files of a tree are compared with those of the zip; without a good zip only
// the hash of the whole tree can be compared, and File is its directory. A
// tree whose extraction was interrupted is not looked at: the go command will
// replace it.
func (c *Cache) Verify(ctx context.Context, m module.Version, zipH1, modH1 string, parallel int) ([]Difference, error) {
	s, err := c.slot(m)
	if err != nil {
		return nil, err
	}
	var diffs []Difference
	if zipH1 != "" {
		if err := needSum("zip", m, zipH1); err != nil {
			return nil, err
		}
		if diffs, err = c.verifyZip(ctx, s, zipH1, max(parallel, 1)); err != nil {
			return nil, local("verify "+m.String(), err)
		}
	}
	if modH1 != "" {
		if err := needSum("go.mod", m, modH1); err != nil {
			return nil, err
		}
		data, err := readFile(s.mod)
		switch {
		case foreign(err):
			diffs = append(diffs, Difference{"mod", c.name(s.mod), notTheFile(err), modH1})
		case err != nil:
			return nil, local("verify "+m.String(), err)
		case data != nil && modSum(data) != modH1:
			diffs = append(diffs, Difference{"mod", c.name(s.mod), modSum(data), modH1})
		}
	}
	return diffs, nil
}

func (c *Cache) verifyZip(ctx context.Context, s slot, h1 string, parallel int) ([]Difference, error) {
	var diffs []Difference
	files, err := c.readZip(ctx, s, parallel)
	var verdict *failure.Error
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case errors.As(err, &verdict):
		diffs = append(diffs, Difference{"zip", c.name(s.zip), verdict.Detail, h1})
	case err != nil:
		return nil, err
	default:
		got, err := files.h1()
		if err != nil {
			got = err.Error()
		}
		if got != h1 {
			diffs = append(diffs, Difference{"zip", c.name(s.zip), got, h1})
			files = nil
		}
	}
	hash, err := readZipHash(s)
	if err != nil {
		return nil, err
	}
	if hash != "" && hash != h1 {
		diffs = append(diffs, Difference{"ziphash", c.name(s.ziphash), hash, h1})
	}
	tree, err := c.verifyTree(ctx, s, h1, files, parallel)
	return append(diffs, tree...), err
}

// verifyTree compares the tree with the files of the zip, or with h1 when
// files is nil.
func (c *Cache) verifyTree(ctx context.Context, s slot, h1 string, files manifest, parallel int) ([]Difference, error) {
	// The tree is looked up before .partial: a .partial made in between
	// belongs to a later tree.
	_, treeErr := os.Lstat(s.tree)
	if _, err := os.Lstat(s.partial); err == nil {
		return []Difference{{"partial", c.name(s.partial), "an interrupted extraction", absent}}, nil
	}
	if errors.Is(treeErr, fs.ErrNotExist) {
		return nil, nil
	}
	if treeErr != nil {
		return nil, treeErr
	}
	found, err := c.readTree(ctx, s, parallel)
	if err != nil {
		return nil, err
	}
	if files != nil {
		diffs := compare(files.files(), found)
		for i := range diffs {
			diffs[i].File = c.name(s.tree) + "/" + diffs[i].File[len(prefix(s.m)):]
		}
		return diffs, nil
	}
	got, err := found.h1()
	if err != nil {
		got = err.Error()
	}
	if got == h1 {
		return nil, nil
	}
	return []Difference{{"tree", c.name(s.tree), got, h1}}, nil
}

func compare(want, found manifest) []Difference {
	var diffs []Difference
	differ := func(name, found, want string) {
		diffs = append(diffs, Difference{"tree", name, found, want})
	}
	for len(want) > 0 || len(found) > 0 {
		var order int
		switch {
		case len(want) == 0:
			order = +1
		case len(found) == 0:
			order = -1
		default:
			order = cmp.Compare(want[0].name, found[0].name)
		}
		switch {
		case order < 0:
			differ(want[0].name, absent, want[0].sum.String())
			want = want[1:]
			continue
		case order > 0:
			differ(found[0].name, found[0].String(), absent)
			found = found[1:]
			continue
		case found[0].sum != want[0].sum:
			differ(want[0].name, found[0].String(), want[0].sum.String())
		}
		want, found = want[1:], found[1:]
	}
	return diffs
}

// notTheFile is what stands in the place of a file of the module cache, in words.
func notTheFile(err error) string {
	var kind *diskfile.KindError
	var size *diskfile.SizeError
	switch {
	case errors.As(err, &kind):
		return kind.Kind() + ", not a regular file"
	case errors.As(err, &size):
		return fmt.Sprintf("%d bytes", size.Size)
	}
	return err.Error()
}

func (f fileSum) String() string {
	if f.irregular {
		return "not a regular file"
	}
	return f.sum.String()
}

func (c *Cache) name(file string) string {
	rel, err := filepath.Rel(c.dir, file)
	if err != nil {
		rel = file
	}
	return filepath.ToSlash(rel)
}
