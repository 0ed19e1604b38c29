package relay

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/modferry/modferry/internal/download"
	"github.com/modferry/modferry/internal/failure"
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
	if want == "" && r.s.Values.Strict {
		r.refuse(w, q, r.unverified(q, m, why))
		return
	}
	of := file{q.v, q.kind}
	r.deliveries.begin(of)
	done, giveUp := false, r.giveUp(of)
	defer func() { r.deliveries.end(of, done, giveUp) }()
	cache := "HIT"
	f, err := r.shelf.open(of, want)
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
		f, err = r.shelf.open(of, want)
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
		h.Set("Cache-Control", brief)
	}
	h.Set("Vary", "Disable-Module-Fetch")
	if giveUp == nil {
		deliver(w, req, f.ReadSeeker)
		return
	}
	sent := &answer{ResponseWriter: w}
	http.ServeContent(sent, req, "", time.Time{}, f.ReadSeeker)
	done = sent.whole(req)
}

// conditions are the headers that make an answer anything but the whole file.
var conditions = []string{"Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"}

// deliver answers with a file. What is in memory goes out in one write, at half the
// cost of http.ServeContent; a file is handed over as itself, which the system may
// send by itself.
func deliver(w http.ResponseWriter, req *http.Request, f io.ReadSeeker) {
	memory, ok := f.(*bytes.Reader)
	conditional := func(name string) bool { return req.Header[name] != nil }
	if !ok || req.Method != http.MethodGet || slices.ContainsFunc(conditions, conditional) {
		http.ServeContent(w, req, "", time.Time{}, f)
		return
	}
	w.Header().Set("Accept-Ranges", "bytes")
	w.Header().Set("Content-Length", strconv.Itoa(memory.Len()))
	w.WriteHeader(http.StatusOK)
	_, _ = memory.WriteTo(w) // a client that is gone needs nothing
}

// giveUp is what removes a file that was delivered; nil for one that stays.
func (r *Relay) giveUp(of file) func() error {
	if !r.o.Once || of.kind != report.KindZip {
		return nil
	}
	return func() error { return r.shelf.Drop(r.ctx, of.v) }
}

// unverified is the end of a file that nobody knows a hash of.
func (r *Relay) unverified(q question, m worklist.Module, why string) brought {
	fe := failure.New(failure.MissingSum, "verify", "", nil)
	fe.Detail = "strict refuses what cannot be verified: " + why
	it, err := download.NewItem(m, q.kind)
	if err != nil {
		return brought{err: err}
	}
	it.Record.Source, it.Record.Class, it.Record.Message = report.FromFailed, fe.Class, fe.Error()
	r.record(it)
	return brought{it: it, err: fe}
}

// bring downloads a file for all who wait for it.
func (r *Relay) bring(ctx context.Context, q question, m worklist.Module, want, why string) brought {
	if f, err := r.shelf.open(file{q.v, q.kind}, want); err == nil { // by an earlier flight, after it was looked for
		f.Close()
		return brought{}
	}
	it, err := download.NewItem(m, q.kind)
	if err != nil {
		return brought{err: err}
	}
	if r.shelf.Recall(ctx, q.v, q.kind, want) {
		it.Record.Source = report.FromCache
		r.record(it)
		return brought{from: "STORE"}
	}
	err = r.desk.engine().Bring(ctx, it)
	if full(err) {
		r.shelf.Evict(ctx)
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
