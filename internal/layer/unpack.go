package layer

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/modferry/modferry/internal/failure"
)

// rejection is a member that unpack did not let pass.
type rejection struct {
	Name string // as found, neutralised and cut
	Why  string // neutral
}

// unpack reads an archive and calls take for each member that want wants, in
// their order, on the caller's goroutine. size is that of the member; body ends
// after as many bytes or with an error, is valid until take returns, and need
// not be read to its end. A member that is no regular file, has a name that
// parseName refuses, is too large for its kind or comes a second time is passed
// to reject and skipped. Nothing here looks into a member.
//
// Memory and time are bounded by the bytes that r gives, whatever they claim.
//
// The error is an *archiveError when these are no archive of ours, that of r
// (wrapped), the cause of ctx's end (wrapped), or that of take, which ends it.
// What was taken before stays taken. unpack reads r to its end; without an
// error every byte was there and the checksum was right.
func unpack(ctx context.Context, r io.Reader, want func(Member) bool, take func(m Member, size int64, body io.Reader) error, reject func(rejection)) error {
	in := &input{ctx: ctx, r: r}
	z, err := zstd.NewReader(in, decoding()...)
	if err != nil {
		return fmt.Errorf("unpack layer: %w", err)
	}
	defer z.Close()
	data := &inflated{z: z, in: in}
	u := &unpacker{
		in: in, data: data, tar: tar.NewReader(data),
		buf: make([]byte, maxBlock), seen: map[[sha256.Size]byte]bool{},
	}
	rejected := 0
	for members := 0; ; members++ {
		h, err := u.tar.Next()
		switch {
		case err == io.EOF:
			return u.end()
		case err != nil && !errors.Is(err, tar.ErrInsecurePath): // GODEBUG=tarinsecurepath=0; names are checked below
			return u.broken(err)
		case members == maxMembers:
			return u.broken(fmt.Errorf("found more than %d files", maxMembers))
		}
		m, why := u.check(h)
		if why != "" {
			if rejected++; rejected > maxRejected {
				return u.broken(fmt.Errorf("found more than %d files that belong in no layer", maxRejected))
			}
			reject(rejection{Name: shown(h.Name), Why: why})
			continue
		}
		if !want(m) {
			continue
		}
		err = take(m, h.Size, (*memberBody)(u))
		if u.err != nil {
			return u.err // take had no chance
		}
		if err != nil {
			return err
		}
	}
}

// unpacker is an unpack under way.
type unpacker struct {
	in   *input
	data *inflated
	tar  *tar.Reader
	buf  []byte
	seen map[[sha256.Size]byte]bool // hashes of names: small, however long these are
	err  error                      // why a body could not be read
}

// check returns the member that a header announces, or why it is none.
func (u *unpacker) check(h *tar.Header) (Member, string) {
	if h.Typeflag != tar.TypeReg {
		return Member{}, "found " + fileType(h.Typeflag) + ", expected a regular file"
	}
	// Whatever else pack does not write could mean one thing to this reader and
	// another to the next.
	if h.Format != tar.FormatUSTAR && h.Format != tar.FormatPAX {
		return Member{}, "found a header in a form other than ustar and PAX"
	}
	for key := range h.PAXRecords {
		if key != "path" {
			return Member{}, "found PAX attributes, expected none but the path"
		}
	}
	m, err := parseName(h.Name)
	if err != nil {
		return Member{}, err.Error()
	}
	if limit := maxSize(m.Kind); h.Size > limit {
		return Member{}, fmt.Sprintf("found %d bytes, expected at most %d", h.Size, limit)
	}
	key := sha256.Sum256([]byte(h.Name))
	if u.seen[key] {
		return Member{}, "the file is there twice"
	}
	u.seen[key] = true
	return m, ""
}

// end checks that the archive ends where its tar ends. Reading on to the end of
// the zstd frame is also what compares the checksum.
func (u *unpacker) end() error {
	if u.data.ended { // tar.Reader takes the end of the stream for that of the archive
		return u.broken(io.ErrUnexpectedEOF)
	}
	switch n, err := io.ReadFull(u.data, u.buf[:1]); {
	case n > 0:
		return u.broken(errors.New("found data after its end"))
	case err != io.EOF || u.in.err != nil: // zstd may take an error between two frames for the end
		return u.broken(err)
	}
	return nil
}

func (u *unpacker) broken(err error) error {
	if u.in.err != nil {
		return fmt.Errorf("read layer at byte %d: %w", u.in.n, u.in.err)
	}
	return &archiveError{Offset: u.in.n, Err: err}
}

// memberBody is the content of the current member.
type memberBody unpacker

func (b *memberBody) Read(p []byte) (int, error) {
	n, err := b.tar.Read(p)
	if err != nil && err != io.EOF {
		b.err = (*unpacker)(b).broken(err)
		err = b.err
	}
	return n, err
}

// WriteTo serves io.Copy, which would otherwise make itself a smaller buffer for
// every member.
func (b *memberBody) WriteTo(w io.Writer) (int64, error) {
	return io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{b}, b.buf)
}

// input is what bytes come from, until ctx ends.
type input struct {
	ctx context.Context
	r   io.Reader
	n   int64 // bytes read
	err error // why there were no more, nil at the end
}

func (in *input) Read(p []byte) (int, error) {
	if in.ctx.Err() != nil {
		in.err = context.Cause(in.ctx)
		return 0, in.err
	}
	n, err := in.r.Read(p)
	in.n += int64(n)
	if err != nil && err != io.EOF {
		in.err = err
	}
	return n, err
}

// inflated is the tar in an archive. It ends with an error as soon as there is
// more than the archive's size can explain.
type inflated struct {
	z     *zstd.Decoder
	in    *input
	n     int64 // bytes read
	ended bool  // a read has met the end
}

func (d *inflated) Read(p []byte) (int, error) {
	n, err := d.z.Read(p)
	d.n += int64(n)
	if limit := min(maxUnpacked, freeUnpacked+maxRatio*d.in.n); d.n > limit {
		return 0, fmt.Errorf("it unpacks to more than %d bytes", limit)
	}
	if n > 0 {
		return n, nil // zstd says the error again
	}
	d.ended = err == io.EOF
	return 0, err
}

func fileType(flag byte) string {
	switch flag {
	case tar.TypeLink:
		return "a hard link"
	case tar.TypeSymlink:
		return "a symbolic link"
	case tar.TypeChar, tar.TypeBlock:
		return "a device"
	case tar.TypeDir:
		return "a directory"
	case tar.TypeFifo:
		return "a named pipe"
	case tar.TypeXGlobalHeader:
		return "attributes for all files"
	case tar.TypeGNUSparse:
		return "a sparse file"
	}
	return fmt.Sprintf("a file of type %q", flag)
}

func shown(name string) string {
	const enough = 2000 // Neutral returns less
	return failure.Neutral(name[:min(len(name), enough)])
}
