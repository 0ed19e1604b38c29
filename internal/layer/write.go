package layer

import (
	"context"
	"errors"
	"fmt"
	"io"
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

// writeLayers writes the layers of a plan and lists them in next.
func (s *Saver) writeLayers(ctx context.Context, write [][]Member, have map[Member]int64, next *Index, out *Saved) error {
	layers := make([]Layer, len(write))
	mine := make([]bool, len(write))
	g, ctx := errgroup.WithContext(ctx)
	for i, members := range write {
		l := Layer{Members: map[Member]int64{}}
		files := make([]source, len(members))
		for k, m := range members {
			l.Members[m] = have[m]
			l.Bytes += have[m]
			files[k] = source{Member: m, Size: have[m], Open: func() (io.ReadCloser, error) { return s.Cache.OpenFile(m.Module, m.Kind) }}
		}
		g.Go(func() error {
			e, err := s.create(ctx, layerNames(members, s.Bad), func(w io.Writer) (err error) {
				l.Bytes, err = pack(ctx, w, files)
				return err
			})
			if e.size >= 0 {
				l.Bytes = e.size
			}
			l.Name, mine[i] = e.name, e.mine
			layers[i] = l
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("save a layer: %w", err)
	}
	for i, l := range layers {
		next.Layers = append(next.Layers, l)
		if !mine[i] {
			out.Kept++
			continue
		}
		out.Layers++
		out.Files += len(write[i])
		out.Bytes += l.Bytes
	}
	return nil
}

// layerNames are the names of a layer with these members, in the order in which
// to try them: hashes of the members' names. Those of bad layers are left out.
func layerNames(members []Member, bad []string) []string {
	var names []string
	for n := 0; len(names) < mostNames; n++ {
		lines := make([]string, len(members), len(members)+1)
		for i, m := range members {
			lines[i] = m.Name()
		}
		if n > 0 {
			lines = append(lines, "instead of bad layer "+strconv.Itoa(n))
		}
		if name := LayerPrefix + digest(lines, 16); !slices.Contains(bad, name) {
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
		names = append(names, KeyOf(s.List).String()+digest(lines, 8))
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
