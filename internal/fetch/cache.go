package fetch

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/layer"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/store"
)

// saved is the cache as one run uses it.
type saved struct {
	job    *job
	store  layer.Store  // nil when there is none
	index  *layer.Index // nil when there is none
	key    layer.Key
	picks  []layer.Pick
	items  map[layer.Member]*item // all that is to be brought
	began  time.Time
	done   chan struct{} // closed when the restore is over
	result *layer.Restored
	info   report.Cache
}

func (j *job) newSaved() *saved {
	s := &saved{job: j, done: make(chan struct{}), items: map[layer.Member]*item{}, result: &layer.Restored{},
		info: report.Cache{Store: j.Store.String(), Hit: "off", Scope: j.Values.Scope}}
	close(s.done)
	return s
}

// lookup asks the store what it has of the items. Whatever goes wrong is a
// reason in the result and no error: mirrors can do it all.
func (j *job) lookup(ctx context.Context, items []*item) *saved {
	s := j.newSaved()
	if j.Store.Kind == store.Off {
		s.info.Scope = ""
		return s
	}
	if len(items) == 0 {
		s.info.Reason = "everything is in the module cache"
		return s
	}
	s.began = time.Now()
	defer func() { s.info.MS = millis(time.Since(s.began)) }()
	var err error
	if s.store, err = j.OpenStore(); err != nil {
		s.info.Reason = failure.Neutral(err.Error())
		return s
	}
	s.find(ctx)
	if s.index == nil {
		return s
	}
	need := map[layer.Member]bool{}
	used, unneeded := s.index.Used(), s.index.Unneeded()
	if s.job.Values.Scope != "used" {
		unneeded = nil
	}
	for _, it := range items {
		m := it.member()
		it.used = used != nil && used(it.mod)
		if unneeded != nil && it.kind != report.KindMod && unneeded(it.mod) {
			leave(it)
			continue
		}
		s.items[m], need[m] = it, true
	}
	s.picks = s.index.Pick(need)
	return s
}

// find reads the index.
func (s *saved) find(ctx context.Context) {
	s.key = layer.KeyOf(s.job.List)
	s.info.Key, s.info.Hit = strings.TrimSuffix(s.key.String(), "-"), "miss"
	limit := s.job.Options.Patience
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the store did not answer within %v", limit))
	defer cancel()
	x, err := layer.Lookup(ctx, s.store, s.key)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return
	case err != nil:
		if ctx.Err() != nil && failure.As(err).Status == 0 {
			err = context.Cause(ctx) // it says nothing that the limit does not
		}
		s.info.Reason = failure.Neutral(err.Error())
		return
	}
	s.index, s.info.Hit = x, "partial"
	if x.Exact {
		s.info.Hit = "exact"
	}
	s.job.log("cache index %s: %d layers", x.Name, len(x.Layers))
}

// leave leaves an item to the go command because no job so far used its module.
func leave(it *item) {
	it.rec.Source, it.rec.Class = report.FromDeferred, failure.Unused
	it.rec.Message = "no job so far used it, and --scope is used"
}

// restore starts to bring what the index has; wait ends it.
func (s *saved) restore(ctx context.Context, stop func(*failure.Error)) {
	if len(s.picks) == 0 {
		return
	}
	r := &layer.Restorer{
		Store: s.store, Cache: s.job.cache, Sums: map[layer.Member]string{},
		Extract: func(m layer.Member) bool { return extracts(s.job.Values, s.items[m]) },
		Stall:   s.job.Values.StallTimeout, Floor: s.job.Values.CacheFloor,
	}
	for _, p := range s.picks {
		for m := range p.Take {
			r.Sums[m] = s.items[m].want
		}
	}
	// Each member is taken once, so no two calls touch the same item.
	r.Taken = func(m layer.Member, size int64) {
		s.job.rec.did(1, size)
		it := s.items[m]
		it.rec.Source, it.rec.Bytes = report.FromCache, size
		it.rec.MS = s.job.elapsed() - it.rec.StartMS
	}
	for m := range r.Sums {
		s.items[m].rec.StartMS = s.job.elapsed()
	}
	s.done = make(chan struct{})
	go func() {
		defer close(s.done)
		s.result = r.Restore(ctx, s.picks)
		s.info.MS = millis(time.Since(s.began))
		if s.result.Err != nil {
			stop(failure.As(s.result.Err))
		}
	}()
}

// apart divides the items into those that a layer may bring and those that
// mirrors are asked for at once. What is left to the go command is in neither.
func (s *saved) apart(items []*item) (covered, rest []*item) {
	bring := map[*item]bool{}
	for _, p := range s.picks {
		for m := range p.Take {
			bring[s.items[m]] = true
		}
	}
	for _, it := range items {
		switch {
		case it.rec.Source != "":
		case bring[it]:
			covered = append(covered, it)
		default:
			rest = append(rest, it)
		}
	}
	return covered, rest
}

// wait waits for the restore and returns what it did not bring.
func (s *saved) wait(covered []*item) []*item {
	<-s.done
	var left []*item
	for _, it := range covered {
		if it.rec.Source == "" {
			it.rec.StartMS = 0
			left = append(left, it)
		}
	}
	return left
}

// conclude puts what the restore did into the result and remembers the layers
// that are not to be relied on.
func (s *saved) conclude(res *report.Result) {
	r := s.result
	s.info.Layers, s.info.Bytes = r.Layers, r.Bytes
	for _, it := range s.items {
		if it.rec.Source == report.FromCache && it.kind != kindInfo {
			s.info.Modules++
		}
	}
	for _, x := range r.Rejected {
		s.info.Rejected = append(s.info.Rejected, x.String())
	}
	if len(r.Reasons) > 0 {
		s.info.Reason = strings.Join(r.Reasons, "; ")
	}
	s.info.Hit = s.hit()
	if len(r.Bad) > 0 {
		if err := layer.RememberBad(s.job.cache.Dir(), r.Bad); err != nil {
			s.job.log("%v", err)
		}
	}
	for _, tree := range r.Trees {
		s.job.rec.note(unextractable(tree.Module.String(), tree))
	}
	res.Cache = s.info
}

// hit is what the index came to: an exact one whose layers did not bring what it
// lists was none.
func (s *saved) hit() string {
	listed := 0
	for _, p := range s.picks {
		listed += len(p.Take)
	}
	switch brought := len(s.result.Members); {
	case brought >= listed:
		return s.info.Hit
	case brought == 0:
		return "miss"
	}
	return "partial"
}

// member is the item as layers name it.
func (it *item) member() layer.Member {
	return layer.Member{Module: it.mod, Kind: it.kind}
}
