// Package ranged moves an entry of a store in parts, several requests at a time:
// a Reader returns the bytes of segments in order, a Writer sends blocks. It is how
// one entry comes and goes faster than one connection brings it. It knows no store:
// who opens a range continues it where it breaks, and sees to it that all of them
// are of one version of the entry.
package ranged

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

// Options say how an entry is read. All are needed.
type Options struct {
	Size   int64 // of the entry, in bytes
	Lanes  int   // requests at a time
	Window int   // most segments in memory, at least Lanes
	// Segment is how many bytes the next request asks for, of rest that nobody
	// has asked for yet, when got bytes came in the time so far. More than rest
	// counts as rest.
	Segment func(rest, got int64, elapsed time.Duration) int64
	// Open returns the bytes from start up to end. It asks for nothing before the
	// first Read; its reader is used by one goroutine and closed by it.
	Open func(start, end int64) io.ReadCloser
	// Fail makes the error that Read returns of one of a segment, or of the cause
	// that the context ended with.
	Fail func(error) error
}

// Reader is an entry on its way. Read is for one goroutine; Close may be called
// while it waits.
type Reader struct {
	o      Options
	ctx    context.Context
	cancel context.CancelCauseFunc
	unhook func() bool // of the context
	lanes  sync.WaitGroup
	began  time.Time

	mu      sync.Mutex
	changed *sync.Cond
	queue   []*segment
	free    [][]byte
	next    int64 // where the segment after the queue's begins
	got     int64 // bytes that came
	stopped bool  // no further segment is begun
}

type segment struct {
	from   io.ReadCloser
	buf    []byte
	filled int // bytes that came
	read   int // bytes of them that were handed out
	err    error
}

// NewReader reads an entry whose first n bytes come from first. cancel ends ctx,
// which all requests are made with.
func NewReader(ctx context.Context, cancel context.CancelCauseFunc, first io.ReadCloser, n int64, o Options) *Reader {
	r := &Reader{o: o, ctx: ctx, cancel: cancel, began: time.Now(), next: n}
	r.changed = sync.NewCond(&r.mu)
	r.unhook = context.AfterFunc(ctx, r.wake)
	seg := &segment{from: first, buf: make([]byte, n)}
	r.queue = append(r.queue, seg)
	r.lanes.Go(func() { r.lane(seg) })
	if n < o.Size {
		for range o.Lanes - 1 {
			r.lanes.Go(func() { r.lane(nil) })
		}
	}
	return r
}

func (r *Reader) wake() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changed.Broadcast()
}

// lane fills segments until there are none.
func (r *Reader) lane(seg *segment) {
	if seg == nil {
		seg = r.take()
	}
	for ; seg != nil; seg = r.take() {
		r.fill(seg)
	}
}

// take begins the next segment as soon as there is room for it. It returns nil
// when there is nothing left to do.
func (r *Reader) take() *segment {
	elapsed := time.Since(r.began)
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.queue) >= r.o.Window && !r.stopped && r.next < r.o.Size && r.ctx.Err() == nil {
		r.changed.Wait()
	}
	rest := r.o.Size - r.next
	if r.stopped || rest <= 0 || r.ctx.Err() != nil {
		return nil
	}
	n := min(r.o.Segment(rest, r.got, elapsed), rest)
	seg := &segment{from: r.o.Open(r.next, r.next+n), buf: r.buffer(int(n))}
	r.next += n
	r.queue = append(r.queue, seg)
	r.changed.Broadcast()
	return seg
}

func (r *Reader) buffer(n int) []byte {
	for i := len(r.free) - 1; i >= 0; i-- {
		if b := r.free[i]; cap(b) >= n {
			r.free = append(r.free[:i], r.free[i+1:]...)
			return b[:n]
		}
	}
	if len(r.free) > 0 {
		r.free = r.free[1:] // too small: let it go, so that the window bounds all
	}
	return make([]byte, n)
}

func (r *Reader) fill(seg *segment) {
	defer seg.from.Close()
	for filled := 0; filled < len(seg.buf); {
		n, err := seg.from.Read(seg.buf[filled:])
		filled += n
		if filled == len(seg.buf) {
			err = nil
		} else if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		r.mu.Lock()
		seg.filled = filled
		r.got += int64(n)
		if err != nil {
			seg.err, r.stopped = err, true
		}
		r.changed.Broadcast()
		r.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// Read is io.Reader: the segments in their order, each as it comes.
func (r *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		switch {
		case r.ctx.Err() != nil:
			return 0, r.o.Fail(context.Cause(r.ctx))
		case len(r.queue) == 0 && r.next >= r.o.Size:
			return 0, io.EOF
		}
		if len(r.queue) > 0 {
			seg := r.queue[0]
			if n := copy(p, seg.buf[seg.read:seg.filled]); n > 0 {
				if seg.read += n; seg.read == len(seg.buf) {
					r.queue = r.queue[1:]
					r.free = append(r.free, seg.buf)
					r.changed.Broadcast()
				}
				return n, nil
			}
			if seg.err != nil {
				return 0, r.o.Fail(seg.err)
			}
		}
		r.changed.Wait()
	}
}

// ErrClosed is what ends the context of an entry that is closed.
var ErrClosed = fmt.Errorf("the entry was closed: %w", context.Canceled)

// Close ends all requests and waits for the lanes.
func (r *Reader) Close() error {
	r.mu.Lock()
	r.stopped = true
	r.mu.Unlock()
	r.cancel(ErrClosed)
	r.unhook()
	r.wake()
	r.lanes.Wait()
	return nil
}
