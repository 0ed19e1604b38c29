package diskfile

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Write replaces a file in one step, so that nobody ever reads half of it, and
// readable for everybody: other steps of a job may run as another user. A link
// is followed; what is no regular file (a pipe, /dev/stdout) is written to in
// place. The directory must be there.
func Write(name string, data []byte) error {
	if real, err := filepath.EvalSymlinks(name); err == nil {
		name = real
	}
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return os.WriteFile(name, data, 0o666)
	}
	r, err := os.OpenRoot(filepath.Dir(name))
	if err != nil {
		return err
	}
	defer r.Close()
	return replace(r, filepath.Base(name), data)
}

// WriteIn replaces a file of the checkout at root in one step, and makes the
// directories that it lacks. A link at name itself is replaced, not followed;
// one on the way that leads out of root is an *EscapeError. name must be below
// root.
func WriteIn(root, name string, data []byte) error {
	r, dir, rel, err := openBelow(root, name)
	if err != nil {
		return err
	}
	defer r.Close()
	if parent := filepath.Dir(rel); parent != "." {
		if err := r.MkdirAll(parent, 0o777); err != nil {
			return escaped(err, name, dir)
		}
	}
	if info, err := r.Lstat(rel); err == nil && info.IsDir() {
		return &KindError{name, info.Mode()}
	}
	return escaped(replace(r, rel, data), name, dir)
}

// MkdirIn makes a directory of the checkout at root with all its parents, under
// the rules of WriteIn.
func MkdirIn(root, name string) error {
	r, dir, rel, err := openBelow(root, name)
	if err != nil {
		return err
	}
	defer r.Close()
	return escaped(r.MkdirAll(rel, 0o777), name, dir)
}

// openBelow opens the checkout at root for writing to name, which must be below
// it: unlike reading, nothing outside is written to because somebody named it.
func openBelow(root, name string) (r *os.Root, dir, rel string, err error) {
	dir, rel, err = split(root, name)
	if err != nil {
		return nil, "", "", err
	}
	if abs, err := filepath.Abs(root); err != nil || dir != abs {
		return nil, "", "", errors.Join(err, &EscapeError{name, root})
	}
	r, err = os.OpenRoot(dir)
	return r, dir, rel, err
}

func replace(r *os.Root, name string, data []byte) (err error) {
	tmp := filepath.Join(filepath.Dir(name), ".modferry-"+rand.Text()+".tmp")
	f, err := r.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, ignoreMissing(r.Remove(tmp)))
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return r.Rename(tmp, name)
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
