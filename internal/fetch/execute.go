package fetch

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/preflight"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/worklist"
)

// Run brings what is missing into the module cache. The result is complete
// whatever happens, also when ctx is cancelled meanwhile; beside it is the chain
// that was chosen, for session.Exports. rec follows the run; nil for nobody.
func Run(ctx context.Context, s *session.Session, rec *Recorder) (*report.Result, session.Chain) {
	j, res := begin(s, rec)
	defer j.close()
	ctx, end := j.limited(ctx)
	defer end()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)

	if err := j.openModCache(); err != nil {
		return j.refuse(res, err)
	}
	j.rec.enter(lookingAtCache)
	var p *preflight.Probes
	var once sync.Once
	items, present, err := j.missing(ctx, func(it *item) {
		if !j.Values.NoProbe && len(j.Access.Route(j.Chain, it.mod.Path)) > 0 {
			once.Do(func() { p = preflight.Start(ctx, s) })
		}
	})
	if p != nil {
		defer p.End()
		j.rec.probing(p)
	}
	if err != nil {
		return j.refuse(res, err)
	}
	res.Modules = present
	j.rec.expect(len(items))
	halt := func(fe *failure.Error) { stop(fe) }

	j.rec.enter(restoring)
	cached := j.lookup(ctx, items)
	covered, rest := cached.apart(items)
	cached.restore(ctx, halt)
	j.rec.did(len(items)-len(covered)-len(rest), 0)

	// What no layer has need not wait for the layers, and what one may have
	// need not wait for a mirror.
	fetch := func(items []*item) {
		if len(items) > 0 {
			c := j.earlyChain(p)
			j.rec.enter(fetching)
			j.fetch(ctx, c, items, halt)
		}
	}
	fetch(rest)
	fetch(cached.wait(covered))

	j.rec.enter(finishing)
	chosen := preflight.Unprobed(s)
	chosen.Reasons = nil // nothing was measured
	if p != nil {
		chosen = p.Final(slices.ContainsFunc(items, func(it *item) bool { return it.rec.Source == report.FromFailed || it.rec.Source == "" }))
		res.SumDB = p.Database()
	}
	j.fill(res, chosen, j.refusals(chosen)...)
	j.collect(res, items)
	cached.conclude(res)
	j.conclude(ctx, res)
	return res, chosen.Chain()
}

// earlyChain is the chain that the fetch begins with; p is nil without a
// preflight.
func (j *job) earlyChain(p *preflight.Probes) session.Chain {
	if p == nil {
		return preflight.Unprobed(j.Session).Chain()
	}
	j.rec.enter(probingMirrors)
	c := p.Early()
	j.log("chain chosen for the fetch: %s", c.List().Redacted())
	return c
}

// fetch brings items from mirrors.
func (j *job) fetch(ctx context.Context, c session.Chain, items []*item, stop func(*failure.Error)) {
	if len(items) == 0 {
		return
	}
	r := newRun(j, c, items, stop)
	j.rec.follow(r)
	r.all(ctx)
	j.rec.follow(nil)
}

// missing checks what the module cache has. It returns the items to bring and
// the entries of what is present. Each item to bring is told to lacking, which
// may be nil, as soon as it is known.
func (j *job) missing(ctx context.Context, lacking func(*item)) ([]*item, []report.Module, error) {
	type need struct {
		m    worklist.Module
		kind string
	}
	var needs []need
	for _, m := range j.List.Modules {
		if m.Zip != "" {
			needs = append(needs, need{m, report.KindZip})
		}
		if m.Mod != "" {
			needs = append(needs, need{m, report.KindMod})
		}
		if m.Zip != "" {
			needs = append(needs, need{m, kindInfo})
		}
	}
	var mu sync.Mutex
	var items []*item
	var present []report.Module
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(min(16, j.Room.Requests))
	for _, n := range needs {
		g.Go(func() error {
			it, err := newItem(n.m, n.kind)
			if err != nil {
				return err
			}
			var has bool
			if err := session.Patiently(gctx, func() (err error) {
				has, err = j.has(gctx, n.m, it)
				return err
			}); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			if !has {
				items = append(items, it)
				if lacking != nil {
					lacking(it)
				}
			} else if it.kind != kindInfo {
				it.rec.Source = report.FromPresent
				present = append(present, it.entry())
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, nil, err
	}
	slices.SortFunc(items, func(a, b *item) int { return byModule(a.rec, b.rec) })
	return items, present, nil
}

// has reports whether an item is in the module cache as the go command accepts
// it; with --verify-present the contents of zips and trees decide, and what
// differs is removed.
func (j *job) has(ctx context.Context, m worklist.Module, it *item) (bool, error) {
	switch it.kind {
	case report.KindMod:
		return j.cache.HasMod(it.mod, it.want)
	case kindInfo:
		return j.cache.HasInfo(it.mod), nil
	}
	ok, err := j.cache.HasZip(ctx, it.mod, it.want)
	if err != nil || !ok {
		return false, err
	}
	if j.Values.VerifyPresent {
		diffs, err := j.cache.Verify(ctx, it.mod, m.Zip, "", 1)
		if err != nil {
			return false, err
		}
		if len(diffs) > 0 {
			j.poisoned(it, describe(diffs))
			if !onlyTree(diffs) {
				return false, j.cache.Discard(ctx, it.mod)
			}
			if err := j.cache.DiscardTree(ctx, it.mod); err != nil {
				return false, err
			}
		}
	}
	if extracts(j.Values, it) && !j.cache.Extracted(it.mod) {
		return j.extract(ctx, it)
	}
	return true, nil
}

// log tells of an event, for --verbose.
func (j *job) log(format string, args ...any) {
	if j.Options.Log != nil {
		j.Options.Log(fmt.Sprintf(format, args...))
	}
}

func (j *job) close() {
	for _, h := range j.Chain.Hops {
		h.Close()
	}
	if j.cache != nil {
		if err := j.cache.Close(); err != nil {
			j.log("remove temporary files: %v", err)
		}
	}
}

func byModule(a, b report.Module) int {
	return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Version, b.Version), -cmp.Compare(a.Kind, b.Kind))
}
