package dir

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/store"
)

// Open returns the bytes of e, which Find or List returned, and marks e used.
// A file that is shorter or longer than e says is an error, as is reading on
// when ctx has ended. On Unix an entry that is removed meanwhile can be read to
// its end. The error is store.ErrNotFound when it is gone, and otherwise a
// *failure.Error.
func (s *Store) Open(ctx context.Context, e store.Entry) (io.ReadCloser, error) {
	op := "read cache entry " + e.Name
	if err := store.CheckName(e.Name); err != nil {
		return nil, fault("read cache entry", err)
	}
	if err := ctx.Err(); err != nil {
		return nil, fault(op, err)
	}
	there, err := s.look(e.Name)
	if err != nil {
		return nil, lost(op, err)
	}
	size := e.Size
	if size < 0 {
		size = there.Size
	}
	f, err := diskfile.Open(filepath.Join(s.place(e.Name), dataName))
	if err != nil {
		return nil, lost(op, err)
	}
	s.markUsed(e.Name)
	return &reader{ctx: ctx, op: op, file: f, size: size}, nil
}

// lost is the error of an entry that cannot be opened.
func lost(op string, err error) error {
	switch {
	case errors.Is(err, store.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: %w", op, store.ErrNotFound)
	case errors.Is(err, errBroken):
		return &failure.Error{Class: failure.CutBody, Op: op, Err: err}
	}
	return fault(op, err)
}

// A reader reads the data file. Its errors are *failure.Error.
type reader struct {
	ctx  context.Context
	op   string
	file *os.File
	size int64 // expected
	at   int64
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, fault(r.op, err)
	}
	n, err := r.file.Read(p)
	r.at += int64(n)
	switch {
	case r.at > r.size, err == io.EOF && r.at < r.size:
		err = &failure.Error{
			Class:  failure.CutBody,
			Op:     r.op,
			Detail: fmt.Sprintf("found %d bytes, expected %d: the file was changed", r.at, r.size),
		}
		return 0, err
	case err == io.EOF:
		return n, io.EOF
	}
	return n, fault(r.op, err)
}

func (r *reader) Close() error { return fault(r.op, r.file.Close()) }
