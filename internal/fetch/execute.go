package fetch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"golang.org/x/mod/module"
	"golang.org/x/sync/errgroup"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/modcache"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/worklist"
)

// Run brings what is missing into the module cache. The result is complete
// whatever happens, also when ctx is cancelled meanwhile.
func (j *Job) Run(ctx context.Context) *report.Result {
	res := j.newResult()
	defer j.close()
	ctx, end := j.limited(ctx)
	defer end()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)

	if err := j.openModCache(); err != nil {
		return j.refuse(res, err)
	}
	j.phase.Store("looking at the module cache")
	var p *preflight
	var once sync.Once
	items, present, err := j.missing(ctx, func(it *item) {
		if !j.values.NoProbe && len(j.access.route(j.chain, it.mod.Path)) > 0 {
			once.Do(func() { p = j.probe(ctx) })
		}
	})
	if p != nil {
		defer p.end()
		j.probing.Store(p)
	}
	if err != nil {
		return j.refuse(res, err)
	}
	res.Modules = present
	j.total.Store(int64(len(items)))
	halt := func(fe *failure.Error) { stop(fe) }

	j.phase.Store("restoring")
	cached := j.lookup(ctx, items)
	covered, rest := cached.apart(items)
	cached.restore(ctx, halt)
	j.verified.Add(int64(len(items) - len(covered) - len(rest)))

	// What no layer has need not wait for the layers, and what one may have
	// need not wait for a mirror.
	fetch := func(items []*item) {
		if len(items) > 0 {
			c := j.chooseEarly(p)
			j.phase.Store("fetching")
			j.fetch(ctx, c, items, halt)
		}
	}
	fetch(rest)
	fetch(cached.wait(covered))

	j.phase.Store("finishing")
	all := j.chain
	var final chain
	var reasons []string
	if p == nil {
		final, _ = choose(Configured, j.chain)
	} else {
		all, final, reasons = p.final(slices.ContainsFunc(items, func(it *item) bool { return it.rec.Source == report.FromFailed || it.rec.Source == "" }))
		res.SumDB = p.database(j)
	}
	j.about = append(j.about, j.refusals(all)...)
	j.findings = append(j.findings, j.list.CheckGoMods(j.readGoMod)...)
	j.fill(res, all, final, reasons)
	j.collect(res, items)
	cached.conclude(res)
	j.conclude(ctx, res)
	return res
}

// readGoMod returns the go.mod of a module from the module cache, nil when it is
// not there or unreadable: then nothing is told of it.
func (j *Job) readGoMod(m module.Version) []byte {
	f, err := j.cache.OpenFile(m, "mod")
	if err != nil {
		return nil
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, goModLimit))
	if err != nil {
		return nil
	}
	return data
}

// goModLimit is that of the go command (golang.org/x/mod/zip: MaxGoMod).
const goModLimit = 16 << 20

// fetch brings items from mirrors.
func (j *Job) fetch(ctx context.Context, c chain, items []*item, stop func(*failure.Error)) {
	if len(items) == 0 {
		return
	}
	r := newRun(j, c, items, stop)
	j.progress.Store(r)
	r.all(ctx)
	j.progress.Store(nil)
	j.verified.Add(r.done.Load())
	j.fetched.Add(r.bytes.Load())
}

