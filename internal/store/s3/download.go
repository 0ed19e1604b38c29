package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/httpx"
	"github.com/modferry/modferry/internal/store"
	"github.com/modferry/modferry/internal/store/ranged"
)

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
	if _, empty := errors.AsType[*emptyError](err); empty {
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
	first := &part{d: d, end: min(s.o.Segment, d.size), body: body}
	return ranged.NewReader(ctx, cancel, first, first.end, ranged.Options{
		Size: d.size, Lanes: s.o.Parallel, Window: s.o.Parallel,
		Segment: func(_, _ int64, _ time.Duration) int64 { return s.o.Segment },
		Open:    func(start, end int64) io.ReadCloser { return &part{d: d, at: start, end: end} },
		Fail:    d.failed,
	}), nil
}

// download is an object that is being read. BenchmarkDownload compares it with
// minio-go's GetObject. One response of that is faster on loopback and a third as
// fast where a connection gets its share of a server, as at every object store;
// its ranges side by side (ParallelWorkers) are as fast as ours with twice the
// memory, but a range that breaks ends the download, the first bytes come with
// the first whole 16 MiB, and HEAD is needed before.
type download struct {
	s      *Store
	name   string
	ctx    context.Context
	cancel context.CancelCauseFunc

	etag   string
	size   int64
	opened bool // there was a first response
}

// part reads the bytes from at up to end of an object, in as many requests as it
// takes.
type part struct {
	d       *download
	at, end int64
	body    *response // nil: to be asked for
	broke   int       // connections so far
}

func (p *part) Read(b []byte) (int, error) {
	for p.at < p.end {
		if p.body == nil {
			if err := p.open(); err != nil {
				return 0, err
			}
		}
		n, err := p.body.Read(b[:min(int64(len(b)), p.end-p.at)])
		p.at += int64(n)
		if err != nil && p.at < p.end {
			err = p.again(err)
		} else {
			err = nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
	return 0, io.EOF
}

func (p *part) open() error {
	body, err := p.d.get(p.at, p.end-p.at)
	if err != nil {
		return err // minio-go has tried again already
	}
	if !body.ranged || body.total != p.d.size || body.etag != p.d.etag {
		body.close()
		return p.d.s.broken(p.d.name, "the object was replaced while it was read")
	}
	p.body = body
	return nil
}

// again ends the body that broke, and waits before the rest is asked for. It
// returns the error to end with when that makes no sense.
func (p *part) again(err error) error {
	p.Close()
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if p.d.ctx.Err() != nil || !failure.As(err).Class.Temporary() || p.broke == resumes {
		return err
	}
	pause := time.Duration(p.broke) * 200 * time.Millisecond
	p.broke++
	return p.d.s.o.Sleep(p.d.ctx, pause)
}

// Close ends the request under way.
func (p *part) Close() error {
	if p.body != nil {
		p.body.close()
		p.body = nil
	}
	return nil
}

// failed makes a *failure.Error that names the entry.
func (d *download) failed(err error) error {
	inner, ok := errors.AsType[*failure.Error](err)
	if ok && inner.URL != "" {
		return inner
	}
	f := failure.New(failure.Classify(err), reading.op, d.s.at.url(d.name), err)
	if ok {
		f.Detail = inner.Detail
	}
	return f
}

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
	w.d.cancel(ranged.ErrClosed)
	w.body.close()
	return nil
}
