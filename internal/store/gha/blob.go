package gha

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/httpx"
	"github.com/modferry/modferry/internal/store"
	"github.com/modferry/modferry/internal/store/ranged"
)

// blob is the bytes of an entry behind a URL, which may be replaced by a new
// one. All parts of it must come from the same version.
type blob struct {
	s    *Store
	p    *patience
	name string
	op   string

	renewing sync.Mutex // held while asking for a new URL

	mu sync.Mutex
	known
}

// known is what is known of a blob.
type known struct {
	url     string
	turn    int   // counts the URLs
	refused int   // URLs in a row that opened nothing
	dead    error // there is no further URL to be had
	noted   bool  // the size and the mark are known, as far as the server tells
	size    int64 // -1 while unknown
	mark    mark
}

func (b *blob) now() known {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.known
}

// mark tells versions of a blob apart.
type mark struct{ tag, modified string }

func markOf(h http.Header) mark {
	m := mark{modified: h.Get("Last-Modified")}
	if tag := h.Get("ETag"); strings.HasPrefix(tag, `"`) {
		m.tag = tag // a weak one does not mean the same bytes
	}
	return m
}

// same reports whether two marks may be those of one version.
func (m mark) same(other mark) bool {
	if m.tag != "" && other.tag != "" {
		return m.tag == other.tag
	}
	return m.modified == "" || other.modified == "" || m.modified == other.modified
}

// span reads the bytes from at up to end of a blob, in order. What breaks is
// asked for again from where it broke. Its errors are *failure.Error.
type span struct {
	ctx   context.Context
	b     *blob
	at    int64
	end   int64 // exclusive; -1 as long as the size is unknown
	body  *response
	whole bool // the server sends the whole blob, whatever range is asked for
	retry retrier
	err   error
}

func (b *blob) span(ctx context.Context, at, end int64) *span {
	return &span{ctx: ctx, b: b, at: at, end: end, retry: retrier{p: b.p}}
}

// Read is io.Reader.
func (sp *span) Read(p []byte) (int, error) {
	for {
		switch {
		case sp.err != nil:
			return 0, sp.err
		case sp.ctx.Err() != nil:
			sp.err = sp.b.s.ended(sp.ctx, sp.b.op)
			sp.drop()
			continue
		case sp.end >= 0 && sp.at >= sp.end:
			sp.drop()
			return 0, io.EOF
		case sp.body == nil:
			sp.err = sp.open()
			continue
		}
		if sp.end >= 0 {
			p = p[:min(int64(len(p)), sp.end-sp.at)]
		}
		if len(p) == 0 {
			return 0, nil
		}
		n, err := sp.body.Body.Read(p)
		sp.at += int64(n)
		if n > 0 {
			sp.retry.progress()
		}
		if err != nil {
			sp.err = sp.broke(err)
		}
		if n > 0 {
			return n, nil
		}
	}
}

// broke ends the body, and decides how to go on after its error.
func (sp *span) broke(err error) error {
	body := sp.body
	defer sp.drop()
	if err == io.EOF {
		if sp.end < 0 {
			sp.end = sp.at // the end of what came without a length
		}
		if sp.at >= sp.end {
			return nil
		}
		err = io.ErrUnexpectedEOF
	}
	fe := body.broke(err)
	if fe.Class == failure.CutBody && sp.end >= 0 {
		fe = sp.b.s.fail(failure.CutBody, sp.b.op, body.r.url, fmt.Errorf("%w at byte %d of %d", err, sp.at, sp.b.now().size))
	}
	return sp.another(fe)
}

func (sp *span) another(fe *failure.Error) error {
	if sp.ctx.Err() != nil || !passes(fe, serverFails) {
		return fe
	}
	return sp.retry.again(sp.ctx, fe)
}

func (sp *span) drop() {
	if sp.body != nil {
		sp.body.end()
		sp.body = nil
	}
}

// Close ends the request under way.
func (sp *span) Close() error {
	sp.drop()
	if sp.err == nil {
		sp.err = ranged.ErrClosed
	}
	return nil
}

// open asks for the rest of the span until its body comes.
func (sp *span) open() error {
	for {
		b := sp.b.now()
		if b.url == "" {
			if err := sp.b.renew(sp.ctx, b.turn, nil); err != nil {
				return err
			}
			continue
		}
		resp, failed := sp.b.s.send(sp.ctx, sp.request(b))
		if failed == nil {
			if failed = sp.accept(resp); failed == nil {
				return nil
			}
			resp.end()
		}
		var err error
		if failed.Status == http.StatusUnauthorized || failed.Status == http.StatusForbidden {
			err = sp.b.renew(sp.ctx, b.turn, failed)
		} else {
			err = sp.another(failed)
		}
		if err != nil {
			return err
		}
	}
}

