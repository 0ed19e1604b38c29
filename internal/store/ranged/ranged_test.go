package ranged_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/modferry/modferry/internal/store/ranged"
)

// entry opens ranges of an entry, and counts them.
type entry struct {
	data []byte
	// fault replaces the reader of a range; nil leaves it.
	fault func(start int64, whole io.Reader) io.Reader

	mu     sync.Mutex
	opened []int64
	open   int
}

type counted struct {
	io.Reader
	e *entry
}

func (c counted) Close() error {
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	c.e.open--
	return nil
}

func (e *entry) Open(start, end int64) io.ReadCloser {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.opened = append(e.opened, start)
	e.open++
	var r io.Reader = bytes.NewReader(e.data[start:end])
	if e.fault != nil {
		r = e.fault(start, r)
	}
	return counted{r, e}
}

func (e *entry) reader(ctx context.Context, lanes, window int, segment int64) *ranged.Reader {
	ctx, cancel := context.WithCancelCause(ctx)
	size := int64(len(e.data))
	n := min(segment, size)
	return ranged.NewReader(ctx, cancel, e.Open(0, n), n, ranged.Options{
		Size: size, Lanes: lanes, Window: window, Open: e.Open,
		Segment: func(int64, int64, time.Duration) int64 { return segment },
		Fail:    func(err error) error { return fmt.Errorf("read the entry: %w", err) },
	})
}

func some(n int) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(i * 7)
	}
	return data
}

// blocked waits for a channel, or for the context, and then reads.
type blocked struct {
	ctx context.Context
	on  chan struct{}
	io.Reader
}

func (b *blocked) Read(p []byte) (int, error) {
	select {
	case <-b.on:
		return b.Reader.Read(p)
	case <-b.ctx.Done():
		return 0, context.Cause(b.ctx)
	}
}

func TestTheBytesComeInOrder(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 99, 100, 101, 1000, 12_345} {
		for _, lanes := range []int{1, 4} {
			e := &entry{data: some(size), fault: func(start int64, r io.Reader) io.Reader {
				if start%200 == 0 {
					return iotest.DataErrReader(r)
				}
				return iotest.OneByteReader(r)
			}}
			r := e.reader(t.Context(), lanes, lanes+1, 100)
			got, err := io.ReadAll(r)
			if err != nil || !bytes.Equal(got, e.data) {
				t.Errorf("%d bytes over %d lanes: %d bytes, %v", size, lanes, len(got), err)
			}
			if err := r.Close(); err != nil || e.open != 0 {
				t.Errorf("Close: %v, %d ranges still open", err, e.open)
			}
		}
	}
}

func TestNoMoreThanTheWindowIsAskedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		on := make(chan struct{})
		e := &entry{data: some(1000), fault: func(start int64, r io.Reader) io.Reader {
			if start == 0 {
				return &blocked{t.Context(), on, r}
			}
			return r
		}}
		r := e.reader(t.Context(), 3, 5, 100)
		defer r.Close()
		synctest.Wait()
		if len(e.opened) != 5 {
			t.Errorf("%d ranges were asked for while the first stalled, want 5", len(e.opened))
		}
		close(on)
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, e.data) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	})
}

func TestARangeThatFailsEndsTheEntryWhereItFailed(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		fault func(io.Reader) io.Reader
		want  error
		n     int
	}{
		"an error": {func(r io.Reader) io.Reader {
			return io.MultiReader(io.LimitReader(r, 50), iotest.ErrReader(broken))
		}, broken, 350},
		"an end too early": {func(r io.Reader) io.Reader { return io.LimitReader(r, 50) }, io.ErrUnexpectedEOF, 350},
	} {
		e := &entry{data: some(1000), fault: func(start int64, r io.Reader) io.Reader {
			if start == 300 {
				return test.fault(r)
			}
			return r
		}}
		r := e.reader(t.Context(), 4, 6, 100)
		got, err := io.ReadAll(r)
		if !errors.Is(err, test.want) || len(got) != test.n {
			t.Errorf("%s: %d bytes, %v; want %d and %v", name, len(got), err, test.n, test.want)
		}
		r.Close()
	}
}

func TestCloseAndTheContextUnblockRead(t *testing.T) {
	t.Parallel()
	why := errors.New("enough")
	for name, test := range map[string]struct {
		end  func(r *ranged.Reader, cancel context.CancelCauseFunc)
		want error
	}{
		"Close":       {func(r *ranged.Reader, _ context.CancelCauseFunc) { r.Close() }, ranged.ErrClosed},
		"the context": {func(_ *ranged.Reader, cancel context.CancelCauseFunc) { cancel(why) }, why},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				inner, end := context.WithCancelCause(ctx)
				e := &entry{data: some(1000), fault: func(_ int64, r io.Reader) io.Reader { return &blocked{inner, nil, r} }}
				r := ranged.NewReader(inner, end, e.Open(0, 100), 100, ranged.Options{
					Size: 1000, Lanes: 4, Window: 4, Open: e.Open,
					Segment: func(int64, int64, time.Duration) int64 { return 100 },
					Fail:    func(err error) error { return err },
				})
				done := make(chan error)
				go func() {
					_, err := r.Read(make([]byte, 10))
					done <- err
				}()
				synctest.Wait()
				test.end(r, cancel)
				if err := <-done; !errors.Is(err, test.want) {
					t.Errorf("Read: %v, want %v", err, test.want)
				}
				r.Close()
				if e.open != 0 {
					t.Errorf("%d ranges still open", e.open)
				}
			})
		})
	}
}
