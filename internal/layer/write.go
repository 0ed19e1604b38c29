package layer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/modferry/modferry/internal/store"
)

// mostNames is how many names are tried for one entry. A name that is taken and
// has no contents belongs to a job that is writing it, or that was stopped while
// it did, and a service may keep it for a day. With more tries, every job of a
// large matrix would upload the same once more.
const mostNames = 4

// errReserved is what an entry meets of which every name is taken and nothing
// is there.
var errReserved = errors.New("its names are taken, but empty: other jobs are saving the same modules right now, or were stopped while they did")

// created is an entry that is in the store.
type created struct {
	name string
	size int64 // -1 when the store does not tell
	mine bool  // written by this save
}

// create writes an entry under the first name that is free, or finds that it is
// there already. An entry is the same under each of its names.
func (s *Saver) create(ctx context.Context, names []string, write func(io.Writer) error) (created, error) {
	for _, name := range names {
		err := s.Store.Create(ctx, name, write)
		if err == nil {
			return created{name, -1, true}, nil
		}
		if !errors.Is(err, store.ErrExists) {
			return created{}, err
		}
		size, there, err := s.find(ctx, name)
		if err != nil || there {
			return created{name, size, false}, err
		}
	}
	return created{}, errReserved
}

func (s *Saver) find(ctx context.Context, name string) (size int64, there bool, err error) {
	e, err := s.Store.Find(ctx, name)
	switch {
	case err == nil:
		return e.Size, true, nil
	case errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrDenied):
		return 0, false, nil
	}
	return 0, false, err
}

// gone is the layers that are not in the store as an index lists them.
func (s *Saver) gone(ctx context.Context, layers []Layer) ([]string, error) {
	var mu sync.Mutex
	var gone []string
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallelLayers)
	for _, l := range layers {
		g.Go(func() error {
			size, there, err := s.find(ctx, l.Name)
			if err != nil {
				return fmt.Errorf("look for a layer: %w", err)
			}
			if there && (size < 0 || size == l.Bytes) {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			gone = append(gone, l.Name)
			return nil
		})
	}
	return gone, g.Wait()
}

// writeLayer writes the layer of a plan, unless it is empty, and lists it in
// next.
func (s *Saver) writeLayer(ctx context.Context, members []Member, next *Index, out *Saved) error {
	if len(members) == 0 {
		return nil
	}
	sums := maps.Clone(s.Optional)
	if sums == nil {
		sums = Sums{}
	}
	maps.Copy(sums, s.Need)
	p := &packer{cache: s.Cache, sums: sums}
	sizes, err := s.measure(ctx, p, members)
	if err != nil {
		return err
	}
	l := Layer{Members: sizes}
	e, err := s.create(ctx, layerNames(members, sums, s.Bad), func(w io.Writer) (err error) {
		l.Bytes, err = p.pack(ctx, w, sizes)
		return err
	})
	if err != nil {
		return fmt.Errorf("save a layer: %w", err)
	}
	l.Name = e.name
	if e.size >= 0 {
		l.Bytes = e.size
	}
	next.Layers = append(next.Layers, l)
	if !e.mine {
		out.Kept++
		return nil
	}
	out.Layers, out.Files, out.Bytes = 1, len(members), l.Bytes
	return nil
}

// layerNames are the names of a layer with these members, in the order in which
// to try them: hashes of the members' names and sums. Those of bad layers are
// left out.
func layerNames(members []Member, sums Sums, bad []string) []string {
	lines := make([]string, len(members), len(members)+1)
	for i, m := range members {
		lines[i] = m.String() + " " + sums[m]
	}
	var names []string
	for n := 0; len(names) < mostNames; n++ {
		all := lines
		if n > 0 {
			all = append(all, "instead of bad layer "+strconv.Itoa(n))
		}
		if name := LayerPrefix + digest(all, 16); !slices.Contains(bad, name) {
			names = append(names, name)
		}
	}
	return names
}

// writeIndex writes an index and returns its name. It is not this save's when
// the very same was there.
func (s *Saver) writeIndex(ctx context.Context, x *Index) (name string, mine bool, err error) {
	data, err := x.encode()
	if err != nil {
		return "", false, err
	}
	lines := []string{string(data)}
	var names []string
	for range mostNames {
		names = append(names, s.Key.String()+digest(lines, 8))
		lines = append(lines, "instead")
	}
	e, err := s.create(ctx, names, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
	if err != nil {
		return "", false, fmt.Errorf("save the index: %w", err)
	}
	return e.name, e.mine, nil
}
