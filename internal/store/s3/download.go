package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/httpx"
	"github.com/modferry/modferry/internal/store"
)

// resumes is how often a segment whose connection broke is continued.
const resumes = 4

// Open returns the bytes of an entry, in order. They come in ranges of
// Options.Segment, Options.Parallel of them at a time and in memory, of one and
// the same object: each range is asked for under the condition that the object
// is still the one of the first. A range that breaks is continued at the byte
// where it broke. The errors of Read are *failure.Error, and cancelling ctx or
// Close, which may be called at any time, unblocks it. Of the entry, Name counts,
// and Size unless it is negative.
func (s *Store) Open(ctx context.Context, e store.Entry) (io.ReadCloser, error) {
	if err := store.CheckName(e.Name); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	d := &download{s: s, name: e.Name, ctx: ctx, cancel: cancel}
	body, err := d.get(0, s.o.Segment)
	var empty *emptyError
	if errors.As(err, &empty) {
		body, err = d.get(0, 0) // an empty object has no ranges
	}
	if err != nil {
		cancel(nil)
		return nil, err
	}
	d.etag, d.opened, d.size = body.etag, true, body.total
	if e.Size >= 0 && d.size >= 0 && d.size != e.Size {
		body.close()
		cancel(nil)
		return nil, s.broken(e.Name, "the object has %d bytes, expected %d", d.size, e.Size)
	}
	if !body.ranged {
		return &whole{d: d, body: body, left: body.total}, nil
	}
	d.launch(body, nil)
	for range s.o.Parallel - 1 {
		d.launch(nil, nil)
	}
	return d, nil
}

// download reads an object in segments. BenchmarkDownload compares it with
// minio-go's GetObject. One response of that is faster on loopback and a third as
// fast where a connection gets its share of a server, as at every object store;
// its ranges side by side (ParallelWorkers) are as fast as ours with twice the
// memory, but a range that breaks ends the download, the first bytes come with
// the first whole 16 MiB, and HEAD is needed before.
// Only the goroutine that calls Read
// starts segments; each of them fills its own buffer.
type download struct {
	s      *Store
	name   string
	ctx    context.Context
	cancel context.CancelCauseFunc

	mu     sync.Mutex // for closed: nothing is started after Close
	closed bool
	under  sync.WaitGroup

	etag   string
	size   int64
	opened bool // there was a first response

	next  int64      // where the next segment starts
	queue []*segment // under way or done, in order
	read  int        // bytes taken from the first of them
}

// segment is a range of the object on its way into memory.
type segment struct {
	start int64
	buf   []byte        // of the segment's length
	news  chan struct{} // holds one when there are more bytes or it has ended

	mu     sync.Mutex
	filled int
	ended  bool
	err    error
}

// launch starts the next segment, if there is one. Its buffer is taken from
// buf when that is large enough, and its first bytes from body, if any.
func (d *download) launch(body *response, buf []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	length := min(d.s.o.Segment, d.size-d.next)
	if length <= 0 || d.closed {
		if body != nil {
			body.close()
		}
		return
	}
	if int64(cap(buf)) < length {
		buf = make([]byte, length)
	}
	g := &segment{start: d.next, buf: buf[:length], news: make(chan struct{}, 1)}
	d.next += length
	d.queue = append(d.queue, g)
	d.under.Go(func() { g.end(d.fill(g, body)) })
}

// fill brings the bytes of a segment, in as many requests as it takes.
func (d *download) fill(g *segment, body *response) error {
	for try := 0; ; try++ {
		var err error
		if body == nil {
			body, err = d.get(g.start+int64(g.filled), int64(len(g.buf)-g.filled))
			if err != nil {
				return err // minio-go has tried again already
			}
			if !body.ranged || body.total != d.size || body.etag != d.etag {
				body.close()
				return d.s.broken(d.name, "the object was replaced while it was read")
			}
		}
		err = g.take(body)
		body.close()
		body = nil
		if err == nil {
			return nil
		}
		f := failure.As(err)
		if d.ctx.Err() != nil || !f.Class.Temporary() || try == resumes {
			return err
		}
		if err := d.s.o.Sleep(d.ctx, time.Duration(try)*200*time.Millisecond); err != nil {
			return err
		}
	}
}

