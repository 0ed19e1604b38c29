package modcache

import (
	"archive/zip"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	modzip "golang.org/x/mod/zip"

	"github.com/modferry/modferry/internal/diskfile"
)

// A treeWriter writes the files of a module below root. After the first error
// it writes nothing more. A nil *treeWriter writes nothing at all.
type treeWriter struct {
	root     string
	dirs     []string // below root, parents first
	made     map[string]bool
	readOnly bool

	failed atomic.Bool
	mu     sync.Mutex
	err    error
}

// makeTree makes an empty tree in the run's directory.
func (c *Cache) makeTree() (*treeWriter, error) {
	root, err := c.tempName()
	if err != nil {
		return nil, err
	}
	if err := os.Mkdir(root, 0o777); err != nil {
		return nil, err
	}
	return &treeWriter{root: root, made: map[string]bool{".": true}, readOnly: !c.ModCacheRW}, nil
}

// makeDir makes a directory of the tree, slash-separated and relative to the
// root, with those above it. It must not be called by two goroutines at once.
func (t *treeWriter) makeDir(dir string) error {
	if t.made[dir] {
		return nil
	}
	if err := t.makeDir(path.Dir(dir)); err != nil {
		return err
	}
	name := filepath.Join(t.root, filepath.FromSlash(dir))
	if err := os.Mkdir(name, 0o777); err != nil {
		return err
	}
	t.made[dir] = true
	t.dirs = append(t.dirs, name)
	return nil
}

// newZipTree makes a tree with the directories that the files of a need, so
// that they can be written in any order. It is nil when a has no files: an
// empty tree would count as a complete one.
func (c *Cache) newZipTree(a *archive) (*treeWriter, error) {
	skip := len(prefix(a.m))
	isFile := func(f *zip.File) bool { return len(f.Name) > skip && !strings.HasSuffix(f.Name, "/") }
	if !slices.ContainsFunc(a.files, isFile) {
		return nil, nil
	}
	t, err := c.makeTree()
	if err != nil {
		return nil, err
	}
	for _, f := range a.files {
		if !isFile(f) {
			continue
		}
		if err := t.makeDir(path.Dir(f.Name[skip:])); err != nil {
			t.remove()
			return nil, err
		}
	}
	return t, nil
}

// create makes the file name, slash-separated and relative to the root; nil
// when it is a directory, or nothing is to be written.
func (t *treeWriter) create(name string) *treeFile {
	if t == nil || t.failed.Load() || name == "" || strings.HasSuffix(name, "/") {
		return nil
	}
	f, err := os.OpenFile(filepath.Join(t.root, filepath.FromSlash(name)), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o444)
	if err != nil {
		t.fail(err)
		return nil
	}
	return &treeFile{tree: t, f: f}
}

func (t *treeWriter) fail(err error) {
	if err == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil {
		t.err = err
	}
	t.failed.Store(true)
}

func (t *treeWriter) remove() {
	if t != nil {
		removeTree(t.root)
	}
}

// place moves the tree to dst, which must not exist. The caller holds the
// version's lock.
func (t *treeWriter) place(c *Cache, s slot) error {
	if err := os.MkdirAll(filepath.Dir(s.tree), 0o777); err != nil {
		return err
	}
	// A directory has to be writable to be moved, so the root comes last.
	if err := t.seal(t.dirs); err != nil {
		return err
	}
	if err := c.rename(t.root, s.tree); err == nil {
		return t.seal([]string{s.tree})
	}
	// Another file system, or a virus scanner on Windows that looks at a file
	// of the tree: write it in place as the go command does.
	if err := c.write(s.partial, nil); err != nil {
		return err
	}
	err := copyTree(t.root, s.tree)
	if err != nil {
		if removeTree(s.tree) == nil {
			os.Remove(s.partial)
		}
		return err
	}
	if err := os.Remove(s.partial); err != nil {
		return err
	}
	dirs, err := directories(s.tree)
	if err != nil {
		return err
	}
	return t.seal(dirs)
}

// seal makes directories read-only, children before parents; the order of
// dirs is parents first.
func (t *treeWriter) seal(dirs []string) error {
	if !t.readOnly || len(dirs) == 0 {
		return nil
	}
	info, err := os.Stat(dirs[0]) // they were all made by this process with one umask
	if err != nil {
		return err
	}
	mode := info.Mode() &^ 0o222
	for _, dir := range slices.Backward(dirs) {
		if err := os.Chmod(dir, mode); err != nil {
			return err
		}
	}
	return nil
}

// A treeFile is one file of a tree being written.
type treeFile struct {
	tree *treeWriter
	f    *os.File
}

func (f *treeFile) write(p []byte) {
	if f.tree.failed.Load() {
		return
	}
	_, err := f.f.Write(p)
	f.tree.fail(err)
}

func (f *treeFile) restart() {
	f.tree.fail(f.f.Truncate(0))
	_, err := f.f.Seek(0, io.SeekStart)
	f.tree.fail(err)
}

func (f *treeFile) close() { f.tree.fail(f.f.Close()) }

// copyTree copies the files of a tree without reading them into memory.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		dst := filepath.Join(to, strings.TrimPrefix(name, from))
		if d.IsDir() {
			return os.Mkdir(dst, 0o777)
		}
		return copyFile(name, dst, 0o444)
	})
}

func copyFile(from, to string, perm fs.FileMode) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	return err
}

func directories(root string) ([]string, error) {
	var dirs []string
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			dirs = append(dirs, name)
		}
		return err
	})
	return dirs, err
}

// removeTree removes a tree with read-only directories. It is no error when
// there is none.
func removeTree(dir string) error {
	filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			os.Chmod(name, 0o777) // before its entries are read and removed
		}
		return nil
	})
	return diskfile.RemoveAll(dir)
}

// discardTree removes the tree of s so that neither a kill in between nor a
// go command at the same time takes the rest for a complete one. The caller
// holds the version's lock.
func (c *Cache) discardTree(s slot) error {
	if _, err := os.Lstat(s.tree); errors.Is(err, fs.ErrNotExist) {
		// Nothing is written: the disk may be full, and the zip is in the way.
		if err := os.Remove(s.partial); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	// Renamed into place: opening would wait for the other end of a FIFO, and
	// write through a link.
	if err := c.write(s.partial, nil); err != nil {
		return err
	}
	if err := removeTree(s.tree); err != nil {
		return err
	}
	return os.Remove(s.partial)
}

// readTree hashes the files of the extracted tree of s. What no file of a zip
// can be, because it is special or too large, is marked irregular and not read:
// its digest is zero, which no content has.
func (c *Cache) readTree(ctx context.Context, s slot, parallel int) (manifest, error) {
	var files []fileSum
	err := walkTree(s, func(name string, info fs.FileInfo) error {
		files = append(files, fileSum{name: prefix(s.m) + name, irregular: !info.Mode().IsRegular() || info.Size() > modzip.MaxZipFile})
		return nil
	})
	if err != nil {
		return nil, err
	}
	skip := len(prefix(s.m))
	err = c.crew.each(ctx, len(files), parallel, func(w *worker, i int) error {
		if files[i].irregular {
			return nil
		}
		f, err := diskfile.Open(filepath.Join(s.tree, filepath.FromSlash(files[i].name[skip:])))
		if err != nil {
			return err
		}
		defer f.Close()
		files[i].sum, err = w.sum(ctx, io.LimitReader(f, modzip.MaxZipFile+1), nil)
		return err
	})
	if err != nil {
		return nil, err
	}
	return newManifest(files), nil
}
