package fetch

import (
	"context"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/modcache"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/worklist"
)

// Verify re-hashes what the module cache has of the work list: zips, extracted
// trees and go.mod files. What is absent is no failure.
func Verify(ctx context.Context, s *session.Session, rec *Recorder) *report.Result {
	r, res := begin(s, rec)
	defer r.close()
	var err error
	if r.cache, err = modcache.OpenForReading(r.Env.Get("GOMODCACHE")); err != nil {
		return r.refused(res, err)
	}
	r.rec.enter(verifyingCache)
	r.rec.expect(files{all: len(r.List.Modules)})
	var mu sync.Mutex
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(r.Room.Verifiers)
	for _, m := range r.List.Modules {
		g.Go(func() error {
			v := m.ID()
			diffs, err := r.cache.Verify(gctx, v, m.Zip, m.Mod, 1)
			r.rec.did(files{all: 1}, 0)
			if err != nil {
				return err
			}
			entries, err := r.audited(gctx, m, diffs)
			mu.Lock()
			defer mu.Unlock()
			res.Modules = append(res.Modules, entries...)
			return err
		})
	}
	if err := g.Wait(); err != nil && ctx.Err() == nil {
		return r.refused(res, err)
	}
	slices.SortFunc(res.Modules, byModule)
	r.fillChainless(res)
	r.conclude(ctx, res)
	if n := res.Totals.BySource[report.FromFailed]; n > 0 { // nobody was asked for anything
		differ := report.Count(n, "file") + " in the module cache differ"
		if n == 1 {
			differ += "s"
		}
		res.Message = differ + " from go.sum; run modferry fetch --verify-present"
	}
	return res
}

// audited is the entries of one module whose files were re-hashed.
func (r *run) audited(ctx context.Context, m worklist.Module, diffs []modcache.Difference) ([]report.Module, error) {
	v := m.ID()
	var out []report.Module
	add := func(kind, sum string, at worklist.Position, bad []modcache.Difference) {
		e := report.Module{Path: m.Path, Version: m.Version, Kind: kind, Source: report.FromPresent, Sum: sum, Optional: m.Optional, File: at.File, Line: at.Line}
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
		has, err := r.cache.HasZip(ctx, v, m.Zip)
		if err != nil {
			return nil, err
		}
		if has || len(zip) > 0 || r.cache.Extracted(v) {
			add(report.KindZip, m.Zip, m.ZipSum, zip)
		}
	}
	if m.Mod != "" {
		has, err := r.cache.HasMod(v, m.Mod)
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
