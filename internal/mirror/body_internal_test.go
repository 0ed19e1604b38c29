package mirror

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/modferry/modferry/internal/failure"
)

// ending is a connection that delivers ten bytes, then ends with an error.
type ending struct {
	done bool
	end  error
}

func (e *ending) Read(b []byte) (int, error) {
	if e.done {
		return 0, e.end
	}
	e.done = true
	return copy(b, make([]byte, 10)), nil
}

func (e *ending) Close() error { return nil }

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
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			b := &body{ctx: ctx, rc: &ending{end: test.end}, want: test.want}
			buffer := make([]byte, 100)
			n, err := b.Read(buffer)
			if n != 10 || err != nil {
				t.Fatalf("%d bytes, %v", n, err)
			}
			if test.gone {
				cancel()
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
