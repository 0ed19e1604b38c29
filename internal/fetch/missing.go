package fetch

import (
	"io"

	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/mod/module"
	modzip "golang.org/x/mod/zip"

	"golang.org/x/sync/errgroup"

	"github.com/modferry/modferry/internal/download"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/modcache"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/worklist"
)

// missing checks what the module cache has. It returns the items to bring and
// the entries of what is present. Each item to bring is told to lacking, which
// may be nil, as soon as it is known.
func (r *run) missing(ctx context.Context, lacking func(*download.Item)) ([]*download.Item, []report.Module, error) {
	type need struct {
		m    worklist.Module
		kind string
	}
	var needs []need
	for _, m := range r.List.Modules {
		if m.Zip != "" {
			needs = append(needs, need{m, report.KindZip})
		}
		if m.Mod != "" {
			needs = append(needs, need{m, report.KindMod})
		}
		if m.Zip != "" {
			needs = append(needs, need{m, download.KindInfo})
		}
	}
	var mu sync.Mutex
	var items []*download.Item
	var present []report.Module
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(min(16, r.Room.Requests))
	for _, n := range needs {
		g.Go(func() error {
			it, err := download.NewItem(n.m, n.kind)
			if err != nil {
				return err
			}
			var has bool
			if err := session.Patiently(gctx, func() (err error) {
				has, err = r.has(gctx, n.m, it)
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
			} else if it.Kind != download.KindInfo {
				it.Record.Source = report.FromPresent
				present = append(present, it.Entry())
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, nil, err
	}
	slices.SortFunc(items, func(a, b *download.Item) int { return byModule(a.Record, b.Record) })
	return items, present, nil
}

// has reports whether an item is in the module cache as the go command accepts
// it; with --verify-present the contents of zips and trees decide, and what
// differs is removed.
func (r *run) has(ctx context.Context, m worklist.Module, it *download.Item) (bool, error) {
	switch it.Kind {
	case report.KindMod:
		return r.cache.HasMod(it.Mod, it.Want)
	case download.KindInfo:
		return r.cache.HasInfo(it.Mod), nil
	}
	ok, err := r.cache.HasTree(it.Mod, it.Want)
	if err == nil && !ok {
		ok, err = r.cache.HasZip(ctx, it.Mod, it.Want)
	}
	if err != nil || !ok {
		return false, err
	}
	if r.Values.VerifyPresent {
		diffs, err := r.cache.Verify(ctx, it.Mod, m.Zip, "", 1)
		if err != nil {
			return false, err
		}
		if len(diffs) > 0 {
			r.poisoned(it, describe(diffs))
			if !onlyTree(diffs) {
				return false, r.cache.Discard(ctx, it.Mod)
			}
			if err := r.cache.DiscardTree(ctx, it.Mod); err != nil {
				return false, err
			}
			if ok, err = r.cache.HasZip(ctx, it.Mod, it.Want); err != nil || !ok {
				return false, err // the tree was all there was
			}
		}
	}
	if it.Extracts(r.Values) && !r.cache.Extracted(it.Mod) {
		return r.extract(ctx, it)
	}
	return true, nil
}

// extract makes the tree of a zip that is there. It reports whether the zip
// stays: one that is not what go.sum names is removed, to be fetched again.
func (r *run) extract(ctx context.Context, it *download.Item) (bool, error) {
	err := r.cache.Extract(ctx, it.Mod, it.Want)
	if err == nil {
		return true, nil
	}
	if tree, ok := errors.AsType[*modcache.ExtractError](err); ok {
		if !tree.OfModule() {
			return true, err
		}
		r.rec.note(download.Unextractable(it.Mod.String(), tree))
		return true, nil
	}
	switch failure.As(err).Class {
	case failure.HashMismatch, failure.WrongContent, failure.UnsafeZip, failure.TooLarge:
		r.poisoned(it, "zip")
		return false, r.cache.Discard(ctx, it.Mod)
	}
	return true, err
}

// poisoned tells of wrong bytes that were in the module cache.
func (r *run) poisoned(it *download.Item, what string) {
	r.rec.note(finding.Finding{Check: "cache-poisoned", Severity: finding.Warning, Setting: "GOMODCACHE", Found: it.Mod.String(),
		Effect: fmt.Sprintf("the module cache holds other bytes than go.sum names (%s), which the go command would have built with; they are removed", what)})
}

// onlyTree reports whether the zip is good and just the extracted tree is not:
// then the go command extracts it again, and nothing has to be fetched.
func onlyTree(diffs []modcache.Difference) bool {
	return !slices.ContainsFunc(diffs, func(d modcache.Difference) bool { return d.What != "tree" })
}

// describe names the first differences.
func describe(diffs []modcache.Difference) string {
	const most = 3
	var s string
	for i, d := range diffs {
		if i == most {
			return fmt.Sprintf("%s and %d more", s, len(diffs)-most)
		}
		if i > 0 {
			s += ", "
		}
		s += d.What
		if d.File != "" {
			s += " " + d.File
		}
	}
	return s
}

// readGoMod returns the go.mod of a module from the module cache, nil when it is
// not there or cannot be read: nothing is told of it then.
func (r *run) readGoMod(m module.Version) []byte {
	f, err := r.cache.OpenFile(m, "mod")
	if err != nil {
		return nil
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, modzip.MaxGoMod))
	if err != nil {
		return nil
	}
	return data
}
