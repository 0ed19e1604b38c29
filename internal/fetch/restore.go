package fetch

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/modferry/modferry/internal/download"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/layer"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/store"
)

// Restore brings into the module cache what the cache has of the work list,
// verified, and asks no mirror. What the cache does not have is no failure.
func Restore(ctx context.Context, s *session.Session, rec *Recorder) *report.Result {
	r, res := begin(s, rec)
	defer r.close()
	ctx, end := r.limited(ctx)
	defer end()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if err := r.openModCache(); err != nil {
		return r.refused(res, err)
	}
	var rest []*download.Item
	t := &route{r: r, download: func(items ...*download.Item) { rest = append(rest, items...) }}
	w := r.newWanted(t, nil)
	if err := w.look(ctx); err != nil {
		return r.refused(res, err)
	}
	r.rec.enter(restoring)
	cached := r.newSaved()
	if err := r.restore(ctx, w, t, cached, stop); err != nil {
		return r.refused(res, err)
	}
	if r.Store.Kind == store.Off {
		cached.info.Reason = "there is no cache to restore from; choose one with --cache"
	}
	res.Modules = w.present
	cached.conclude(res) // notes findings, which fillChainless collects
	r.fillChainless(res)
	r.collect(res, slices.DeleteFunc(w.brought(), func(it *download.Item) bool { return it.Record.Source == "" }))
	r.conclude(ctx, res)
	if n := countFiles(rest); res.Outcome == report.OK && n > 0 {
		res.Message = fmt.Sprintf("%s not in the cache; modferry fetch brings what is missing", filesAre(n))
	}
	return res
}

func countFiles(items []*download.Item) int {
	n := 0
	for _, it := range items {
		if it.Kind != download.KindInfo {
			n++
		}
	}
	return n
}

func filesAre(n int) string {
	if n == 1 {
		return "1 file is"
	}
	return fmt.Sprintf("%d files are", n)
}

// saved is the cache as one run uses it.
type saved struct {
	run      *run
	store    layer.Store  // nil when there is none
	index    *layer.Index // nil when there is none
	key      layer.Key
	picks    []layer.Pick
	items    map[layer.Member]*download.Item // what the picks may bring
	taken    func(*download.Item)            // told of each item that is restored
	began    time.Time
	restored *layer.Restored
	info     report.Cache
}

func (r *run) newSaved() *saved {
	s := &saved{run: r, items: map[layer.Member]*download.Item{}, key: layer.KeyOf(r.List), restored: &layer.Restored{},
		info: report.Cache{Store: r.Store.String(), Hit: layer.Off}}
	if r.Store.Kind != store.Off {
		s.info.Reason = "everything is in the module cache"
	}
	return s
}

// lookup asks the store what it has of the items. Whatever goes wrong is a
// reason in the result and no error: mirrors can do it all.
func (s *saved) lookup(ctx context.Context, items []*download.Item) {
	if s.run.Store.Kind == store.Off || len(items) == 0 {
		return
	}
	s.info.Reason = ""
	s.began = time.Now()
	defer func() { s.info.MS = download.Millis(time.Since(s.began)) }()
	var err error
	if s.store, err = s.run.OpenStore(); err != nil {
		s.info.Reason = failure.Neutral(err.Error())
		return
	}
	s.find(ctx)
	wanted := make(map[layer.Member]*download.Item, len(items))
	need := make(map[layer.Member]bool, len(items))
	for _, it := range items {
		wanted[it.Member()], need[it.Member()] = it, true
	}
	s.picks = s.index.Pick(need)
	for _, p := range s.picks {
		for m := range p.Take {
			s.items[m] = wanted[m]
		}
	}
}

// find reads the index.
func (s *saved) find(ctx context.Context) {
	s.info.Key, s.info.Hit = strings.TrimSuffix(s.key.String(), "-"), layer.Miss
	limit := s.run.Options.Patience
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the store did not answer within %v", limit))
	defer cancel()
	x, err := layer.Lookup(ctx, s.store, s.key)
	switch {
	case errors.Is(err, store.ErrNotFound):
	case err != nil:
		if ctx.Err() != nil && failure.As(err).Status == 0 {
			err = context.Cause(ctx) // it says nothing that the limit does not
		}
		s.info.Reason = failure.Neutral(err.Error())
	default:
		s.index, s.info.Hit = x, x.Hit()
		s.run.log("cache index %s: %d layers", x.Name, len(x.Layers))
	}
}

// covered are the items that layers may bring.
func (s *saved) covered() []*download.Item { return slices.Collect(maps.Values(s.items)) }

// restore brings what the index has.
func (s *saved) restore(ctx context.Context, stop context.CancelCauseFunc) {
	if len(s.picks) == 0 {
		return
	}
	sums := layer.Sums{}
	for m, it := range s.items {
		sums[m] = it.Want
		it.Record.StartMS = s.run.elapsed()
	}
	r := &layer.Restorer{
		Store: s.store, Cache: s.run.cache, Sums: sums, Zips: s.run.Values.Zips == "rebuild",
		Stall: s.run.Values.StallTimeout, Floor: s.run.Values.CacheFloor,
		// Each member is taken once, so no two calls touch the same item.
		Taken: func(m layer.Member, size int64) {
			it := s.items[m]
			s.run.rec.did(filesOf(it), size)
			it.Record.Source, it.Record.Bytes = report.FromCache, size
			it.Record.MS = s.run.elapsed() - it.Record.StartMS
			s.taken(it)
		},
	}
	s.restored = r.Restore(ctx, s.picks)
	s.info.MS = download.Millis(time.Since(s.began))
	if s.restored.Err != nil {
		stop(failure.As(s.restored.Err))
	}
}

// conclude puts what the restore did into the result and remembers the layers
// that are not to be relied on.
func (s *saved) conclude(res *report.Result) {
	r := s.restored
	s.info.Layers, s.info.Bytes = r.Layers, r.Bytes
	for m := range r.Members {
		if m.Kind != download.KindInfo {
			s.info.Files++
		}
	}
	for _, x := range r.Rejected {
		s.info.Rejected = append(s.info.Rejected, x.String())
	}
	if len(r.Reasons) > 0 {
		s.info.Reason = strings.Join(r.Reasons, "; ")
	}
	if len(s.items) > len(r.Members) { // an index whose layers do not bring what it lists
		s.info.Hit = layer.Partial
		if len(r.Members) == 0 {
			s.info.Hit = layer.Miss
		}
	}
	if len(r.Bad) > 0 {
		if err := layer.RememberBad(s.run.cache.Dir(), r.Bad); err != nil {
			s.run.log("%v", err)
		}
	}
	for _, tree := range r.Trees {
		s.run.rec.note(download.Unextractable(tree.Module.String(), tree))
	}
	res.Cache = s.info
}
