package ranged

import (
	"context"
	"errors"
	"sync"
)

// WriterOptions say how an entry is written. All but Begin are needed.
type WriterOptions struct {
	Block int // bytes of one request; the last one brings what is left
	Lanes int // requests at a time; one block more is in memory
	// Begin is called before the first block is sent.
	Begin func(ctx context.Context) error
	// Send takes the bytes at offset; index counts the blocks from 0. It is called
	// by several goroutines at once. It reports whether data is free: a transport
	// may go on reading it after the answer came.
	Send func(ctx context.Context, index int, offset int64, data []byte) (free bool, err error)
	// Fail makes the error of the cause that the context ended with.
	Fail func(error) error
}

// Writer is an entry on its way to a store. Write fills a block; a full one goes
// out when more comes, so that an entry of one block is known to be one, and Write
// waits while all lanes are taken. Its methods are for one goroutine, which calls
// Close at the end.
type Writer struct {
	o      WriterOptions
	outer  context.Context // the caller's
	ctx    context.Context // ends when a block fails, too
	cancel context.CancelFunc

	block []byte // being filled
	size  int64
	sent  int // blocks

	lanes chan struct{} // one for each request under way
	free  chan []byte   // blocks that were sent
	under sync.WaitGroup

	mu  sync.Mutex
	err error // the first
}

// NewWriter writes an entry with requests that end with ctx.
func NewWriter(ctx context.Context, o WriterOptions) *Writer {
	w := &Writer{o: o, outer: ctx, lanes: make(chan struct{}, o.Lanes), free: make(chan []byte, o.Lanes+1)}
	w.ctx, w.cancel = context.WithCancel(ctx)
	return w
}

// Write is io.Writer.
func (w *Writer) Write(p []byte) (int, error) {
	written := 0
	for written < len(p) {
		if err := w.broken(); err != nil {
			return written, err
		}
		if len(w.block) == w.o.Block {
			w.send()
			continue
		}
		n := min(len(p)-written, w.o.Block-len(w.block))
		w.grow(len(w.block) + n)
		w.block = append(w.block, p[written:written+n]...)
		written += n
		w.size += int64(n)
	}
	return written, nil
}

// firstBuffer is enough for an index; what needs more gets a whole block.
const firstBuffer = 64 << 10

// grow makes room for n bytes in at most two steps.
func (w *Writer) grow(n int) {
	if n <= cap(w.block) {
		return
	}
	size := w.o.Block
	if n <= firstBuffer {
		size = min(size, firstBuffer)
	}
	w.block = append(make([]byte, 0, size), w.block...)
}

// send gives the block to a lane, when one is free.
func (w *Writer) send() {
	if w.sent == 0 && w.o.Begin != nil {
		if err := w.o.Begin(w.ctx); err != nil {
			w.fail(err)
			return
		}
	}
	select {
	case w.lanes <- struct{}{}:
	case <-w.ctx.Done():
		return
	}
	data, index, offset := w.block, w.sent, w.size-int64(len(w.block))
	w.sent++
	w.under.Go(func() {
		defer func() { <-w.lanes }()
		free, err := w.o.Send(w.ctx, index, offset, data)
		if err != nil {
			w.fail(err)
		} else if free {
			w.free <- data[:0]
		}
	})
	select {
	case w.block = <-w.free:
	default:
		w.block = nil
	}
}

func (w *Writer) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = err
	}
	w.cancel()
}

// broken is why the writer cannot go on, nil while it can.
func (w *Writer) broken() error {
	if w.outer.Err() != nil {
		return w.o.Fail(context.Cause(w.outer))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// Failed is the error of an entry whose producer failed with err: that, unless it
// only repeats what Write told it.
func (w *Writer) Failed(err error) error {
	w.Close()
	if broken := w.broken(); broken != nil && errors.Is(err, broken) {
		return broken
	}
	return err
}

// Finish sends what is left and waits for all requests. An entry of no more than
// one block is not sent: whole has its bytes, and blocks is 0.
func (w *Writer) Finish() (whole []byte, blocks int, size int64, err error) {
	if w.sent == 0 {
		return w.block, 0, w.size, w.broken()
	}
	if len(w.block) > 0 && w.broken() == nil {
		w.send()
	}
	w.under.Wait()
	return nil, w.sent, w.size, w.broken()
}

// Close ends the requests under way and waits for them.
func (w *Writer) Close() {
	w.cancel()
	w.under.Wait()
}
