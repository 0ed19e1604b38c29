package gha

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/modferry/modferry/internal/store"
	"github.com/modferry/modferry/internal/store/ranged"
)

// firstSegment is what the first request asks for: it tells the size, and is
// all of a small entry.
const firstSegment = 1 << 20

const leastSegment = 256 << 10

// open begins to read an entry. The first request goes out at once; how the
// rest comes depends on its answer: one answer that holds everything is read
// as it comes, otherwise several requests bring segments in parallel.
func (s *Store) open(ctx context.Context, e store.Entry) (io.ReadCloser, error) {
	b := &blob{s: s, p: s.patience(), name: e.Name, op: "read " + e.Name, known: known{url: e.Location, size: -1}}
	s.secrets.addURL(e.Location)
	ctx, cancel := context.WithCancelCause(ctx)
	first := b.span(ctx, 0, int64(min(firstSegment, s.o.Segment)))
	if err := first.open(); err != nil {
		cancel(nil)
		return nil, err
	}
	if first.whole || first.end >= b.now().size {
		return &stream{span: first, cancel: cancel}, nil
	}
	lanes := s.o.Parallel
	return ranged.NewReader(ctx, cancel, first, first.end, ranged.Options{
		Size: b.now().size, Lanes: lanes, Window: lanes + max(lanes/2, 1),
		Segment: func(rest, got int64, elapsed time.Duration) int64 {
			return segmentSize(rest, lanes, int64(s.o.Segment), got, elapsed)
		},
		Open: func(start, end int64) io.ReadCloser { return b.span(ctx, start, end) },
		Fail: func(err error) error { return s.endedBy(err, b.op) },
	}), nil
}

// stream is an entry that one response brings.
type stream struct {
	cancel context.CancelCauseFunc
	mu     sync.Mutex // held by a Read under way
	span   *span
}

func (st *stream) Read(p []byte) (int, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.span.Read(p)
}

func (st *stream) Close() error {
	st.cancel(ranged.ErrClosed) // unblocks Read
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.span.Close()
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
