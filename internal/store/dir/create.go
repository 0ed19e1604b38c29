package dir

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/store"
)

// Create makes what write writes the entry of that name. write is called at
// most once, in this goroutine, and its error is returned. The entry is there
// when Create returns nil, and is not before.
//
// The error is store.ErrExists when the name is taken, store.ErrDenied when
// the directory may not be written, and otherwise a *failure.Error.
func (s *Store) Create(ctx context.Context, name string, write func(w io.Writer) error) error {
	op := "create cache entry " + name
	if err := store.CheckName(name); err != nil {
		return failure.New(failure.LocalIO, "create cache entry", "", err)
	}
	if err := ctx.Err(); err != nil {
		return fault(op, err)
	}
	switch _, err := s.look(name); {
	case err == nil:
		return fmt.Errorf("%s: %w", op, store.ErrExists)
	case errors.Is(err, store.ErrNotFound), errors.Is(err, errBroken): // see publish
	default:
		return fault(op, err)
	}
	t, err := s.newTemp()
	if err != nil {
		return fault(op, denied(err))
	}
	defer t.end(s.step)
	s.step()
	if err := os.Mkdir(t.dir, 0o777); err != nil {
		return fault(op, err)
	}
	size, err := s.fill(ctx, op, t.dir, write)
	if err != nil {
		return err
	}
	s.step()
	if err := (about{Schema: schema, Created: s.now().UTC(), Size: size}).write(s, t.dir); err != nil {
		return fault(op, err)
	}
	s.share(t.dir)
	if err := ctx.Err(); err != nil {
		return fault(op, err)
	}
	err = s.publish(t.dir, name)
	if errors.Is(err, store.ErrExists) {
		return fmt.Errorf("%s: %w", op, err)
	}
	return fault(op, err)
}

// fill writes the data file in dir. An error of write is returned as it is.
func (s *Store) fill(ctx context.Context, op, dir string, write func(w io.Writer) error) (size int64, err error) {
	name := filepath.Join(dir, dataName)
	s.step()
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return 0, fault(op, err)
	}
	defer f.Close() // again, when all went well
	s.step()
	w := &writer{ctx: ctx, op: op, file: f}
	if err := write(w); err != nil {
		return 0, err
	}
	if err := closeSynced(f, w.err); err != nil {
		return 0, fault(op, err)
	}
	s.share(name)
	return w.size, nil
}

// A writer writes to the data file until the context ends. Its errors are
// *failure.Error.
type writer struct {
	ctx  context.Context
	op   string
	file *os.File
	size int64
	err  error // the first; write may have ignored it
}

func (w *writer) Write(p []byte) (int, error) {
	if w.err == nil {
		w.err = fault(w.op, w.ctx.Err())
	}
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.file.Write(p)
	w.size += int64(n)
	w.err = fault(w.op, err)
	return n, w.err
}

// closeSynced closes a file that was written with err. Its bytes are on the
// disk before a rename can be: else a loss of power could leave an entry of
// the right size with wrong bytes, which would keep its name for ever. The
// directories are not synced: losing a new entry as a whole does no harm.
func closeSynced(f *os.File, err error) error {
	if err == nil {
		err = f.Sync()
		if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL) {
			err = nil // some network file systems
		}
	}
	if cerr := f.Close(); err == nil {
		err = cerr // NFS tells here that the disk is full
	}
	return err
}

// publish makes the complete directory temp the entry of that name.
func (s *Store) publish(temp, name string) error {
	place := s.place(name)
	mine, err := os.Lstat(temp)
	if err != nil {
		return err
	}
	_ = os.SameFile(mine, mine) // Windows only now looks up what tells files apart
	for range 10 {              // each time somebody else got in between
		// A directory never replaces a file or a directory with something in
		// it (POSIX rename: EEXIST or ENOTEMPTY; os.Rename asks first, too).
		s.step()
		failed := diskfile.Rename(temp, place)
		if failed == nil {
			return nil
		}
		switch _, err := s.look(name); {
		case err == nil && arrived(mine, temp, place):
			return nil
		case err == nil:
			return store.ErrExists
		case errors.Is(err, errBroken):
			if strange, err := foreign(place); err == nil && strange {
				return fmt.Errorf("%s is in the way and not of the store; move it elsewhere", place)
			}
			if err := s.remove(name, true); err != nil {
				return err
			}
		case !errors.Is(err, store.ErrNotFound):
			return err
		case !errors.Is(failed, fs.ErrExist):
			return failed
		}
	}
	return store.ErrExists
}

// arrived reports whether a rename that failed took place nevertheless, as NFS
// may say when it had to ask twice.
func arrived(mine fs.FileInfo, temp, place string) bool {
	_, err := os.Lstat(temp)
	there, perr := os.Lstat(place)
	return errors.Is(err, fs.ErrNotExist) && perr == nil && os.SameFile(mine, there)
}
