package fetch

import (
	"context"
	"errors"
	"fmt"
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
	items, present, err := r.missing(ctx, nil)
	if err != nil {
		return r.refused(res, err)
	}
	res.Modules = present
	r.rec.expect(len(items))
	r.rec.enter(restoring)
	cached := r.lookup(ctx, items)
	if r.Store.Kind == store.Off {
		cached.info.Reason = "there is no cache to restore from; choose one with --cache"
	}
	covered, rest := cached.apart(items)
	cached.restore(ctx, stop)
	rest = append(rest, cached.wait(covered)...)
	items = slices.DeleteFunc(items, func(it *download.Item) bool { return it.Record.Source == "" })
	cached.conclude(res) // notes findings, which fillChainless collects
	r.fillChainless(res)
	r.collect(res, items)
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
	run   *run
	store layer.Store  // nil when there is none
	index *layer.Index // nil when there is none
	key   layer.Key
	picks []layer.Pick
	items map[layer.Member]*download.Item // what the picks may bring
	began time.Time
	end   func() *layer.Restored // waits for the end of the restore
	info  report.Cache
}

func (r *run) newSaved() *saved {
	return &saved{run: r, items: map[layer.Member]*download.Item{}, key: layer.KeyOf(r.List),
		end:  func() *layer.Restored { return &layer.Restored{} },
		info: report.Cache{Store: r.Store.String(), Hit: layer.Off, Scope: r.Values.Scope}}
}

// lookup asks the store what it has of the items. Whatever goes wrong is a
// reason in the result and no error: mirrors can do it all.
func (r *run) lookup(ctx context.Context, items []*download.Item) *saved {
	s := r.newSaved()
	if r.Store.Kind == store.Off {
		s.info.Scope = ""
		return s
	}
	if len(items) == 0 {
		s.info.Reason = "everything is in the module cache"
		return s
	}
	s.began = time.Now()
	defer func() { s.info.MS = download.Millis(time.Since(s.began)) }()
	var err error
	if s.store, err = r.OpenStore(); err != nil {
		s.info.Reason = failure.Neutral(err.Error())
		return s
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
	return s
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

// apart divides the items into those that a layer may bring and those that
// mirrors are asked for at once.
func (s *saved) apart(items []*download.Item) (covered, rest []*download.Item) {
	for _, it := range items {
		if s.items[it.Member()] == nil {
			rest = append(rest, it)
		} else {
			covered = append(covered, it)
		}
	}
	return covered, rest
}

// restore starts to bring what the index has; wait ends it.
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
		Store: s.store, Cache: s.run.cache, Sums: sums,
		Stall: s.run.Values.StallTimeout, Floor: s.run.Values.CacheFloor,
		// Each member is taken once, so no two calls touch the same item.
		Taken: func(m layer.Member, size int64) {
			s.run.rec.did(1, size)
			it := s.items[m]
			it.Record.Source, it.Record.Bytes = report.FromCache, size
			it.Record.MS = s.run.elapsed() - it.Record.StartMS
		},
	}
	s.end = r.Start(ctx, s.picks, func(result *layer.Restored) {
		s.info.MS = download.Millis(time.Since(s.began))
		if result.Err != nil {
			stop(failure.As(result.Err))
		}
	})
}

// wait waits for the restore and returns what it did not bring.
func (s *saved) wait(covered []*download.Item) []*download.Item {
	s.end()
	var left []*download.Item
	for _, it := range covered {
		if it.Record.Source == "" {
			it.Record.StartMS = 0
			left = append(left, it)
		}
	}
	return left
}

// conclude puts what the restore did into the result and remembers the layers
// that are not to be relied on.
func (s *saved) conclude(res *report.Result) {
	r := s.end()
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
