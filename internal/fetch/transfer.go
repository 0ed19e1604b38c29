package fetch

import (
	"context"
	"errors"
	"io"
	"math"
	"os"
	"slices"
	"sync"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/mirror"
)

const (
	// leastPart is the smallest remainder that is worth a further request.
	leastPart = 1 << 20
	// maxHelpers bounds the requests that share one zip.
	maxHelpers = 6
	// chunk is what is read and written at a time.
	chunk = 64 << 10
)

// transfer is one zip on its way to a file: parts that are written where they
// belong, by the request that started it, by requests that go on after a cut,
// and by helpers that took over the rest of a part. Parts are only put
// together when the server proves by a strong validator that they are of the
// same entity.
type transfer struct {
	path string // below a mirror
	file io.WriterAt
	from *mirror.Mirror
	// others may supply parts, too, if they prove to have the same entity.
	others []*mirror.Mirror
	ctx    context.Context // of the helpers; ends with the transfer

	mu        sync.Mutex
	cond      *sync.Cond
	size      int64 // -1 unknown
	validator string
	parts     []*part
	helpers   int
	received  int64
	resumedAt int64 // offset of the last resumption, 0 none
	spliced   bool  // more than one response has gone into the file
}

// part is a range of bytes still to come. The end of one in work may be taken
// away by a helper.
type part struct {
	at, end int64 // end is MaxInt64 while the size is unknown
	busy    bool
}

func newTransfer(ctx context.Context, path string, file *os.File, from *mirror.Mirror, others []*mirror.Mirror) *transfer {
	t := &transfer{path: path, file: file, from: from, others: others, ctx: ctx, size: -1}
	t.cond = sync.NewCond(&t.mu)
	return t
}

var buffers = sync.Pool{New: func() any { b := make([]byte, chunk); return &b }}

// run brings the file with the response that is already there, going on after
// cuts for as long as the server proves that it is the same file and each
// resumption brings something.
func (t *transfer) run(ctx context.Context, resp *mirror.Response) error {
	p := t.begin(resp)
	for {
		before := t.progress()
		err := t.copy(resp, p)
		resp.Close()
		if err == nil {
			if p = t.claim(ctx); p == nil {
				return context.Cause(ctx)
			}
		} else if !t.resumable(err) || t.progress()-before < chunk {
			return err
		} else if p = t.claim(ctx); p == nil {
			return err
		}
		t.mu.Lock()
		t.spliced, t.resumedAt = true, p.at
		req := mirror.Request{Path: t.path, Offset: p.at, End: p.end, Validator: t.validator, Fresh: err != nil, Max: mirror.MaxZip}
		t.mu.Unlock()
		var gerr error
		resp, gerr = t.from.Get(ctx, req)
		if gerr != nil {
			t.release(p)
			return gerr
		}
		if resp.Status != 206 {
			// The file has changed, or the server doesn't do parts after all:
			// what is here is worth nothing, and starting over is the caller's.
			resp.Close()
			t.release(p)
			return failure.New(failure.CutBody, "resume", t.from.Name()+"/"+t.path,
				errors.New("the server no longer has the same file"))
		}
	}
}

// begin sets the transfer up from its first response and returns the first
// part, claimed.
func (t *transfer) begin(resp *mirror.Response) *part {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := &part{end: math.MaxInt64, busy: true}
	if resp.Size >= 0 {
		p.end = resp.Size
	}
	t.size, t.parts = resp.Size, []*part{p}
	if resp.Ranges {
		t.validator = resp.Validator
	}
	return p
}

func (t *transfer) resumable(err error) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.validator == "" {
		return false
	}
	switch failure.Classify(err) {
	case failure.CutBody, failure.HTTP2Reset, failure.Reset:
		return true
	}
	return false
}

func (t *transfer) progress() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.received
}

