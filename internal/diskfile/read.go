package diskfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// A KindError says that there is something at the path, but no regular file.
type KindError struct {
	Path string
	Mode fs.FileMode // of what is there
}

func (e *KindError) Error() string {
	return fmt.Sprintf("%s is %s, not a regular file", e.Path, e.Kind())
}

// Kind names what is there.
func (e *KindError) Kind() string {
	switch m := e.Mode; {
	case m.IsDir():
		return "a directory"
	case m&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	case m&fs.ModeSymlink != 0:
		return "a link"
	}
	return "something special"
}

// A SizeError says that a file is larger than the reader takes.
type SizeError struct {
	Path  string
	Size  int64 // bytes, at least: a file may grow while it is read
	Limit int64 // bytes
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("%s has %d bytes, at most %d are read", e.Path, e.Size, e.Limit)
}

// An EscapeError says that the path leads out of the root through a link.
type EscapeError struct{ Path, Root string }

func (e *EscapeError) Error() string {
	return fmt.Sprintf("%s is, or is reached through, a link that leads out of %s", e.Path, e.Root)
}

// Open opens a regular file, or the null device, for reading. It follows links,
// and never blocks. The error is a *KindError for anything else, and wraps
// fs.ErrNotExist when there is nothing.
func Open(name string) (*os.File, error) {
	return open(name, os.Stat, openFile, name)
}

// OpenIn opens a regular file of the checkout at root. name is absolute, or
// relative to the working directory. No link is followed that leads out of
// root; for a name that is outside of root to begin with, because the job or a
// go.work names it, none that leads out of its own directory. The error is an
// *EscapeError, or one of Open's.
func OpenIn(root, name string) (*os.File, error) {
	dir, rel, err := split(root, name)
	if err != nil {
		return nil, err
	}
	r, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	f, err := open(rel, r.Stat, r.OpenFile, name)
	if err = escaped(err, name, dir); err == nil {
		return f, nil
	}
	if _, ok := errors.AsType[*EscapeError](err); !ok {
		return nil, err
	}
	// os.Root follows no absolute link, not even one that leads back into it.
	real, e := filepath.EvalSymlinks(filepath.Join(dir, rel))
	if e != nil && !errors.Is(e, fs.ErrNotExist) {
		return nil, e
	}
	if top, e2 := filepath.EvalSymlinks(dir); e == nil && e2 == nil {
		if rel, ok := within(top, real); ok {
			f, err := open(rel, r.Stat, r.OpenFile, name)
			return f, escaped(err, name, dir)
		}
	}
	return nil, err
}

// split returns the root that a name is confined to and the name within it.
func split(root, name string) (dir, rel string, err error) {
	if root, err = filepath.Abs(root); err != nil {
		return "", "", err
	}
	if name, err = filepath.Abs(name); err != nil {
		return "", "", err
	}
	if rel, ok := within(root, name); ok {
		return root, rel, nil
	}
	return filepath.Dir(name), filepath.Base(name), nil
}

// within is name relative to root, both of which are absolute or neither; ok is
// false when it is not below it.
func within(root, name string) (rel string, ok bool) {
	rel, err := filepath.Rel(root, name)
	return rel, err == nil && filepath.IsLocal(rel)
}

func open(name string, stat func(string) (fs.FileInfo, error), openFile func(string, int, fs.FileMode) (*os.File, error), shown string) (*os.File, error) {
	info, err := stat(name) // first: opening a device may have effects
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() && !null(info) {
		return nil, &KindError{shown, info.Mode()}
	}
	f, err := openFile(name, os.O_RDONLY|nonblock, 0)
	if err != nil {
		return nil, err
	}
	if info, err = f.Stat(); err == nil && !info.Mode().IsRegular() && !null(info) {
		err = &KindError{shown, info.Mode()} // exchanged in between
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// null reports whether a file is the null device, with which people say that
// there is nothing: NETRC=/dev/null.
func null(info fs.FileInfo) bool {
	if info.Mode()&fs.ModeCharDevice == 0 {
		return false
	}
	n, err := os.Stat(os.DevNull)
	return err == nil && os.SameFile(info, n)
}

// escapes is the text of os.Root's error for a path that leads out, which has
// no exported value (go1.26: os/root.go, errPathEscapes).
const escapes = "path escapes from parent"

// escaped makes an *EscapeError of os.Root's own, which MkdirAll wraps in
// another one.
func escaped(err error, name, root string) error {
	for e := err; e != nil; e = errors.Unwrap(e) {
		if e.Error() == escapes {
			return &EscapeError{name, root}
		}
	}
	return err
}

// Read returns the content of a regular file of at most limit bytes. The error
// is a *SizeError for a larger one, or one of Open's.
func Read(name string, limit int64) ([]byte, error) {
	f, err := Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f, name, limit)
}

// ReadIn is Read for a file of the checkout at root: see OpenIn.
func ReadIn(root, name string, limit int64) ([]byte, error) {
	f, err := OpenIn(root, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f, name, limit)
}

func readAll(f *os.File, name string, limit int64) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > limit {
		return nil, &SizeError{name, info.Size(), limit}
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1)) // files of /proc have no size
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, &SizeError{name, limit + 1, limit}
	}
	return data, nil
}

// Real is the absolute path of name without links. Where the end of it is not
// there, the directories that are there count: what is written to it lands
// below them.
func Real(name string) string { return resolveLinks(name, 16) }

// resolveLinks is Real; most bounds links that lead to links that lead nowhere.
func resolveLinks(name string, most int) string {
	abs, err := filepath.Abs(name)
	if err != nil {
		return filepath.Clean(name)
	}
	rest := ""
	for at := abs; ; at = filepath.Dir(at) {
		if real, err := filepath.EvalSymlinks(at); err == nil {
			return filepath.Join(real, rest)
		}
		if _, err := os.Lstat(at); err == nil {
			// A link that leads nowhere yet: who writes to it makes its target.
			if target, err := os.Readlink(at); err == nil && most > 0 {
				if !filepath.IsAbs(target) {
					target = filepath.Join(filepath.Dir(at), target)
				}
				return filepath.Join(resolveLinks(target, most-1), rest)
			}
		}
		if at == filepath.Dir(at) {
			return abs
		}
		rest = filepath.Join(filepath.Base(at), rest)
	}
}

// Inside reports whether what is written to or read from name lies in the
// directory root, links on the way counted.
func Inside(root, name string) bool {
	_, ok := within(Real(root), Real(name))
	return ok
}

const maxSettings = 1 << 20

// ReadSettings is Read for a file of settings that the job or this machine
// names, such as the go env file.
func ReadSettings(name string) ([]byte, error) { return Read(name, maxSettings) }
