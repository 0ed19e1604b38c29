package layer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/modferry/modferry/internal/failure"
)

// damageError says that the bytes of a layer are not those of one: damaged, cut
// short, or made up. Errors of reading them are none. Its text is neutral.
type damageError struct {
	Err error // io.ErrUnexpectedEOF when the end is missing
}

func (e *damageError) Error() string {
	if errors.Is(e.Err, io.ErrUnexpectedEOF) {
		return "it is cut short"
	}
	return failure.Neutral(fmt.Sprintf("it is damaged: %v", e.Err))
}

func (e *damageError) Unwrap() error { return e.Err }

func damaged(format string, args ...any) error { return &damageError{fmt.Errorf(format, args...)} }

// A layer may unpack to maxUnpacked bytes, and while it is read to freeUnpacked
// + maxRatio times what has been read. That is far above any real one, and
// bounds time and room when somebody made one up.
const (
	maxUnpacked  = 16 << 30
	freeUnpacked = 64 << 20
	maxRatio     = 200
)

// budget is what a layer may unpack to, over all its frames.
type budget struct {
	read     atomic.Int64 // bytes of the layer
	unpacked atomic.Int64
}

// input is the bytes of a layer as they come from the store, until ctx ends.
type input struct {
	ctx    context.Context
	r      io.Reader
	budget *budget
	err    error // why there were no more, nil at the end
}

func (in *input) Read(p []byte) (int, error) {
	if in.ctx.Err() != nil {
		in.err = context.Cause(in.ctx)
		return 0, in.err
	}
	n, err := in.r.Read(p)
	in.budget.read.Add(int64(n))
	if err != nil && err != io.EOF {
		in.err = err
	}
	return n, err
}

// broken is what an error on the way means: that of reading, or damage.
func (in *input) broken(err error) error {
	if in.err != nil {
		return in.err
	}
	return asDamage(err)
}

func asDamage(err error) error {
	if known, ok := errors.AsType[*damageError](err); ok {
		return known
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return &damageError{err}
}

// bounded is what a frame unpacks to. It ends with an error as soon as there is
// more than the size of the layer can explain.
type bounded struct {
	r      io.Reader
	budget *budget
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	limit := min(maxUnpacked, freeUnpacked+maxRatio*b.budget.read.Load())
	if b.budget.unpacked.Add(int64(n)) > limit {
		return 0, damaged("it unpacks to more than %d bytes", limit)
	}
	return n, err
}