// copy reads the response into the part until one of them ends. The end of the
// part may move towards it meanwhile.
func (t *transfer) copy(resp *mirror.Response, p *part) error {
	b := buffers.Get().(*[]byte)
	defer buffers.Put(b)
	for {
		t.mu.Lock()
		left := p.end - p.at
		t.mu.Unlock()
		if left <= 0 {
			t.release(p)
			return nil
		}
		n, err := resp.Read((*b)[:min(left, chunk)])
		t.mu.Lock()
		n = int(min(int64(n), p.end-p.at))
		at := p.at
		t.mu.Unlock()
		if n > 0 {
			if _, werr := t.file.WriteAt((*b)[:n], at); werr != nil {
				t.release(p)
				return failure.New(failure.Classify(werr), "write", "", werr)
			}
			t.mu.Lock()
			p.at += int64(n)
			t.received += int64(n)
			t.mu.Unlock()
		}
		if err == io.EOF {
			t.mu.Lock()
			if p.end == math.MaxInt64 {
				p.end, t.size = p.at, p.at
			}
			t.mu.Unlock()
			t.release(p)
			return nil
		}
		if err != nil {
			t.release(p)
			return err
		}
	}
}

// release gives the part back, done or not.
func (t *transfer) release(p *part) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p.busy = false
	t.cond.Broadcast()
}

// claim returns an unfinished part that nobody works on, waiting for the
// helpers if all are in work. Nil means that the file is complete, or that ctx
// has ended.
func (t *transfer) claim(ctx context.Context) *part {
	stop := context.AfterFunc(ctx, func() { t.mu.Lock(); t.cond.Broadcast(); t.mu.Unlock() })
	defer stop()
	t.mu.Lock()
	defer t.mu.Unlock()
	for ctx.Err() == nil {
		busy := false
		for _, p := range t.parts {
			if p.at < p.end && !p.busy {
				p.busy = true
				return p
			}
			busy = busy || p.busy
		}
		if !busy {
			return nil
		}
		t.cond.Wait()
	}
	return nil
}

// settle waits until no helper writes to the file any more. Their context has
// ended by then.
func (t *transfer) settle() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for slices.ContainsFunc(t.parts, func(p *part) bool { return p.busy }) {
		t.cond.Wait()
	}
}

// remaining is the largest unfinished part in bytes, 0 when nothing can be
// split off.
func (t *transfer) remaining() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.largest(); p != nil {
		return p.end - p.at
	}
	return 0
}

func (t *transfer) largest() *part {
	if t.validator == "" || t.helpers >= maxHelpers || t.ctx.Err() != nil {
		return nil
	}
	var best *part
	for _, p := range t.parts {
		if left := p.end - p.at; left >= 2*leastPart && (best == nil || left > best.end-best.at) {
			best = p
		}
	}
	return best
}

// help takes the second half of the largest part over and brings it with a
// request of its own. It reports whether there was something to do. What it
// cannot bring is left to the others; a mirror that answers with anything but
// a part of the same entity is no help.
func (t *transfer) help() bool {
	t.mu.Lock()
	whole := t.largest()
	if whole == nil {
		t.mu.Unlock()
		return false
	}
	middle := whole.at + (whole.end-whole.at)/2
	p := &part{at: middle, end: whole.end, busy: true}
	whole.end = middle
	t.parts = append(t.parts, p)
	t.helpers++
	turn := t.helpers
	t.spliced = true
	req := mirror.Request{Path: t.path, Offset: p.at, End: p.end, Validator: t.validator, Fresh: true, Max: mirror.MaxZip}
	t.mu.Unlock()

	from := t.from
	if k := turn % (len(t.others) + 1); k > 0 {
		from = t.others[k-1]
	}
	resp, err := from.Get(t.ctx, req)
	if err == nil {
		if resp.Status == 206 && resp.Size == t.size {
			err = t.copy(resp, p)
		}
		resp.Close()
	}
	t.mu.Lock()
	if err == nil {
		t.helpers--
	}
	t.mu.Unlock()
	t.release(p)
	return true
}
