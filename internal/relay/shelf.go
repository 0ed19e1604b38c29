package relay

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"

	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/modcache"
	"github.com/modferry/modferry/internal/relay/keep"
	"github.com/modferry/modferry/internal/report"
)

// shelf is where downloads are kept. What is downloaded and verified when the disk
// turns out to be full is answered from the temporary file: the client may have room.
type shelf struct {
	*keep.Keep
	deliveries *deliveries
}

// PutZip is that of keep.Keep, but for a full disk.
func (s shelf) PutZip(ctx context.Context, v module.Version, h1 string, tmp *os.File, o modcache.PutOptions) error {
	return s.put(ctx, file{v, report.KindZip}, h1, tmp, func() error { return s.Keep.PutZip(ctx, v, h1, tmp, o) })
}

// PutMod is that of keep.Keep, but for a full disk.
func (s shelf) PutMod(ctx context.Context, v module.Version, h1 string, tmp *os.File) error {
	return s.put(ctx, file{v, report.KindMod}, h1, tmp, func() error { return s.Keep.PutMod(ctx, v, h1, tmp) })
}

func (s shelf) put(ctx context.Context, of file, h1 string, tmp *os.File, put func() error) error {
	open, err := diskfile.Open(tmp.Name())
	if err != nil {
		return put()
	}
	if err = put(); !full(err) {
		open.Close()
		return err
	}
	s.Evict(ctx)
	if s.spare(of, h1, open) {
		return nil
	}
	open.Close()
	return err
}

func full(err error) bool {
	fe := failure.As(err)
	return fe != nil && fe.Class == failure.DiskFull
}

// spare has a file that has its hash answered, but not kept. The keep has compared it
// before it looked for room; since nobody has it if that ever changes, that is done
// again. False leaves the file to the caller.
func (s shelf) spare(of file, h1 string, f *os.File) bool {
	sum := sha256.New()
	size, err := io.Copy(sum, f)
	if err != nil {
		return false
	}
	if h1 != "" {
		if got, err := hashOf(of.kind, f, size); err != nil || got != h1 {
			return false
		}
	}
	return s.deliveries.hold(of, &spare{File: f, h1: h1, size: size, etag: fmt.Sprintf(`"%x"`, sum.Sum(nil)[:16])})
}

func hashOf(kind string, f io.ReaderAt, size int64) (string, error) {
	if kind == report.KindMod {
		return dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
			return io.NopCloser(io.NewSectionReader(f, 0, size)), nil
		})
	}
	z, err := zip.NewReader(f, size)
	if err != nil {
		return "", err
	}
	files := map[string]*zip.File{}
	var names []string
	for _, member := range z.File {
		files[member.Name] = member
		names = append(names, member.Name)
	}
	return dirhash.Hash1(names, func(name string) (io.ReadCloser, error) { return files[name].Open() })
}

// open opens a file that is kept, or spare for the time that somebody asks for it. The
// error wraps fs.ErrNotExist when there is none.
func (s shelf) open(of file, h1 string) (*keep.File, error) {
	f, err := s.Open(of.v, of.kind, h1)
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	if spare := s.deliveries.spare(of, h1); spare != nil {
		return &keep.File{ReadSeeker: spare.reader(), H1: spare.h1, ETag: spare.etag}, nil
	}
	return nil, err
}