// missing checks what the module cache has. It returns the items to bring and
// the entries of what is present. Each item to bring is told to lacking, which
// may be nil, as soon as it is known.
func (j *Job) missing(ctx context.Context, lacking func(*item)) ([]*item, []report.Module, error) {
	type need struct {
		m    worklist.Module
		kind string
	}
	var needs []need
	for _, m := range j.list.Modules {
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
	g.SetLimit(min(16, j.room.requests))
	for _, n := range needs {
		g.Go(func() error {
			it, err := newItem(n.m, n.kind)
			if err != nil {
				return err
			}
			var has bool
			if err := patiently(gctx, func() (err error) {
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
func (j *Job) has(ctx context.Context, m worklist.Module, it *item) (bool, error) {
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
	if j.values.VerifyPresent {
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
	if extracts(j.values, it) && !j.cache.Extracted(it.mod) {
		return j.extract(ctx, it)
	}
	return true, nil
}

// log tells of an event, for --verbose.
func (j *Job) log(format string, args ...any) {
	if j.o.Log != nil {
		j.o.Log(fmt.Sprintf(format, args...))
	}
}

// note adds a finding of the run.
func (j *Job) note(f finding.Finding) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.findings = append(j.findings, f)
}

// Probe runs the preflight alone.
func (j *Job) Probe(ctx context.Context) *report.Result {
	res := j.newResult()
	res.Preflight = true
	defer j.close()
	if len(j.chain.hops) == 0 {
		res.Message = "the chain has no mirror to probe"
		j.fill(res, j.chain, j.chain, nil)
		return res
	}
	p := j.probe(ctx)
	<-p.all
	all, final, reasons := p.final(true)
	res.SumDB = p.sumdb
	j.fill(res, all, final, reasons)
	if !slices.ContainsFunc(final.hops, func(h *hop) bool { return !h.failing() }) {
		res.Outcome, res.Message = report.Incomplete, "no mirror answers rightly"
	}
	res.Interrupted = ctx.Err() != nil
	res.Totals.MS = j.elapsed()
	return res
}

// Verify re-hashes what the module cache has of the work list: zips, extracted
// trees and go.mod files. What is absent is no failure.
func (j *Job) Verify(ctx context.Context) *report.Result {
	res := j.newResult()
	defer j.close()
	var err error
	if j.cache, err = modcache.OpenForReading(j.env.Get("GOMODCACHE")); err != nil {
		return j.refuse(res, err)
	}
	j.phase.Store("verifying")
	j.total.Store(int64(len(j.list.Modules)))
	var mu sync.Mutex
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(j.room.verifiers)
	for _, m := range j.list.Modules {
		g.Go(func() error {
			v := module.Version{Path: m.Path, Version: m.Version}
			diffs, err := j.cache.Verify(gctx, v, m.Zip, m.Mod, 1)
			j.verified.Add(1)
			if err != nil {
				return err
			}
			entries, err := j.audited(gctx, m, diffs)
			mu.Lock()
			defer mu.Unlock()
			res.Modules = append(res.Modules, entries...)
			return err
		})
	}
	if err := g.Wait(); err != nil && ctx.Err() == nil {
		return j.refuse(res, err)
	}
	slices.SortFunc(res.Modules, byModule)
	j.fillChainless(res)
	j.conclude(ctx, res)
	return res
}

// audited is the entries of one module whose files were re-hashed.
func (j *Job) audited(ctx context.Context, m worklist.Module, diffs []modcache.Difference) ([]report.Module, error) {
	v := module.Version{Path: m.Path, Version: m.Version}
	var out []report.Module
	add := func(kind, sum string, at worklist.Position, bad []modcache.Difference) {
		e := report.Module{Path: m.Path, Version: m.Version, Kind: kind, Source: report.FromPresent, Sum: sum, Low: m.Low, File: at.File, Line: at.Line}
		if len(bad) > 0 {
			e.Source, e.Sum, e.Class = report.FromFailed, "", failure.HashMismatch
			e.Message = "the module cache differs from go.sum: " + enumerate(bad)
		}
		out = append(out, e)
	}
	var zip, mod []modcache.Difference
	for _, d := range diffs {
		if d.What == "mod" {
			mod = append(mod, d)
		} else {
			zip = append(zip, d)
		}
	}
	if m.Zip != "" {
		has, err := j.cache.HasZip(ctx, v, m.Zip)
		if err != nil {
			return nil, err
		}
		if has || len(zip) > 0 || j.cache.Extracted(v) {
			add(report.KindZip, m.Zip, m.ZipSum, zip)
		}
	}
	if m.Mod != "" {
		has, err := j.cache.HasMod(v, m.Mod)
		if err != nil {
			return nil, err
		}
		if has || len(mod) > 0 {
			add(report.KindMod, m.Mod, m.ModSum, mod)
		}
	}
	return out, nil
}

// enumerate names every difference.
func enumerate(diffs []modcache.Difference) string {
	var s string
	for i, d := range diffs {
		if i > 0 {
			s += "; "
		}
		s += d.String()
	}
	return s
}

// refuse ends a run that this machine does not allow.
func (j *Job) refuse(res *report.Result, err error) *report.Result {
	j.fill(res, j.chain, j.chain, nil)
	res.Outcome, res.Message = report.Settings, err.Error()
	if errors.Is(err, context.Canceled) {
		res.Outcome, res.Interrupted = report.Incomplete, true
	}
	return res
}

func (j *Job) close() {
	for _, h := range j.chain.hops {
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
