package layer

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/modferry/modferry/internal/store"
)

// Store is where layers live. What its methods promise is written in package
// store.
type Store interface {
	Find(ctx context.Context, name string, prefixes ...string) (store.Entry, error)
	Open(ctx context.Context, e store.Entry) (io.ReadCloser, error)
	Create(ctx context.Context, name string, write func(io.Writer) error) error
}

// Lookup reads the index for a key: the newest one saved for the same go.sum
// lines, else the newest of the project, else the newest in the store. The
// error is store.ErrNotFound when there is none.
func Lookup(ctx context.Context, s Store, key Key) (*Index, error) {
	prefixes := key.prefixes()
	e, err := s.Find(ctx, "", prefixes...)
	if err != nil {
		return nil, fmt.Errorf("look for an index: %w", err)
	}
	r, err := s.Open(ctx, e)
	if err != nil {
		return nil, fmt.Errorf("open the index: %w", err)
	}
	defer r.Close()
	x, err := decode(r)
	if err != nil {
		return nil, fmt.Errorf("read the index %s: %w", e.Name, err)
	}
	x.Name = e.Name
	// A store may keep names in small letters only.
	x.Exact = strings.HasPrefix(strings.ToLower(e.Name), prefixes[0])
	return x, nil
}

// What a look for an index came to, as results call it.
const (
	Off     = "off"
	Miss    = "miss"
	Partial = "partial"
	Exact   = "exact"
)

// Hit is what was found when x was.
func (x *Index) Hit() string {
	if x.Exact {
		return Exact
	}
	return Partial
}

// Pick is a layer to restore and what to take from it.
type Pick struct {
	Layer Layer
	Take  map[Member]bool
}

// Pick chooses the layers that hold something of need, as few as possible: the
// one that holds most first, then whichever adds most to it. x may be nil.
func (x *Index) Pick(need map[Member]bool) []Pick {
	if x == nil {
		return nil
	}
	var picks []Pick
	open := make(map[Member]bool, len(need))
	for m := range need {
		open[m] = true
	}
	taken := make([]bool, len(x.Layers))
	for {
		best, most := -1, int64(0)
		for i, l := range x.Layers {
			if taken[i] {
				continue
			}
			var adds int64
			for m, size := range l.Members {
				if open[m] {
					adds += size
				}
			}
			if adds > most {
				best, most = i, adds
			}
		}
		if best < 0 {
			return picks
		}
		taken[best] = true
		p := Pick{Layer: x.Layers[best], Take: map[Member]bool{}}
		for m := range p.Layer.Members {
			if open[m] {
				p.Take[m] = true
				delete(open, m)
			}
		}
		picks = append(picks, p)
	}
}
