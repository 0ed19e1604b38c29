package download

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
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
	// freeParts is how many further requests a transfer may make whatever they
	// bring; each further one has to be earned by a chunk. That ends a server
	// that sends a few bytes at a time.
	freeParts = 32
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
	// One that answers with anything else is dropped.
	others []*mirror.Mirror
	ctx    context.Context // of the helpers; ends with the transfer

	mu        sync.Mutex
	cond      *sync.Cond
	size      int64 // -1 unknown
	validator string
	parts     []*part
	helpers   int
	turn      int // of the mirrors that may help
	received  int64
	further   int                      // requests for a part made by run
	whole     bool                     // the server does not send parts: nothing is split off any more
	resumedAt int64                    // offset of the last resumption, 0 none
	spliced   bool                     // more than one response has gone into the file
	supplied  map[*mirror.Mirror]int64 // bytes by mirrors other than from
}

func newTransfer(ctx context.Context, path string, file *os.File, from *mirror.Mirror, others []*mirror.Mirror) *transfer {
	t := &transfer{path: path, file: file, from: from, others: others, ctx: ctx, size: -1, supplied: map[*mirror.Mirror]int64{}}
	t.cond = sync.NewCond(&t.mu)
	return t
}

var buffers = sync.Pool{New: func() any { b := make([]byte, chunk); return &b }}

// run brings the file with the response that is already there and the part that
// begin made of it, going on after cuts for as long as the server proves that it
// is the same file and each resumption brings something. When the server does not
// send the part that is missing, the error is errAnew.
func (t *transfer) run(ctx context.Context, resp *mirror.Response, p *part) error {
	for {
		began := p.at
		err := t.copy(resp, p)
		resp.Close()
		if err != nil && (!t.resumable(err) || p.at == began) {
			return err
		}
		if p = t.claim(ctx); p == nil {
			return cmp.Or(err, context.Cause(ctx)) // both nil: the file is complete
		}
		req, ok := t.rest(p)
		if !ok {
			t.release(p)
			return cmp.Or[error](err, t.cut("the server sends only a few bytes at a time"))
		}
		var gerr error
		resp, gerr = t.from.Get(ctx, req)
		if gerr == nil && (resp.Status != http.StatusPartialContent || resp.Size != t.size) {
			resp.Close()
			gerr = t.cut("the server no longer has the same file")
		}
		if gerr != nil {
			t.release(p)
			return t.anew(ctx, gerr)
		}
	}
}

// rest is the request for a part. False means that too many were made for what
// they brought.
func (t *transfer) rest(p *part) (mirror.Request, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if int64(t.further) >= freeParts+t.received/chunk {
		return mirror.Request{}, false
	}
	t.further++
	t.spliced, t.resumedAt = true, p.at
	return t.request(p), true
}

func (t *transfer) request(p *part) mirror.Request {
	return mirror.Request{Path: t.path, Offset: p.at, End: p.end, Validator: t.validator, Fresh: true, Max: mirror.MaxZip}
}

// errAnew says that the parts that are here are worth nothing, for a reason
// that is no failure of the mirror's whole file: it is to be asked for from its
// start.
var errAnew = errors.New("the file is asked for from its start")

// anew is the failure of a transfer whose missing part the server does not
// send. What a server says of a part (404, 403, 416, 5xx, another file) it does
// not say of the module: the transfer was cut, and the whole has to be asked
// for. Only what ends every request alike stays what it is.
func (t *transfer) anew(ctx context.Context, err error) error {
	fe := failure.As(err)
	if ctx.Err() != nil || Local(fe.Class) {
		return fe
	}
	why := cmp.Or(fe.Detail, fe.Class.Title())
	if fe.Status != 0 {
		why = fmt.Sprintf("HTTP %d", fe.Status)
	}
	out := t.cut("the server does not send the rest (" + why + ")")
	out.Err = errAnew
	if out.RetryAfter = fe.RetryAfter; out.RetryAfter > 0 || fe.Class == failure.Throttled {
		out.Err = nil // not at once: it asked for less
	}
	return out
}

func (t *transfer) cut(why string) *failure.Error {
	e := failure.New(failure.CutBody, "resume", t.from.Name()+"/"+t.path, nil)
	e.Detail = why
	return e
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
	if !resp.Portable {
		t.others = nil
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

// length is the size of the file, -1 while it is not known.
func (t *transfer) length() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.size
}

// copy reads the response into the part until one of them ends. The end of the
// part may move towards it meanwhile.
func (t *transfer) copy(resp *mirror.Response, p *part) error {
	b := buffers.Get().(*[]byte)
	defer buffers.Put(b)
	for {
		left := t.left(p)
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

// suppliers are the other mirrors whose bytes are in the file.
func (t *transfer) suppliers() (by []*mirror.Mirror, n int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for m, k := range t.supplied {
		by, n = append(by, m), n+k
	}
	slices.SortFunc(by, func(a, b *mirror.Mirror) int { return cmp.Compare(a.Name(), b.Name()) })
	return by, n
}
