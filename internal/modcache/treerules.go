package modcache

import (
	"fmt"
	"path"
	"strings"
	"unicode"

	"golang.org/x/mod/module"
	modzip "golang.org/x/mod/zip"

	"github.com/modferry/modferry/internal/failure"
)

// maxTreeFiles is the most files of a tree: about as many as the list of files
// of a zip has room for.
const maxTreeFiles = 200_000

// treeRules are the rules of module zips for the files of a tree that come one
// after the other (x/mod/zip: checkZip). They decide before a name is used.
type treeRules struct {
	m     module.Version
	seen  map[string]treeName // by the name without its case
	files int
	bytes int64
}

// A treeName is a name in a tree, of a file or of a directory above one.
type treeName struct {
	name  string
	isDir bool
}

func newTreeRules(m module.Version) *treeRules {
	return &treeRules{m: m, seen: map[string]treeName{}}
}

// check takes the next file, or gives the verdict on the tree.
func (r *treeRules) check(name string, size int64) error {
	unsafe := func(why error) error {
		return reject(failure.UnsafeZip, "tree", r.m, "found a tree that breaks the rules of module zips: %.200q: %v", name, why)
	}
	if err := module.CheckFilePath(name); err != nil {
		return unsafe(err)
	}
	if strings.EqualFold(path.Base(name), "go.mod") && name != "go.mod" {
		return unsafe(fmt.Errorf("go.mod is in another place, or in capital letters"))
	}
	if why := r.claim(name, false); why != nil {
		return unsafe(why)
	}
	limit := int64(modzip.MaxZipFile)
	switch name {
	case "go.mod":
		limit = modzip.MaxGoMod
	case "LICENSE":
		limit = modzip.MaxLICENSE
	}
	if size < 0 || size > limit {
		return reject(failure.TooLarge, "tree", r.m, "found file %q of %d bytes, expected at most %d", name, size, limit)
	}
	if r.bytes += size; r.bytes > modzip.MaxZipFile {
		return reject(failure.TooLarge, "tree", r.m, "found contents of more than %d bytes", modzip.MaxZipFile)
	}
	if r.files++; r.files > maxTreeFiles {
		return reject(failure.TooLarge, "tree", r.m, "found more than %d files", maxTreeFiles)
	}
	return nil
}

// claim takes a name and those of the directories above it, unless another name
// differs from it in case only, or it is a file's and a directory's.
func (r *treeRules) claim(name string, isDir bool) error {
	key := fold(name)
	if other, ok := r.seen[key]; ok {
		switch {
		case other.name != name:
			return fmt.Errorf("it differs from %.200q in case only", other.name)
		case !isDir && !other.isDir:
			return fmt.Errorf("the file is there twice")
		case !isDir || !other.isDir:
			return fmt.Errorf("it is both a file and a directory")
		}
		return nil
	}
	r.seen[key] = treeName{name, isDir}
	if parent := path.Dir(name); parent != "." {
		return r.claim(parent, true)
	}
	return nil
}

// fold returns the same for all names that a file system without case takes for
// one (x/mod/zip: strToFold).
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII {
			return unicode.ToLower(r)
		}
		// SimpleFold goes round the letters that are the same; the smallest
		// stands for all.
		for {
			before := r
			if r = unicode.SimpleFold(before); r <= before {
				break
			}
		}
		return unicode.ToLower(r)
	}, s)
}
