package dir

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/store"
)

// Delete removes the entry with the name of e. One that is gone already is no
// error.
func (s *Store) Delete(ctx context.Context, e store.Entry) error {
	op := "remove cache entry " + e.Name
	if err := store.CheckName(e.Name); err != nil {
		return fault("remove cache entry", err)
	}
	if err := ctx.Err(); err != nil {
		return fault(op, err)
	}
	return fault(op, denied(s.remove(e.Name, false)))
}

// Limits are what a store is pruned to. 0 means no limit.
type Limits struct {
	Bytes int64         // of all entries together
	Age   time.Duration // since the last use
}

// Prune removes entries, the least recently used first, until the others keep
// the limits, and what was left by writers that were killed. It returns what
// it removed, also beside an error; entries that cannot be removed are passed
// over and the first such error is returned. Entries that are created or
// removed by others at the same time are no matter.
func (s *Store) Prune(ctx context.Context, l Limits) (removed []store.Entry, err error) {
	const op = "prune cache"
	s.sweep()
	names, err := s.names("")
	if err != nil {
		return nil, fault(op, err)
	}
	var entries []store.Entry
	var total int64
	var failed error
	for _, name := range names {
		e, err := s.look(name)
		switch {
		case err == nil:
			entries = append(entries, e)
			total += e.Size
		case errors.Is(err, errBroken):
			err = s.removeBroken(name)
			fallthrough
		default:
			if failed == nil && !errors.Is(err, store.ErrNotFound) {
				failed = err
			}
		}
	}
	slices.SortFunc(entries, func(a, b store.Entry) int { return a.Used.Compare(b.Used) })
	now := s.now()
	for _, e := range entries {
		old := l.Age > 0 && now.Sub(e.Used) > l.Age
		large := l.Bytes > 0 && total > l.Bytes
		if !old && !large {
			break // all others were used later
		}
		if err := s.Delete(ctx, e); err != nil {
			if ctx.Err() != nil {
				return removed, err
			}
			if failed == nil {
				failed = err
			}
			continue
		}
		total -= e.Size
		removed = append(removed, e)
	}
	return removed, fault(op, failed)
}

// removeBroken removes what has an entry's name and is none, unless there is
// something foreign in it.
func (s *Store) removeBroken(name string) error {
	strange, err := foreign(s.place(name))
	if errors.Is(err, fs.ErrNotExist) || strange {
		return nil
	}
	return s.remove(name, true)
}

// remove takes the directory of an entry away and removes it. With broken, a
// complete entry that somebody just created there is put back.
func (s *Store) remove(name string, broken bool) error {
	place := s.place(name)
	if strange, err := foreign(place); strange || err != nil {
		return s.dismantle(place) // only what is ours, and where it is
	}
	t, err := s.newTemp()
	if err == nil {
		s.step()
		if err = diskfile.Rename(place, t.dir); err != nil {
			t.end(s.step)
		}
	}
	switch {
	case err == nil:
	case class(err) == failure.Permission:
		return err // where it is nothing may be removed, or on Windows it is being read
	default:
		// It is gone; the disk is too full for a temporary; or a layer of an
		// overlay file system does not let it go.
		return s.dismantle(place)
	}
	if _, err := lookAt(t.dir, name); broken && err == nil {
		s.step()
		diskfile.Rename(t.dir, place) // fails when there is another one by now
	}
	return t.end(s.step)
}

func (s *Store) dismantle(place string) error {
	if info, err := os.Lstat(place); err != nil || !info.IsDir() {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	if err := discard(place, s.step); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil // ours is gone; what is foreign, or just made by somebody else, stays
}
