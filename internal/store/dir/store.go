package dir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/store"
)

// A Store is an open directory. All its methods may be called at the same
// time, and beside other processes that use the same directory. There is
// nothing to close.
type Store struct {
	path string // absolute
	dir  string // where the entries are
	mode fs.FileMode
	now  func() time.Time
	step func() // called before every change in dir; a test's process ends there
}

// Open opens the store in the directory path and creates it when absent, with
// its parents. What writers left that were killed is removed. A directory that
// may only be read is a store from which one can only read: its Create is
// store.ErrDenied.
//
// The error is a *failure.Error and store.ErrUnavailable.
func Open(path string) (*Store, error) {
	if path == "" {
		return nil, unavailable(path, errors.New("found no path, expected that of a directory"))
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, unavailable(path, err)
	}
	s := &Store{path: path, dir: filepath.Join(path, "v1"), now: time.Now, step: func() {}}
	if err := s.prepare(); err != nil {
		return nil, unavailable(path, err)
	}
	s.sweep()
	return s, nil
}

// prepare makes the directories, and checks that they can be used.
func (s *Store) prepare() error {
	if err := os.MkdirAll(s.path, 0o777); err != nil {
		return err // also when path is a file
	}
	info, err := os.Stat(s.path)
	if err != nil {
		return err
	}
	s.mode = info.Mode() & (fs.ModePerm | fs.ModeSetgid | fs.ModeSticky)
	found, err := os.ReadDir(s.path)
	if err != nil {
		return err
	}
	switch err := os.Mkdir(s.dir, 0o777); {
	case err == nil:
		s.share(s.dir)
	case !errors.Is(err, fs.ErrExist):
		return err
	}
	if len(found) == 0 {
		s.label()
	}
	_, err = os.ReadDir(s.dir)
	return err
}

// labels say to programs and people what the directory is.
var labels = map[string]string{
	"CACHEDIR.TAG": `Signature: 8a477f597d28d172789f06886806bc55
# This directory is a cache of modferry: backups may leave it out.
# What the tag means: https://bford.info/cachedir/
`,
	"README.md": `# A cache of modferry

Entries are in v1, a directory each. They are never changed, only created and
removed, and everything in them is verified before it is used. "modferry cache
list" shows them, "modferry cache prune" removes old ones. It is safe to delete
this directory at any time.
`,
	".gitignore": "*\n",
}

// label writes the labels. A store without them works as well.
func (s *Store) label() {
	for name, text := range labels {
		f, err := os.OpenFile(filepath.Join(s.path, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if err != nil {
			continue
		}
		f.WriteString(text)
		f.Close()
	}
}

// share gives a directory or file that was just made the permissions of the
// store's, whatever the umask is. Where that is not possible it can be used by
// fewer people, which is no failure.
func (s *Store) share(name string) {
	info, err := os.Stat(name)
	if err != nil {
		return
	}
	mode := s.mode | 0o700
	if !info.IsDir() {
		mode = s.mode&0o666 | 0o600
		if filepath.Base(name) == dataName {
			mode &^= 0o022 // it never changes
		}
	}
	if info.Mode()&(fs.ModePerm|fs.ModeSetgid|fs.ModeSticky) != mode {
		os.Chmod(name, mode)
	}
}

// unavailable is why the store at path cannot be opened.
func unavailable(path string, err error) error {
	return &failure.Error{
		Class:  class(err),
		Op:     "open cache",
		Detail: fmt.Sprintf("directory %q cannot be used: %v; %s", path, err, remedy(err)),
		Err:    marked{err, store.ErrUnavailable},
	}
}

// fault is err, of the file system or of a context, as the failure of op. An
// error that is classified already is kept.
func fault(op string, err error) error {
	if _, ok := errors.AsType[*failure.Error](err); ok || err == nil {
		return err
	}
	e := &failure.Error{Class: class(err), Op: op, Err: err}
	if !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		e.Detail = fmt.Sprintf("%v; %s", err, remedy(err))
	}
	return e
}

func denied(err error) error {
	if err != nil && class(err) == failure.Permission {
		return marked{err, store.ErrDenied}
	}
	return err
}

// class is that of a local error, which is never unknown.
func class(err error) failure.Class {
	if c := failure.Classify(err); c != failure.Unknown {
		return c
	}
	return failure.LocalIO
}

func remedy(err error) string {
	const other = "choose another directory with --cache dir:PATH"
	switch class(err) {
	case failure.DiskFull:
		return "make room there, as with modferry cache prune, or " + other
	case failure.Permission:
		return "make it writable for this user, or " + other
	}
	return other
}

// marked is an error that is also one of package store's, and keeps its text.
type marked struct {
	error
	is error
}

func (m marked) Is(target error) bool { return target == m.is }

func (m marked) Unwrap() error { return m.error }
