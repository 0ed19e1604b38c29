package fetch

import (
	"context"
	"errors"
	"time"

	"github.com/modferry/modferry/internal/layer"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/store"
	"github.com/modferry/modferry/internal/store/dir"
)

// entries is a store whose entries can be listed and removed.
type entries interface {
	layer.Store
	List(ctx context.Context, prefix string) ([]store.Entry, error)
	Delete(ctx context.Context, e store.Entry) error
}

// keeper opens a store that can be tidied.
func keeper(s *session.Session) (entries, error) {
	opened, err := s.OpenStore()
	if err != nil {
		return nil, err
	}
	k, ok := opened.(entries)
	if !ok {
		return nil, errors.New("a job cannot list or remove what GitHub's cache service keeps, and GitHub removes what is not used for a week; " +
			"gh cache list --key modferry- and gh cache delete do it for a person")
	}
	return k, nil
}

// List returns the entries of the cache, newest first. The error is for the
// user to act on.
func List(ctx context.Context, s *session.Session) ([]store.Entry, error) {
	k, err := keeper(s)
	if err != nil {
		return nil, err
	}
	return k.List(ctx, layer.NamePrefix)
}

// Prune removes from the cache what is older or more than the settings allow
// and returns what it removed. What was used last goes last; a store that does
// not tell goes by the time of creation.
func Prune(ctx context.Context, s *session.Session) ([]store.Entry, error) {
	k, err := keeper(s)
	if err != nil {
		return nil, err
	}
	if d, ok := k.(*dir.Store); ok {
		return d.Prune(ctx, limits(s))
	}
	all, err := k.List(ctx, layer.NamePrefix)
	if err != nil {
		return nil, err
	}
	var removed []store.Entry
	var kept int64
	for _, e := range all {
		kept += e.Size
		old := s.Values.CacheMaxAge > 0 && time.Since(e.Created) > s.Values.CacheMaxAge
		if big := s.Values.CacheMaxSize > 0 && kept > s.Values.CacheMaxSize; !old && !big {
			continue
		}
		kept -= e.Size
		if err := k.Delete(ctx, e); err != nil {
			return removed, err
		}
		removed = append(removed, e)
	}
	return removed, nil
}

// limits are how much a directory may keep for how long.
func limits(s *session.Session) dir.Limits {
	return dir.Limits{Bytes: s.Values.CacheMaxSize, Age: s.Values.CacheMaxAge}
}
