package dir

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/store"
)

// Find returns the entry with that name, else the newest whose name begins
// with prefixes[0], else with prefixes[1] and so on. The name may be "": then
// only prefixes count. The error is store.ErrNotFound when there is none, and
// otherwise a *failure.Error.
func (s *Store) Find(ctx context.Context, name string, prefixes ...string) (store.Entry, error) {
	const op = "find cache entry"
	if err := ctx.Err(); err != nil {
		return store.Entry{}, fault(op, err)
	}
	var unreadable error // matters only if nothing else is found
	if store.CheckName(name) == nil {
		e, err := s.look(name)
		switch {
		case err == nil:
			return e, nil
		case !errors.Is(err, store.ErrNotFound) && !errors.Is(err, errBroken):
			unreadable = err
		}
	}
	for _, prefix := range prefixes {
		found, err := s.list(ctx, prefix)
		if len(found) > 0 {
			return found[0], nil
		}
		if unreadable == nil {
			unreadable = err
		}
	}
	if unreadable != nil {
		return store.Entry{}, fault(op+" "+name, unreadable)
	}
	return store.Entry{}, store.ErrNotFound
}

// List returns the entries whose name begins with prefix, newest first. What
// this user may not read is left out, unless that is all.
func (s *Store) List(ctx context.Context, prefix string) ([]store.Entry, error) {
	found, err := s.list(ctx, prefix)
	if len(found) > 0 {
		return found, nil
	}
	return nil, fault("list cache entries", err)
}

// list returns the entries that can be read, and the first error of one that
// cannot.
func (s *Store) list(ctx context.Context, prefix string) ([]store.Entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	names, err := s.names(prefix)
	if err != nil {
		return nil, err
	}
	var found []store.Entry
	var unreadable error
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		e, err := s.look(name)
		switch {
		case err == nil:
			found = append(found, e)
		case errors.Is(err, store.ErrNotFound), errors.Is(err, errBroken):
		case unreadable == nil:
			unreadable = err
		}
	}
	slices.SortFunc(found, func(a, b store.Entry) int {
		return cmp.Or(b.Created.Compare(a.Created), strings.Compare(b.Name, a.Name))
	})
	return found, unreadable
}