func (sp *span) request(b known) *request {
	r := &request{op: sp.b.op, method: http.MethodGet, url: b.url, header: map[string]string{
		// Compressed on the way, ranges and lengths would mean other bytes.
		"Accept-Encoding": "identity",
	}}
	if sp.end >= 0 {
		r.header["Range"] = fmt.Sprintf("bytes=%d-%d", sp.at, sp.end-1)
	} else if sp.at > 0 {
		r.header["Range"] = fmt.Sprintf("bytes=%d-", sp.at)
	}
	if b.mark.tag != "" {
		// Azure knows no If-Range; who knows neither is found out by accept.
		r.header["If-Match"] = b.mark.tag
	}
	return r
}

// accept makes the response the body of the span if it is the right bytes.
func (sp *span) accept(resp *response) *failure.Error {
	b := sp.b
	wrong := func(class failure.Class, format string, args ...any) *failure.Error {
		return b.s.fail(class, b.op, resp.r.url, fmt.Errorf(format, args...))
	}
	const changed = "the entry changed while it was read"
	switch resp.StatusCode {
	case http.StatusOK:
		if resp.ContentLength < 0 && resp.ProtoMajor == 1 && !slices.Contains(resp.TransferEncoding, "chunked") {
			return wrong(failure.BadResponse, "the answer has no length, so a break could not be told from its end")
		}
		if !b.note(resp.ContentLength, markOf(resp.Header)) {
			return wrong(failure.WrongContent, changed)
		}
		if !sp.whole && sp.at == 0 {
			sp.whole, sp.end = true, resp.ContentLength
		}
		if _, err := io.CopyN(io.Discard, resp.Body, sp.at); err != nil {
			return resp.broke(err)
		}
	case http.StatusPartialContent:
		part, err := httpx.ParseContentRange(resp.Header.Get("Content-Range"))
		if err != nil {
			return wrong(failure.BadResponse, "%w", err)
		}
		if part.Start != sp.at || sp.end >= 0 && part.End > sp.end {
			return wrong(failure.BadResponse, "asked for the bytes %d to %d, got %d to %d", sp.at, sp.end, part.Start, part.End)
		}
		if !b.note(part.Size, markOf(resp.Header)) {
			return wrong(failure.WrongContent, changed)
		}
		if sp.end < 0 || sp.end > part.Size {
			sp.end = part.Size
		}
	case http.StatusRequestedRangeNotSatisfiable:
		if sp.at > 0 || !b.note(0, mark{}) {
			return wrong(failure.WrongContent, changed)
		}
		sp.end = 0 // Azure has no range of an empty blob
	case http.StatusPreconditionFailed:
		return wrong(failure.WrongContent, changed)
	default:
		a, err := resp.read()
		if err != nil {
			return err
		}
		if a.status == http.StatusNotFound || a.status == http.StatusGone {
			return a.failure(store.ErrNotFound)
		}
		return a.failure()
	}
	sp.body = resp
	return nil
}

// note keeps what the first answer says of the blob, and compares the later
// ones with that.
func (b *blob) note(size int64, m mark) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.noted {
		if b.size >= 0 && size >= 0 && b.size != size || !b.mark.same(m) {
			return false
		}
		b.size = max(b.size, size)
	} else {
		b.noted, b.size, b.mark = true, size, m
	}
	b.refused = 0
	return true
}

// maxRefused is how many new URLs are asked for before one opens something.
const maxRefused = 2

// renew gets a new URL in place of the one of that turn, unless somebody did
// already. The error refused is what to end with when that has been tried.
func (b *blob) renew(ctx context.Context, turn int, refused *failure.Error) error {
	b.renewing.Lock()
	defer b.renewing.Unlock()
	b.mu.Lock()
	done, spent, dead := b.turn != turn, b.refused >= maxRefused, b.dead
	if !done {
		b.refused++
	}
	b.mu.Unlock()
	switch {
	case done:
		return nil
	case dead != nil:
		return dead
	case spent && refused != nil:
		return gaveUp(refused, fmt.Sprintf("so were %d new URLs", maxRefused))
	}
	e, err := b.s.service.find(ctx, b.p, []string{b.name})
	if err == nil && !strings.EqualFold(e.Name, b.name) {
		err = store.ErrNotFound
	}
	if _, failed := errors.AsType[*failure.Error](err); err != nil && !failed {
		class := failure.Forbidden
		if errors.Is(err, store.ErrNotFound) {
			class = failure.NotFound
		}
		err = b.s.fail(class, b.op, b.s.place.base, err)
	}
	if err == nil && refused != nil {
		b.s.log(fmt.Sprintf("%v; got a new URL", refused))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dead = err; err == nil {
		b.url, b.turn = e.Location, b.turn+1
	}
	return err
}
