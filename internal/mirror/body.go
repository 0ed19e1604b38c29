package mirror

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/secret"
)

// body holds a response to its announced length, and its errors to a class. The
// stall limit is the transport's.
type body struct {
	ctx    context.Context
	rc     io.ReadCloser
	url    string // redacted
	hidden *secret.Set

	want int64 // bytes announced, -1 unknown
	max  int64 // most bytes of the whole file, 0 no limit
	at   int64 // offset of the body within the file

	read int64
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.rc.Read(p)
	b.read += int64(n)
	if b.max > 0 && b.at+b.read > b.max {
		return n, failure.New(failure.TooLarge, "read", b.url,
			fmt.Errorf("more than the %d bytes the go command accepts", b.max))
	}
	switch {
	case err == nil:
		return n, nil
	case err == io.EOF && (b.want < 0 || b.read == b.want):
		return n, io.EOF
	case err == io.EOF, errors.Is(err, io.ErrUnexpectedEOF) && b.ctx.Err() == nil:
		return n, failure.New(failure.CutBody, "read", b.url,
			fmt.Errorf("the body ended after %d of %s bytes", b.read, announced(b.want)))
	}
	return n, classify(b.ctx, "read", b.url, "", conceal(b.hidden, err))
}

func announced(n int64) string {
	if n < 0 {
		return "an unknown number of"
	}
	return fmt.Sprint(n)
}

func (b *body) Close() error { return b.rc.Close() }
