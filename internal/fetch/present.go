package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"golang.org/x/mod/module"
	modzip "golang.org/x/mod/zip"

	"github.com/modferry/modferry/internal/download"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/modcache"
	"github.com/modferry/modferry/internal/report"
)

// has reports whether an item is in the module cache as the go command accepts
// it; with --verify-present the contents of zips and trees decide, and what
// differs is removed.
func (r *run) has(ctx context.Context, it *download.Item) (bool, error) {
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
	if err != nil || !ok || r.planning {
		return ok && err == nil, err
	}
	if r.Values.VerifyPresent {
		diffs, err := r.cache.Verify(ctx, it.Mod, it.Want, "", 1)
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
	if r.Values.Zips == "rebuild" && r.cache.Extracted(it.Mod) {
		return r.rebuild(ctx, it)
	}
	if it.Extracts(r.Values) && !r.cache.Extracted(it.Mod) {
		return r.extract(ctx, it)
	}
	return true, nil
}

// rebuild makes the zip of a tree that has none. It reports whether the tree stays:
// one that is not what go.sum names is removed, to be fetched again.
func (r *run) rebuild(ctx context.Context, it *download.Item) (bool, error) {
	err := r.cache.RebuildZip(ctx, it.Mod, it.Want)
	if err == nil || failure.As(err).Class != failure.HashMismatch {
		return err == nil, err
	}
	r.poisoned(it, "tree")
	return false, r.cache.DiscardTree(ctx, it.Mod)
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
