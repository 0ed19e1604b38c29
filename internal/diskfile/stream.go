package diskfile

import (
	"context"
	"io"
	"os"
)

// Stream opens what the job names to be read once, from its beginning to its
// end, where that may be a FIFO: a shell's <(command) is one. Waiting for its
// other end and reading from it end with ctx.
func Stream(ctx context.Context, name string) (io.ReadCloser, error) {
	type opened struct {
		f   *os.File
		err error
	}
	got := make(chan opened, 1)
	go func() {
		f, err := os.Open(name)
		got <- opened{f, err}
	}()
	select {
	case o := <-got:
		if o.err != nil {
			return nil, o.err
		}
		return &stream{ctx: ctx, f: o.f, stop: context.AfterFunc(ctx, func() { o.f.Close() })}, nil
	case <-ctx.Done():
		// No system call takes back an opening that waits: it stays behind.
		return nil, context.Cause(ctx)
	}
}

type stream struct {
	ctx  context.Context
	f    *os.File
	stop func() bool
}

func (s *stream) Read(p []byte) (int, error) {
	n, err := s.f.Read(p)
	if err != nil && s.ctx.Err() != nil {
		err = context.Cause(s.ctx)
	}
	return n, err
}

func (s *stream) Close() error {
	if !s.stop() {
		return nil // closed by the end of ctx
	}
	return s.f.Close()
}
