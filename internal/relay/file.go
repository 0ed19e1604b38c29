package relay

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"time"

	"github.com/modferry/modferry/internal/download"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/relay/keep"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/worklist"
)

// immutable is said of what a hash vouches for.
const immutable = "max-age=31536000, immutable"

// file answers with a zip or a go.mod.
func (r *Relay) file(w http.ResponseWriter, req *http.Request, q question) {
	m, why, err := r.sums.Find(req.Context(), q.v, q.kind)
	if err != nil {
		r.refuse(w, q, brought{err: err})
		return
	}
	want := m.Zip
	if q.kind == report.KindMod {
		want = m.Mod
	}
	cache := "HIT"
	f, err := r.keep.Open(q.v, q.kind, want)
	if errors.Is(err, fs.ErrNotExist) {
		if unfetched(req) {
			r.refuse(w, q, brought{err: errNotFetched})
			return
		}
		cache = "MISS"
		got, _, left := r.files.Do(req.Context(), request{q, want}, func(ctx context.Context) brought { return r.bring(ctx, q, m, want, why) }, func() bool { return r.worth(q) })
		if left != nil {
			return // nobody reads the answer
		}
		if got.err != nil {
			r.refuse(w, q, got)
			return
		}
		cache = cmp.Or(got.from, cache)
		f, err = r.keep.Open(q.v, q.kind, want)
	}
	if err != nil {
		r.refuse(w, q, brought{err: err})
		return
	}
	defer f.Close()
	h := w.Header()
	h.Set("X-Cache", cache)
	h.Set("Content-Type", contentTypes[q.kind])
	h.Set("ETag", f.ETag)
	h.Set("Cache-Control", immutable)
	if want == "" {
		h.Set("X-Modferry-Verified", "no")
		h.Set("Cache-Control", "max-age=60")
	}
	h.Set("Vary", "Disable-Module-Fetch")
	http.ServeContent(w, req, "", time.Time{}, f.ReadSeeker) // itself, which the system may send by itself
}

// bring downloads a file for all who wait for it.
func (r *Relay) bring(ctx context.Context, q question, m worklist.Module, want, why string) brought {
	it, err := download.NewItem(m, q.kind)
	if err != nil {
		return brought{err: err}
	}
	switch from := r.keep.Recall(ctx, q.v, q.kind, want); from {
	case keep.FromHere: // by an earlier flight, after it was looked for
		return brought{from: from}
	case keep.FromStore:
		it.Record.Source = report.FromCache
		r.record(it)
		return brought{from: from}
	}
	err = r.desk.engine().Bring(ctx, it)
	if full := failure.As(err); full != nil && full.Class == failure.DiskFull {
		r.keep.Evict(ctx)
		err = r.desk.engine().Bring(ctx, it)
	}
	if cancelled := failure.As(err); cancelled == nil || cancelled.Class != failure.Cancelled {
		r.record(it)
	}
	if err == nil && want == "" {
		r.pass(q, why)
	}
	return brought{it: it, err: err}
}

// smallZip is what is brought to its end though nobody waits for it any more.
const smallZip = 10 << 20

// worth reports whether a file that nobody waits for any more is brought to its end:
// whoever asked may ask again.
func (r *Relay) worth(q question) bool {
	if q.kind != report.KindZip {
		return true
	}
	arrived, size := r.desk.underway(q.path)
	return size >= 0 && (size < smallZip || arrived > size/2)
}

// unfetched reports whether a client wants nothing that is not here already.
func unfetched(req *http.Request) bool { return req.Header.Get("Disable-Module-Fetch") == "true" }
