package layer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/modferry/modferry/internal/modcache"
)

// Saver adds what a module cache has to a store.
type Saver struct {
	Store Store
	Cache *modcache.Cache
	Key   Key
	// Need are the members that the set consists of: what of it is in neither
	// the module cache nor a layer makes it incomplete, but for .info files.
	Need Sums
	// Optional are members that are saved as well if they are there.
	Optional Sums
	// Bad are layers found to hold wrong bytes, or gone: they are not listed
	// again. Save adds those that it finds to be gone.
	Bad []string
}

// Saved is what a save did.
type Saved struct {
	Index   string // name of the index written, "" when none was
	Layers  int    // written
	Files   int    // members in them
	Bytes   int64  // of the layers written
	Kept    int    // layers of other saves that the index goes on with
	Compact bool   // earlier layers were written anew
	// Reason says why nothing was saved; "" when something was. Fault says that
	// something should have been: the next job will miss it.
	Reason string
	Fault  bool
}

// Save writes what is new since the index x (nil when there is none): a layer,
// then a new index. An incomplete or empty set is not saved, nor one that has
// other bytes than its sums say, and nothing is written when x says it all
// already; none of that is an error.
//
// Errors are store.ErrDenied, those of the store, of the module cache, and
// ctx's.
func (s *Saver) Save(ctx context.Context, x *Index) (*Saved, error) {
	if x == nil {
		x = &Index{}
	}
	have, err := s.present(ctx)
	if err != nil {
		return nil, err
	}
	p, err := s.verified(ctx, x, have)
	if err != nil {
		return nil, err
	}
	if len(s.Need)+len(s.Optional) == 0 {
		return &Saved{Reason: "no modules are needed"}, nil
	}
	if reason := p.refuse(have); reason != "" {
		return &Saved{Reason: reason, Fault: true}, nil
	}
	next := &Index{Layers: p.keep}
	if x.Exact && len(p.write) == 0 && next.same(x) {
		return &Saved{Reason: "the cache already has everything"}, nil
	}
	out := &Saved{Kept: len(p.keep), Compact: p.compact}
	err = s.writeLayer(ctx, p.write, next, out)
	if errors.Is(err, errWrong) {
		return &Saved{Reason: err.Error(), Fault: true}, nil
	}
	if err != nil {
		return nil, err
	}
	name, mine, err := s.writeIndex(ctx, next)
	if err != nil {
		return nil, err
	}
	if !mine && out.Layers == 0 {
		return &Saved{Reason: "another job has already saved the same modules"}, nil
	}
	out.Index = name
	return out, nil
}

// verified is the plan of a save that goes on only with layers that are in the
// store: an index may be older than the last eviction.
func (s *Saver) verified(ctx context.Context, x *Index, have map[Member]bool) (plan, error) {
	for {
		p := s.plan(x, have)
		gone, err := s.gone(ctx, p.keep)
		if err != nil || len(gone) == 0 {
			return p, err
		}
		s.Bad = append(slices.Clone(s.Bad), gone...)
	}
}

// parallelChecks is how many members are looked for at a time.
const parallelChecks = 16

// present finds the members that the module cache has.
func (s *Saver) present(ctx context.Context) (map[Member]bool, error) {
	have := map[Member]bool{}
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallelChecks)
	for _, sums := range []Sums{s.Need, s.Optional} {
		for m, sum := range sums {
			g.Go(func() error {
				has, err := s.has(ctx, m, sum)
				if err != nil || !has {
					return err
				}
				mu.Lock()
				defer mu.Unlock()
				have[m] = true
				return nil
			})
		}
	}
	return have, g.Wait()
}

func (s *Saver) has(ctx context.Context, m Member, sum string) (bool, error) {
	switch m.Kind {
	case kindZip:
		if has, err := s.Cache.HasTree(m.Module, sum); has || err != nil {
			return has, err
		}
		return s.Cache.HasZip(ctx, m.Module, sum)
	case kindMod:
		return s.Cache.HasMod(m.Module, sum)
	}
	return s.hasInfo(m), nil
}

// hasInfo reports whether the .info is there and no larger than a layer takes.
func (s *Saver) hasInfo(m Member) bool {
	if !s.Cache.HasInfo(m.Module) {
		return false
	}
	f, err := s.Cache.OpenFile(m.Module, m.Kind)
	if err != nil {
		return false
	}
	defer f.Close()
	info, err := f.Stat()
	return err == nil && info.Size() <= maxSize(kindInfo)
}

// measure is the sizes of members.
func (s *Saver) measure(ctx context.Context, p *packer, members []Member) (map[Member]int64, error) {
	sizes := make(map[Member]int64, len(members))
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallelChecks)
	for _, m := range members {
		g.Go(func() error {
			n, err := p.measure(ctx, m)
			if err != nil {
				return fmt.Errorf("measure %s: %w", m, err)
			}
			mu.Lock()
			defer mu.Unlock()
			sizes[m] = max(n, 1) // an empty file is there, too
			return nil
		})
	}
	return sizes, g.Wait()
}

func (x *Index) same(y *Index) bool {
	a, errA := x.encode()
	b, errB := y.encode()
	return errA == nil && errB == nil && bytes.Equal(a, b)
}
