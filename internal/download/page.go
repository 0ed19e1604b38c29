package download

import (
	"cmp"
	"io"
	"net/http"
	"time"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/report"
)

// Page is what a mirror says now and may say otherwise later: the versions of a
// module, what a query leads to, a part of the checksum database. No hash vouches
// for it.
type Page struct {
	Body         []byte
	ETag         string // as it was sent, "" when it was not
	CacheControl string // likewise
	Mirror       string // that sent it, redacted
}

// PageOptions say how a page is asked for.
type PageOptions struct {
	Max int64 // most bytes; 0 means as many as an .info may have
	// FirstByte is the limit for the first byte in place of the mirror's; 0 means the
	// mirror's. A mirror looks into version control before it answers a query.
	FirstByte time.Duration
	// Have is the page as it was; the mirror that sent it is asked whether it still
	// is. Nil for none.
	Have *Page
	// Check refuses what is no such page; nil takes everything.
	Check func(body []byte) error
}

// page is the part of an item that is a page.
type page struct {
	o   PageOptions
	got *Page
}

// NewPage is a page at an escaped path below a mirror, about a module: its path
// decides which mirrors may be asked. kind and v are for the record.
func NewPage(v module.Version, kind, path string, o PageOptions) *Item {
	if o.Max == 0 {
		o.Max = mirror.MaxInfo
	}
	return &Item{Mod: v, Kind: kind, path: path, page: &page{o: o},
		Record: report.Module{Path: v.Path, Version: v.Version, Kind: kind}}
}

// Page is the page that was brought; nil before.
func (it *Item) Page() *Page { return it.page.got }

// ask adds to a request at a mirror what the page is asked for with. A nil page
// adds nothing.
func (p *page) ask(r *mirror.Request, name string) {
	if p == nil {
		return
	}
	r.FirstByte = p.o.FirstByte
	if p.o.Have != nil && p.o.Have.Mirror == name {
		r.IfNone = p.o.Have.ETag
	}
}

func (e *Engine) receivePage(it *Item, q *request, a *report.Attempt) *failure.Error {
	begin := time.Now()
	p := it.page
	got := &Page{ETag: q.resp.ETag, CacheControl: q.resp.CacheControl, Mirror: q.turn.hop.Name()}
	if q.resp.Status == http.StatusNotModified {
		// A 304 may leave out what has not changed.
		got.Body, got.ETag, got.CacheControl = p.o.Have.Body, cmp.Or(got.ETag, p.o.Have.ETag), cmp.Or(got.CacheControl, p.o.Have.CacheControl)
		q.received(begin, nil, a)
		p.got = got
		return nil
	}
	var err error
	got.Body, err = io.ReadAll(q.resp)
	fe := failure.As(err)
	q.received(begin, fe, a)
	if fe == nil && p.o.Check != nil {
		if err := p.o.Check(got.Body); err != nil {
			fe = failure.New(failure.WrongContent, "read", got.Mirror+"/"+it.path, err)
		}
	}
	if fe == nil {
		p.got = got
	}
	return fe
}
