package relay

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/modferry/modferry/internal/download"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
)

const (
	// patience is the limit for the first byte of a page: a mirror that looks into
	// version control takes a minute to say that there is no such module.
	patience = 75 * time.Second
	// mostPages bounds the memory for pages.
	mostPages = 32 << 20
	// largestPage is a list of versions that is many times longer than any.
	largestPage = 4 << 20
)

// pages are the answers that no hash vouches for.
type pages struct {
	mu    sync.Mutex
	known map[string]known
	size  int
}

// known is an answer as it was.
type known struct {
	page  *download.Page // nil for a module or version that nobody has
	not   brought        // then
	until time.Time      // from when on it is asked for again
	good  bool           // for ever
}

func (k known) fresh(now time.Time) bool { return k.good || now.Before(k.until) }

func (p *pages) get(path string) known {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.known[path]
}

func (p *pages) put(path string, k known) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop(path)
	if p.size += k.size(path); p.size > mostPages {
		clear(p.known)
		p.size = k.size(path)
	}
	p.known[path] = k
}

// forget is for what may not be kept.
func (p *pages) forget(path string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop(path)
}

// drop is forget for who holds mu.
func (p *pages) drop(path string) {
	if k, ok := p.known[path]; ok {
		p.size -= k.size(path)
		delete(p.known, path)
	}
}

// size is the memory for an answer at a path, about.
func (k known) size(path string) int {
	if k.page == nil {
		return len(path)
	}
	return len(path) + len(k.page.Body)
}

// page answers with what mirrors say now: versions, the latest one, an .info.
func (r *Relay) page(w http.ResponseWriter, req *http.Request, q question) {
	k, cache := r.pages.get(q.path), "HIT"
	now := r.o.Now()
	if !k.fresh(now) {
		if unfetched(req) {
			r.refuse(w, q, brought{err: errNotFetched})
			return
		}
		cache = "MISS"
		got, _, left := r.asks.Do(req.Context(), q.path, func(ctx context.Context) brought { return r.ask(ctx, q) }, nil)
		switch {
		case left != nil:
			return
		case got.err != nil:
			r.refuse(w, q, got)
			return
		case got.stale:
			cache = "STALE"
		}
		k.page, k.until = got.page, now.Add(lifetime(got.page.CacheControl))
	} else if k.page == nil {
		r.refuse(w, q, k.not)
		return
	}
	h := w.Header()
	h.Set("X-Cache", cache)
	h.Set("Content-Type", contentTypes[q.kind])
	h.Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256(k.page.Body)))
	h.Set("Vary", "Disable-Module-Fetch")
	h.Set("Cache-Control", k.control(q, cache == "STALE", now))
	deliver(w, req, bytes.NewReader(k.page.Body))
}

// ask asks the mirrors for a page. The mirror that sent it before is asked whether it
// is still the same; when all fail, it is taken for that.
func (r *Relay) ask(ctx context.Context, q question) brought {
	before := r.pages.get(q.path)
	if before.fresh(r.o.Now()) { // by an earlier flight, after it was looked for
		return brought{page: before.page, it: before.not.it, err: before.not.err}
	}
	o := download.PageOptions{FirstByte: max(patience, r.s.Values.FirstByteTimeout), Have: before.page, Check: q.check}
	if q.kind == report.KindList {
		o.Max = largestPage
	}
	v := q.v
	if v.Version == "" {
		v.Version = map[string]string{report.KindList: "v/list", report.KindLatest: "latest"}[q.kind] // as in the URL
	}
	it := download.NewPage(v, q.kind, q.path, o)
	err := r.desk.engine().Bring(ctx, it)
	got := brought{it: it, err: err}
	if err == nil {
		got.page = it.Page()
		k := known{page: got.page, until: r.o.Now().Add(lifetime(got.page.CacheControl)), good: q.kind == report.KindInfo}
		if k.good || !unstored(got.page.CacheControl) {
			r.pages.put(q.path, k)
		} else {
			r.pages.forget(q.path)
		}
		// An .info comes with its version: as in other results, it is told of only when it
		// had trouble.
		if q.kind != report.KindInfo || len(it.Record.Attempts) > 1 {
			r.record(it)
		}
		return got
	}
	fe := failure.As(err)
	switch {
	case fe.Class == failure.Cancelled:
		return got
	case gone(it, fe):
		r.pages.put(q.path, known{not: got, until: r.o.Now().Add(usual)})
		return got
	}
	stale := before.page != nil && (fe.Class.Transport() || fe.Class == failure.WrongContent)
	if stale {
		it.Record.Source, it.Record.Class, it.Record.Message = report.FromPresent, "", ""
	}
	if stale || !it.Onward { // or else a probe of the go command, mostly
		r.record(it)
	}
	if stale {
		return brought{page: before.page, stale: true}
	}
	return got
}

// gone reports whether no mirror has an item, or none may be asked. A refusal that
// falls back is as much of an answer.
func gone(it *download.Item, fe *failure.Error) bool {
	switch cmp.Or(it.Record.Class, fe.Class) {
	case failure.Unauthorized, failure.Forbidden:
		return it.Onward
	case failure.NotFound, failure.Gone, failure.OnlyDirect, failure.Private, failure.Disabled:
		return true
	}
	return false
}

// check refuses what a captive portal or a broken mirror sends in place of a page.
func (q question) check(body []byte) error {
	if failure.IsPage(body) {
		return errors.New("an HTML page, as login pages and captive portals send")
	}
	if q.kind == report.KindList {
		return nil
	}
	var info struct{ Version string }
	if err := json.Unmarshal(body, &info); err != nil {
		return errors.New("the .info is not JSON")
	}
	if q.kind == report.KindInfo && info.Version != q.v.Version {
		return fmt.Errorf("the .info names version %q instead of %s", info.Version, q.v.Version)
	}
	if info.Version == "" {
		return errors.New("the .info names no version")
	}
	return nil
}
