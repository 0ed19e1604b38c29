package gha

import (
	"context"
	"errors"
	"sync"
)

// upload is an entry on its way to the service. Write fills a block; a full
// one goes out when more comes, so that an entry of one block is known to be
// one. Blocks go out in parallel, and Write waits while all lanes are taken.
type upload struct {
	s      *Store
	p      *patience
	name   string
	r      reservation
	outer  context.Context // the caller's
	ctx    context.Context // ends when a part fails, too
	cancel context.CancelFunc

	block []byte // being filled
	size  int64
	parts int

	lanes chan struct{} // one for each request under way
	free  chan []byte   // blocks that were sent
	sent  sync.WaitGroup

	mu  sync.Mutex
	err error // the first of a part
}

func newUpload(ctx context.Context, s *Store, p *patience, name string, r reservation) *upload {
	u := &upload{
		s: s, p: p, name: name, r: r, outer: ctx,
		lanes: make(chan struct{}, s.o.Parallel), free: make(chan []byte, s.o.Parallel+1),
	}
	u.ctx, u.cancel = context.WithCancel(ctx)
	return u
}

// Write is io.Writer.
func (u *upload) Write(p []byte) (int, error) {
	written := 0
	for written < len(p) {
		if err := u.broken(); err != nil {
			return written, err
		}
		if len(u.block) == u.s.o.Block {
			u.send()
			continue
		}
		n := min(len(p)-written, u.s.o.Block-len(u.block))
		u.block = append(u.block, p[written:written+n]...)
		written += n
		u.size += int64(n)
	}
	return written, nil
}

// send gives the block to a lane, when one is free.
func (u *upload) send() {
	select {
	case u.lanes <- struct{}{}:
	case <-u.ctx.Done():
		return
	}
	data, index, offset := u.block, u.parts, u.size-int64(len(u.block))
	u.parts++
	u.sent.Go(func() {
		defer func() { <-u.lanes }()
		free, err := u.r.part(u.ctx, index, offset, data)
		if err != nil {
			u.fail(err)
		} else if free {
			u.free <- data[:0]
		}
	})
	select {
	case u.block = <-u.free:
	default:
		u.block = make([]byte, 0, u.s.o.Block)
	}
}

// fail keeps the first error and stops the other parts.
func (u *upload) fail(err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.err == nil {
		u.err = err
	}
	u.cancel()
}

// broken is why the upload cannot go on, nil while it can.
func (u *upload) broken() error {
	if u.outer.Err() != nil {
		return u.s.ended(u.outer, "save "+u.name)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.err
}

// failed is the error of an entry whose write failed: write's, unless that is
// about what Write told it.
func (u *upload) failed(err error) error {
	u.stop()
	if broken := u.broken(); broken != nil && errors.Is(err, broken) {
		return broken
	}
	return err
}

// commit sends what is left, and makes the entry visible once all is there.
func (u *upload) commit() error {
	if u.broken() == nil && u.parts == 0 {
		if err := u.r.whole(u.ctx, u.block); err != nil {
			u.fail(err)
		}
	} else if len(u.block) > 0 {
		u.send()
	}
	u.sent.Wait()
	if err := u.broken(); err != nil {
		return err
	}
	u.p.unknown.Store(false)
	err := u.r.commit(u.ctx, u.parts, u.size)
	if err != nil && u.p.unknown.Load() && u.outer.Err() == nil {
		// An earlier attempt may have got through without its answer.
		if e, ferr := u.s.Find(u.ctx, u.name); ferr == nil && e.Name == u.name {
			return nil
		}
	}
	return err
}

// stop ends all requests and waits for them.
func (u *upload) stop() {
	u.cancel()
	u.sent.Wait()
}
