package modcache

import (
	"bufio"
	"context"
	"crypto/sha256"
	"hash"
	"io"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/flate"
)

// A crew does the work of hashing: it bounds how many goroutines help, over
// all zips of a Cache, and lends the memory that is needed again and again.
// Hashing and inflating is bound by the processor, so more helpers than
// processors would only cost memory.
type crew struct {
	most      int64        // goroutines at work, callers and helpers
	busy      atomic.Int64 // of them now
	workers   sync.Pool    // *worker
	inflaters sync.Pool    // *inflater
}

// A worker is what one goroutine of a crew has for itself.
type worker struct {
	buf  []byte
	hash hash.Hash
}

// copyBuffer holds most source files whole, so that extracting one takes a
// single write.
const copyBuffer = 128 << 10

func newCrew() *crew {
	c := &crew{most: int64(runtime.GOMAXPROCS(0))}
	c.workers.New = func() any {
		return &worker{buf: make([]byte, copyBuffer), hash: sha256.New()}
	}
	c.inflaters.New = func() any {
		in := bufio.NewReaderSize(nil, 32<<10)
		return &inflater{in: in, out: flate.NewReader(in)}
	}
	return c
}

// each calls do with every i below n: in the caller's goroutine and, as far
// as processors are free, in up to parallel-1 more. It looks for free ones
// before every call, so that a large zip that began among others is finished
// by all processors. It returns the first error, after which no new call
// starts, or that of ctx.
func (c *crew) each(ctx context.Context, n, parallel int, do func(w *worker, i int) error) error {
	var (
		next   atomic.Int64
		failed atomic.Bool
		once   sync.Once
		first  error
		wg     sync.WaitGroup
	)
	work := func(before func(i int)) {
		w := c.workers.Get().(*worker)
		defer c.workers.Put(w)
		for !failed.Load() {
			i := int(next.Add(1)) - 1
			if i >= n {
				return
			}
			before(i)
			err := ctx.Err()
			if err == nil {
				err = do(w, i)
			}
			if err != nil {
				once.Do(func() { first = err })
				failed.Store(true)
				return
			}
		}
	}
	hired := 1 // the caller
	hire := func(i int) {
		if hired == parallel || i == n-1 {
			return
		}
		if c.busy.Add(1) > c.most {
			c.busy.Add(-1)
			return
		}
		hired++
		wg.Go(func() {
			defer c.busy.Add(-1)
			work(func(int) {})
		})
	}
	c.busy.Add(1)
	work(hire)
	c.busy.Add(-1)
	wg.Wait()
	return first
}

// sum reads r to its end and returns its SHA-256. Every chunk is also shown
// to each, which may be nil. A cancelled ctx ends a long read.
func (w *worker) sum(ctx context.Context, r io.Reader, each func([]byte)) (digest, error) {
	w.hash.Reset()
	for {
		n, err := r.Read(w.buf)
		w.hash.Write(w.buf[:n])
		if each != nil && n > 0 {
			each(w.buf[:n])
		}
		switch {
		case err == io.EOF:
			var d digest
			w.hash.Sum(d[:0])
			return d, nil
		case err != nil:
			return digest{}, err
		case ctx.Err() != nil:
			return digest{}, ctx.Err()
		}
	}
}

// An inflater is a reusable reader of a deflate stream.
type inflater struct {
	in  *bufio.Reader // flate reads from a bufio.Reader without copying
	out io.ReadCloser // also a flate.Resetter
}

// inflate is the zip.Decompressor of deflated entries.
func (c *crew) inflate(r io.Reader) io.ReadCloser {
	f := c.inflaters.Get().(*inflater)
	f.in.Reset(r)
	if err := f.out.(flate.Resetter).Reset(f.in, nil); err != nil {
		panic("modcache: resetting an inflater without dictionary cannot fail: " + err.Error())
	}
	return &inflating{crew: c, inflater: f}
}

// inflating is an inflater in use, until Close.
type inflating struct {
	crew     *crew
	inflater *inflater
}

func (i *inflating) Read(p []byte) (int, error) {
	if i.inflater == nil {
		return 0, io.ErrClosedPipe
	}
	return i.inflater.out.Read(p)
}

func (i *inflating) Close() error {
	if f := i.inflater; f != nil {
		i.inflater = nil
		f.in.Reset(nil) // don't keep the zip alive
		i.crew.inflaters.Put(f)
	}
	return nil
}
