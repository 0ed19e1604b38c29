package s3

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/minio/minio-go/v7"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/store"
)

// maxListed bounds how many objects below a prefix are looked at. Far more than
// a cache that anybody tidies; a server that never ends its list is stopped.
const maxListed = 1_000_000

// Find returns the entry called name, else the newest whose name begins with
// the first of the prefixes that any begins with. An empty name is not looked
// for. When there is none, the error wraps store.ErrNotFound.
//
// Entries are as old as the server says, mostly in whole seconds; of two from
// the same moment the one with the greater name counts as newer.
func (s *Store) Find(ctx context.Context, name string, prefixes ...string) (store.Entry, error) {
	if name != "" {
		e, err := s.exact(ctx, name)
		if !errors.Is(err, store.ErrNotFound) {
			return e, err
		}
	}
	for _, prefix := range prefixes {
		var newest store.Entry
		err := s.each(ctx, prefix, 0, func(e store.Entry) bool {
			if newest.Name == "" || newer(e, newest) < 0 {
				newest = e
			}
			return true
		})
		if err != nil || newest.Name != "" {
			return newest, err
		}
	}
	sought := s.at.url(name)
	for _, prefix := range prefixes {
		sought += ", " + prefix + "*"
	}
	return store.Entry{}, fmt.Errorf("%s: %w", sought, store.ErrNotFound)
}

// exact finds one entry. It lists, since the answer to a HEAD request has no
// room for the reason of a refusal, and an entry comes before all that have its
// name as a prefix. Where listing is forbidden, HEAD has to do.
func (s *Store) exact(ctx context.Context, name string) (store.Entry, error) {
	if err := store.CheckName(name); err != nil {
		return store.Entry{}, err
	}
	var found store.Entry
	err := s.each(ctx, name, 1, func(e store.Entry) bool {
		if e.Name == name {
			found = e
		}
		return false
	})
	if errors.Is(err, store.ErrDenied) {
		denied := err
		err = s.call(ctx, finding, name, false, func(ctx context.Context) error {
			info, err := s.core.StatObject(ctx, s.at.bucket, s.key(name), minio.StatObjectOptions{})
			found = store.Entry{Name: name, Size: info.Size, Created: info.LastModified}
			return err
		})
		if errors.Is(err, store.ErrDenied) {
			err = denied // which says more
		}
	}
	if err != nil {
		return store.Entry{}, err
	}
	if found.Name == "" {
		return found, fmt.Errorf("%s: %w", s.at.url(name), store.ErrNotFound)
	}
	return found, nil
}

// List returns the entries whose names begin with prefix, which may be "",
// newest first.
func (s *Store) List(ctx context.Context, prefix string) ([]store.Entry, error) {
	var all []store.Entry
	err := s.each(ctx, prefix, 0, func(e store.Entry) bool {
		all = append(all, e)
		return true
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, newer)
	return all, nil
}

func newer(a, b store.Entry) int {
	return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(b.Name, a.Name))
}

// each calls use with the entries below a prefix, in the order of their names,
// until it returns false. page is the most that the server sends at a time, 0
// for what it likes. Objects that can't be entries are left out.
func (s *Store) each(ctx context.Context, prefix string, page int, use func(store.Entry) bool) error {
	if prefix != "" {
		if err := store.CheckName(prefix); err != nil {
			return err
		}
	}
	owner := false
	return s.call(ctx, finding, prefix, false, func(ctx context.Context) error {
		seen := 0
		for object := range s.core.ListObjectsIter(ctx, s.at.bucket, minio.ListObjectsOptions{
			Prefix: s.key(prefix), MaxKeys: page, FetchOwner: &owner, // not recursive: names hold no "/"
		}) {
			if object.Err != nil {
				return object.Err
			}
			if seen++; seen > maxListed {
				return minio.ErrorResponse{Code: "TooManyObjects", Message: fmt.Sprintf("more than %d objects begin with this prefix", maxListed)}
			}
			name, ok := strings.CutPrefix(object.Key, s.at.prefix)
			if !ok || !strings.HasPrefix(name, prefix) || store.CheckName(name) != nil {
				continue
			}
			if !use(store.Entry{Name: name, Size: object.Size, Created: object.LastModified}) {
				return nil
			}
		}
		return ctx.Err() // a cancelled list just ends
	})
}

// Delete removes an entry. That it is gone already is no error.
func (s *Store) Delete(ctx context.Context, e store.Entry) error {
	if err := store.CheckName(e.Name); err != nil {
		return err
	}
	err := s.call(ctx, deleting, e.Name, false, func(ctx context.Context) error {
		return s.core.RemoveObject(ctx, s.at.bucket, s.key(e.Name), minio.RemoveObjectOptions{})
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// broken makes the failure of bytes that are not what was announced.
func (s *Store) broken(name, format string, args ...any) error {
	return &failure.Error{Class: failure.CutBody, Op: reading.op, URL: failure.Plain(s.at.url(name)), Detail: failure.Plain(fmt.Sprintf(format, args...))}
}
