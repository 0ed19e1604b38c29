package modcache

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
)

type digest [sha256.Size]byte

func (d digest) String() string { return "sha256:" + hex.EncodeToString(d[:]) }

// A manifest is the files of a zip or a tree with their hashes, sorted by
// name. Names start with path@version/, use slashes, and may repeat in a zip
// that breaks the rules.
type manifest []fileSum

type fileSum struct {
	name      string
	sum       digest
	irregular bool // in a tree: special or too large, so not from a zip
}

// newManifest sorts files. Of files with the same name the last one counts,
// as often as the name stands there: that is what dirhash.HashZip hashes.
func newManifest(files []fileSum) manifest {
	slices.SortStableFunc(files, func(a, b fileSum) int { return cmp.Compare(a.name, b.name) })
	for i := len(files) - 2; i >= 0; i-- {
		if files[i].name == files[i+1].name {
			files[i].sum = files[i+1].sum
		}
	}
	return files
}

var errNewline = errors.New("a file name holds a newline, which h1 hashes cannot express")

// h1 is the hash of a go.sum line over the manifest (x/mod sumdb/dirhash:
// Hash1).
func (mf manifest) h1() (string, error) {
	h := sha256.New()
	var line []byte
	for _, f := range mf {
		if strings.Contains(f.name, "\n") {
			return "", errNewline
		}
		line = hex.AppendEncode(line[:0], f.sum[:])
		line = append(line, "  "...)
		line = append(line, f.name...)
		line = append(line, '\n')
		h.Write(line)
	}
	return "h1:" + base64.StdEncoding.EncodeToString(h.Sum(nil)), nil
}

// files is the manifest without directory entries, which a zip may have and a
// tree has not.
func (mf manifest) files() manifest {
	isDir := func(f fileSum) bool { return strings.HasSuffix(f.name, "/") }
	if !slices.ContainsFunc(mf, isDir) {
		return mf
	}
	return slices.DeleteFunc(slices.Clone(mf), isDir)
}

// modSum is the hash of a "path version/go.mod h1:…" line of go.sum for the
// go.mod file data (cmd/go modfetch/fetch.go: goModSum).
func modSum(data []byte) string {
	h1, err := manifest{{name: "go.mod", sum: sha256.Sum256(data)}}.h1()
	if err != nil {
		panic("modcache: " + err.Error()) // the name has no newline
	}
	return h1
}

// validSum reports whether s has the form of an h1 hash: what a ziphash file
// must hold for the go command not to write it anew (cmd/go
// modfetch/fetch.go: isValidSum).
func validSum(s string) bool {
	return len(s) == len("h1:")+base64.StdEncoding.EncodedLen(sha256.Size) &&
		strings.HasPrefix(s, "h1:") && !strings.Contains(s, "\x00")
}
