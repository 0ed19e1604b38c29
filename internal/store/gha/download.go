package gha

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/store"
)

// firstSegment is what the first request asks for: it tells the size, and is
// all of a small entry.
const firstSegment = 1 << 20

// leastSegment is the smallest part worth a request.
const leastSegment = 256 << 10

// open begins to read an entry. The first request goes out at once; how the
// rest comes depends on its answer: one answer that holds everything is read
// as it comes, otherwise several requests bring segments in parallel.
func (s *Store) open(ctx context.Context, e store.Entry) (io.ReadCloser, error) {
	b := &blob{s: s, p: s.patience(), name: e.Name, op: "read " + e.Name, url: e.Location, size: -1}
	s.secrets.addURL(e.Location)
	ctx, cancel := context.WithCancel(ctx)
	first := b.span(ctx, 0, int64(min(firstSegment, s.o.Segment)))
	if err := first.open(); err != nil {
		cancel()
		return nil, err
	}
	if first.whole || first.end >= b.length() {
		return &stream{span: first, cancel: cancel}, nil
	}
	return newDownload(ctx, cancel, b, first), nil
}

// stream is an entry that one response brings.
type stream struct {
	cancel context.CancelFunc
	mu     sync.Mutex // held by a Read under way
	span   *span
}

func (st *stream) Read(p []byte) (int, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.span.Read(p)
}

func (st *stream) Close() error {
	st.cancel() // unblocks Read
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.span.Close()
}

// download is an entry that comes in segments. Lanes take them in order, one
// request each, and fill them; Read hands out the first one while the others
// wait in memory, never more than window of them.
type download struct {
	b      *blob
	ctx    context.Context
	cancel context.CancelFunc
	unhook func() bool // of the context
	lanes  sync.WaitGroup
	window int
	began  time.Time

	mu      sync.Mutex
	changed *sync.Cond
	queue   []*segment
	free    [][]byte
	next    int64 // where the segment after the queue's begins
	got     int64 // bytes that came
	stopped bool  // no further segment is begun
	closed  bool
}

// segment is a part of the entry on its way.
type segment struct {
	from   *span
	buf    []byte
	filled int // bytes that came
	read   int // bytes of them that were handed out
	err    error
}

func newDownload(ctx context.Context, cancel context.CancelFunc, b *blob, first *span) *download {
	o := b.s.o
	d := &download{
		b: b, ctx: ctx, cancel: cancel, window: o.Parallel + max(o.Parallel/2, 1), began: time.Now(), next: first.end,
	}
	d.changed = sync.NewCond(&d.mu)
	d.unhook = context.AfterFunc(ctx, d.wake)
	seg := &segment{from: first, buf: make([]byte, first.end-first.at)}
	d.queue = append(d.queue, seg)
	rest := b.length() - d.next // read here: from the first lane on, d.next is d.mu's
	d.lanes.Go(func() { d.lane(seg) })
	for range min(int64(o.Parallel)-1, (rest+leastSegment-1)/leastSegment) {
		d.lanes.Go(func() { d.lane(nil) })
	}
	return d
}

// wake lets everybody look whether something changed.
func (d *download) wake() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.changed.Broadcast()
}

// lane fills segments until there are none.
func (d *download) lane(seg *segment) {
	if seg == nil {
		seg = d.take()
	}
	for ; seg != nil; seg = d.take() {
		d.fill(seg)
	}
}

// take begins the next segment as soon as there is room for it. It returns nil
// when there is nothing left to do.
func (d *download) take() *segment {
	now := time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	rest := d.b.length() - d.next
	for len(d.queue) >= d.window && !d.stopped && rest > 0 && d.ctx.Err() == nil {
		d.changed.Wait()
		rest = d.b.length() - d.next
	}
	if d.stopped || rest <= 0 || d.ctx.Err() != nil {
		return nil
	}
	o := d.b.s.o
	n := segmentSize(rest, o.Parallel, int64(o.Segment), d.got, now.Sub(d.began))
	seg := &segment{from: d.b.span(d.ctx, d.next, d.next+n), buf: d.buffer(int(n))}
	d.next += n
	d.queue = append(d.queue, seg)
	d.changed.Broadcast()
	return seg
}

// segmentSize chooses how much the next request asks for: what a lane brings
// in about a second. On a slow line the first segment would otherwise share it
// for minutes with others that nobody reads yet. Towards the end the rest is
// shared by all lanes.
func segmentSize(rest int64, lanes int, most, got int64, elapsed time.Duration) int64 {
	n := min(firstSegment, most)
	if got >= firstSegment && elapsed >= 20*time.Millisecond {
		n = min(int64(float64(got)/elapsed.Seconds())/int64(lanes), most)
	}
	n = min(n, (rest+int64(lanes)-1)/int64(lanes))
	return min(max(n, min(leastSegment, most)), rest)
}

// buffer returns one that is free, or a new one.
func (d *download) buffer(n int) []byte {
	for i := len(d.free) - 1; i >= 0; i-- {
		if b := d.free[i]; cap(b) >= n {
			d.free = append(d.free[:i], d.free[i+1:]...)
			return b[:n]
		}
	}
	if len(d.free) > 0 {
		d.free = d.free[1:] // too small: let it go, so that the window bounds all
	}
	return make([]byte, n)
}

// fill brings a segment.
func (d *download) fill(seg *segment) {
	defer seg.from.drop()
	for filled := 0; filled < len(seg.buf); {
		n, err := seg.from.Read(seg.buf[filled:])
		filled += n
		d.mu.Lock()
		seg.filled = filled
		d.got += int64(n)
		if err != nil {
			if err == io.EOF {
				err = d.b.s.fail(failure.CutBody, d.b.op, "", io.ErrUnexpectedEOF)
			}
			seg.err, d.stopped = err, true
		}
		d.changed.Broadcast()
		d.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// Read is io.Reader: the segments in their order, each as it comes.
func (d *download) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for {
		switch {
		case d.closed:
			return 0, errClosed
		case d.ctx.Err() != nil:
			return 0, d.b.s.ended(d.ctx, d.b.op)
		case len(d.queue) == 0 && d.next >= d.b.length():
			return 0, io.EOF
		}
		if len(d.queue) > 0 {
			seg := d.queue[0]
			if n := copy(p, seg.buf[seg.read:seg.filled]); n > 0 {
				if seg.read += n; seg.read == len(seg.buf) {
					d.queue = d.queue[1:]
					d.free = append(d.free, seg.buf)
					d.changed.Broadcast()
				}
				return n, nil
			}
			if seg.err != nil {
				return 0, seg.err
			}
		}
		d.changed.Wait()
	}
}

// Close ends all requests and waits for the lanes.
func (d *download) Close() error {
	d.mu.Lock()
	d.closed, d.stopped = true, true
	d.mu.Unlock()
	d.cancel()
	d.unhook()
	d.wake()
	d.lanes.Wait()
	return nil
}