// take reads the rest of the segment from a response.
func (g *segment) take(body io.Reader) error {
	for g.filled < len(g.buf) { // only this goroutine writes it
		n, err := body.Read(g.buf[g.filled:])
		g.mu.Lock()
		g.filled += n
		g.mu.Unlock()
		g.tell()
		if err != nil && g.filled < len(g.buf) {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

func (g *segment) end(err error) {
	g.mu.Lock()
	g.ended, g.err = true, err
	g.mu.Unlock()
	g.tell()
}

func (g *segment) tell() {
	select {
	case g.news <- struct{}{}:
	default:
	}
}

// state returns how many bytes are there, and whether that is all.
func (g *segment) state() (filled int, ended bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.filled, g.ended, g.err
}

// Read returns the next bytes as soon as there are any.
func (d *download) Read(p []byte) (int, error) {
	for {
		if d.ctx.Err() != nil {
			return 0, d.failed(context.Cause(d.ctx))
		}
		if len(d.queue) == 0 {
			return 0, io.EOF
		}
		if len(p) == 0 {
			return 0, nil
		}
		g := d.queue[0]
		filled, ended, err := g.state()
		switch {
		case d.read < filled:
			n := copy(p, g.buf[d.read:filled])
			d.read += n
			return n, nil
		case ended && err != nil:
			return 0, d.failed(err)
		case ended:
			d.queue, d.read = d.queue[1:], 0
			d.launch(nil, g.buf)
			continue
		}
		select {
		case <-g.news:
		case <-d.ctx.Done():
		}
	}
}

// failed makes a *failure.Error that names the entry.
func (d *download) failed(err error) error {
	if f, ok := errors.AsType[*failure.Error](err); ok && f.URL != "" {
		return f
	}
	f := failure.New(failure.Classify(err), reading.op, d.s.at.url(d.name), err)
	if inner, ok := errors.AsType[*failure.Error](err); ok {
		f.Detail = inner.Detail
	}
	return f
}

// Close stops everything and waits for its end.
func (d *download) Close() error {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	d.cancel(errClosed)
	d.under.Wait()
	return nil
}

var errClosed = fmt.Errorf("read after close: %w", context.Canceled)

// response is the body of a range, or of a whole object when the server has no
// ranges.
type response struct {
	io.Reader
	close  func()
	ranged bool
	total  int64 // bytes of the object, -1 when the server does not tell
	etag   string
}

// emptyError says that the object has not one byte to send a range of.
type emptyError struct{ error }

// get asks for length bytes from start on, or with 0 for everything.
func (d *download) get(start, length int64) (*response, error) {
	ctx, t, err := d.s.start(d.ctx, reading, d.name)
	if err != nil {
		return nil, err
	}
	var o minio.GetObjectOptions
	if length > 0 {
		o.Set("Range", fmt.Sprintf("bytes=%d-%d", start, start+length-1))
	}
	if d.etag != "" {
		o.Set("If-Match", `"`+d.etag+`"`)
	}
	body, info, header, err := d.s.core.GetObject(ctx, d.s.at.bucket, d.s.key(d.name), o)
	if err != nil {
		code, _ := code(err)
		err = d.s.explain(ctx, t, reading, d.name, err)
		t.end()
		if code == minio.InvalidRange && !d.opened {
			return nil, &emptyError{err}
		}
		if errors.Is(err, store.ErrNotFound) && d.opened {
			return nil, d.s.broken(d.name, "the object was removed or replaced while it was read")
		}
		return nil, err
	}
	r := &response{Reader: body, total: info.Size, etag: info.ETag}
	r.close = func() {
		body.Close()
		t.end()
	}
	if text := header.Get("Content-Range"); text != "" {
		part, err := httpx.ParseContentRange(text)
		if err == nil && part.Start != start {
			err = fmt.Errorf("the server sent bytes from %d on, expected %d", part.Start, start)
		}
		if err != nil {
			r.close()
			return nil, d.s.broken(d.name, "%v", err)
		}
		r.ranged, r.total = true, part.Size
	}
	return r, nil
}

// whole reads an object from a server without ranges, or one without bytes.
type whole struct {
	d    *download
	body *response
	left int64 // -1: not told
}

func (w *whole) Read(p []byte) (int, error) {
	// A body that has arrived whole is read to its end in spite of that.
	if w.d.ctx.Err() != nil {
		return 0, w.d.failed(context.Cause(w.d.ctx))
	}
	n, err := w.body.Read(p)
	if w.left >= 0 {
		w.left -= int64(n)
	}
	if err == io.EOF && w.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	if err == nil || err == io.EOF {
		return n, err
	}
	return n, w.d.failed(err)
}

func (w *whole) Close() error {
	w.d.cancel(errClosed)
	w.body.close()
	return nil
}
