package layer

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// source is a file to pack.
type source struct {
	Member
	Size int64 // in bytes; another size when read is an error
	Open func() (io.ReadCloser, error)
}

// pack writes an archive of files, in their order, and returns the number of
// bytes written to w. The same files always make the same bytes. At most one
// file is open at a time, and memory is bounded whatever their sizes. What
// unpack would not take is an error here; after an error what was written is no
// archive, since its end is missing.
func pack(ctx context.Context, w io.Writer, files []source) (int64, error) {
	out := &tally{w: w}
	z, err := zstd.NewWriter(out, encoding()...)
	if err != nil {
		return 0, fmt.Errorf("pack layer: %w", err)
	}
	if len(files) > maxMembers {
		return 0, fmt.Errorf("pack layer: found %d files, expected at most %d", len(files), maxMembers)
	}
	tw := tar.NewWriter(z)
	buf := make([]byte, maxBlock)
	packed := make(map[Member]bool, len(files))
	for _, f := range files {
		if packed[f.Member] {
			err = errors.New("the file is there twice")
		} else {
			err = f.pack(ctx, tw, buf)
		}
		if err != nil {
			return out.n, fmt.Errorf("pack %s of %s: %w", f.Kind, f.Module, err)
		}
		packed[f.Member] = true
	}
	if err := tw.Close(); err != nil {
		return out.n, fmt.Errorf("pack layer: %w", err)
	}
	if err := z.Close(); err != nil {
		return out.n, fmt.Errorf("pack layer: %w", err)
	}
	return out.n, nil
}

func (f source) pack(ctx context.Context, tw *tar.Writer, buf []byte) error {
	name := f.Name()
	if m, err := parseName(name); err != nil {
		return err
	} else if m != f.Member {
		return fmt.Errorf("%s is the name of another file", name)
	}
	if limit := maxSize(f.Kind); f.Size < 0 || f.Size > limit {
		return fmt.Errorf("found %d bytes, expected at most %d", f.Size, limit)
	}
	r, err := f.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	// No time, no owner: only names and contents make the bytes.
	if err := tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: f.Size, Mode: 0o444}); err != nil {
		return err
	}
	n, err := io.CopyBuffer(tw, &input{ctx: ctx, r: r}, buf)
	switch {
	case errors.Is(err, tar.ErrWriteTooLong):
		return fmt.Errorf("the file is larger than it was, expected %d bytes", f.Size)
	case err != nil:
		return err
	case n != f.Size:
		return fmt.Errorf("the file has %d bytes, expected %d", n, f.Size)
	}
	return nil
}

// tally counts what is written.
type tally struct {
	w io.Writer
	n int64
}

func (t *tally) Write(p []byte) (int, error) {
	n, err := t.w.Write(p)
	t.n += int64(n)
	return n, err
}
