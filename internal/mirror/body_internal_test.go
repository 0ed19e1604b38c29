package mirror

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/modferry/modferry/internal/failure"
)

// paced is a connection that delivers so many bytes after each wait, then ends
// with an error.
type paced struct {
	ctx  context.Context
	wait time.Duration
	n    int // bytes at a time
	left int // deliveries
	end  error
}

func (p *paced) Read(b []byte) (int, error) {
	if p.left == 0 {
		return 0, p.end
	}
	p.left--
	select {
	case <-time.After(p.wait):
		return copy(b, make([]byte, p.n)), nil
	case <-p.ctx.Done():
		return 0, p.ctx.Err()
	}
}

func (p *paced) Close() error { return nil }

func newBody(t *testing.T, rc *paced, want int64) *body {
	ctx, cancel := context.WithCancelCause(t.Context())
	rc.ctx = ctx
	return &body{ctx: ctx, cancel: cancel, rc: rc, now: time.Now, stall: time.Minute, want: want}
}

func TestOnlyWaitingForTheServerIsAStall(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		conn  paced
		pause time.Duration // of the reader, after each read
		want  failure.Class
	}{
		{"enough bytes, each time late", paced{wait: 50 * time.Second, n: minProgress, left: 5, end: io.EOF}, 0, ""},
		{"a byte now and then", paced{wait: 25 * time.Second, n: 1, left: 5, end: io.EOF}, 0, failure.Stall},
		{"one byte less than enough", paced{wait: 50 * time.Second, n: minProgress - 1, left: 2, end: io.EOF}, 0, failure.Stall},
		{"no byte", paced{wait: 2 * time.Minute, n: minProgress, left: 1, end: io.EOF}, 0, failure.Stall},
		{"a reader that takes its time", paced{wait: time.Second, n: 1, left: 5, end: io.EOF}, time.Hour, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBody(t, &test.conn, -1)
				defer b.cancel(nil)
				buffer := make([]byte, minProgress)
				var err error
				for err == nil {
					_, err = b.Read(buffer)
					time.Sleep(test.pause)
				}
				if err == io.EOF {
					err = nil
				}
				if got := failure.Classify(err); got != test.want {
					t.Errorf("class %q, want %q (%v)", got, test.want, err)
				}
			})
		})
	}
}

func TestABodyEndsWhereItWasAnnouncedTo(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		end  error
		want int64 // announced; 10 bytes arrive
		gone bool  // the request was cancelled meanwhile
		is   failure.Class
	}{
		{"as announced", io.EOF, 10, false, ""},
		{"without announcement", io.EOF, -1, false, ""},
		{"too early", io.EOF, 11, false, failure.CutBody},
		{"too late", io.EOF, 9, false, failure.CutBody},
		{"though nothing was announced", io.EOF, 0, false, failure.CutBody},
		{"broken off", io.ErrUnexpectedEOF, 11, false, failure.CutBody},
		{"broken off without announcement", io.ErrUnexpectedEOF, -1, false, failure.CutBody},
		{"broken off by a cancellation", io.ErrUnexpectedEOF, 11, true, failure.Cancelled},
		{"by an error of its own", failure.New(failure.Reset, "read", "", errors.New("reset")), 11, false, failure.Reset},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newBody(t, &paced{n: 10, left: 1, end: test.end}, test.want)
			defer b.cancel(nil)
			buffer := make([]byte, 100)
			n, err := b.Read(buffer)
			if n != 10 || err != nil {
				t.Fatalf("%d bytes, %v", n, err)
			}
			if test.gone {
				b.cancel(nil)
			}
			_, err = b.Read(buffer)
			if err == io.EOF {
				err = nil
			}
			if got := failure.Classify(err); got != test.is {
				t.Errorf("class %q, want %q (%v)", got, test.is, err)
			}
		})
	}
}
