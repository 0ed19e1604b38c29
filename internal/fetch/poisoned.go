package fetch

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/modcache"
)

// extract makes the tree of a zip that is there. It reports whether the zip
// stays: one that is not what go.sum names is removed, to be fetched again.
func (j *job) extract(ctx context.Context, it *item) (bool, error) {
	err := j.cache.Extract(ctx, it.mod, it.want)
	if err == nil {
		return true, nil
	}
	if tree, ok := errors.AsType[*modcache.ExtractError](err); ok {
		if !tree.OfModule() {
			return true, err
		}
		j.rec.note(unextractable(it.mod.String(), tree))
		return true, nil
	}
	switch failure.As(err).Class {
	case failure.HashMismatch, failure.WrongContent, failure.UnsafeZip, failure.TooLarge:
		j.poisoned(it, "zip")
		return false, j.cache.Discard(ctx, it.mod)
	}
	return true, err
}

// poisoned tells of wrong bytes that were in the module cache.
func (j *job) poisoned(it *item, what string) {
	j.rec.note(finding.Finding{Check: "cache-poisoned", Severity: finding.Warning, Setting: "GOMODCACHE", Found: it.mod.String(),
		Effect: fmt.Sprintf("the module cache holds other bytes than go.sum names (%s), which the go command would have built with; they are removed", what)})
}

func unextractable(mod string, err *modcache.ExtractError) finding.Finding {
	return finding.Finding{Check: "zip-not-extractable", Severity: finding.Warning, Found: mod,
		Effect: fmt.Sprintf("its zip is the one go.sum names, but cannot be extracted (%v); a build that uses it fails", err.Err)}
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
