package layer

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/modferry/modferry/internal/store"
)

// reserving is a store with names that are taken, although nothing is there.
type reserving struct {
	*memory
	mu    sync.Mutex
	taken int    // of the names with prefix that come first
	what  string // prefix
	names []string
}

func (s *reserving) Create(ctx context.Context, name string, write func(io.Writer) error) error {
	if strings.HasPrefix(name, s.what) && s.reserved(name) {
		return store.ErrExists
	}
	return s.memory.Create(ctx, name, write)
}

// reserved takes the names that come first, for good.
func (s *reserving) reserved(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.names, name) && len(s.names) < s.taken {
		s.names = append(s.names, name)
	}
	return slices.Contains(s.names, name)
}

func TestASaveGoesRoundNamesThatHoldNothing(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		what  string
		taken int
		want  error
	}{
		{"a layer", LayerPrefix, 1, nil},
		{"a layer, again and again", LayerPrefix, mostNames - 1, nil},
		{"every name of a layer", LayerPrefix, mostNames, errReserved},
		{"an index", IndexPrefix, 1, nil},
		{"every name of an index", IndexPrefix, mostNames, errReserved},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fix := modules(t, 100, "a1 b1")
			s := &reserving{memory: newMemory(), what: tt.what, taken: tt.taken}
			p := newPlace(t, fix).have()
			saved, err := p.saver(s).Save(t.Context(), nil)
			if !errors.Is(err, tt.want) {
				t.Fatalf("saved %+v, %v, want the error %v", saved, err, tt.want)
			}
			if tt.want != nil {
				if n := len(s.indexes()); n != 0 {
					t.Errorf("%d indexes, want none", n)
				}
				return
			}
			if saved.Layers != 1 || saved.Index == "" || saved.Reason != "" {
				t.Errorf("saved %+v", saved)
			}
			q := newPlace(t, fix)
			if x := q.lookup(s); !x.Exact {
				t.Errorf("the index %s is not found by its key", x.Name)
			}
			if r := q.restore(s); len(r.Reasons)+len(r.Bad) > 0 {
				t.Errorf("restored %+v", r)
			}
			q.check(q.all())
		})
	}
}

// An index says only what is true of the store when it is written.
func TestALayerThatIsNotThereIsWrittenAgain(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		harm func(s *memory, layer string)
	}{
		{"evicted", func(s *memory, layer string) { delete(s.data, layer) }},
		{"cut", func(s *memory, layer string) { s.data[layer] = s.data[layer][:len(s.data[layer])/2] }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fix := modules(t, 100, "a1 b1")
			s := newMemory()
			p := newPlace(t, fix).have()
			p.save(s)
			tt.harm(s, s.layers()[0])
			saved := p.save(s)
			if saved.Layers != 1 || saved.Kept != 0 || saved.Reason != "" {
				t.Errorf("saved %+v, want one layer anew", saved)
			}
			q := newPlace(t, fix)
			if r := q.restore(s); len(r.Reasons)+len(r.Bad) > 0 {
				t.Errorf("restored %+v", r)
			}
			q.check(q.all())
		})
	}
}

// silent is a store that takes what it is given and answers no question.
type silent struct {
	*memory
	err error
}

func (s *silent) Find(context.Context, string, ...string) (store.Entry, error) {
	return store.Entry{}, s.err
}

func TestASaveThatCannotSeeTheLayersWritesNoIndex(t *testing.T) {
	t.Parallel()
	fix := modules(t, 100, "a1 b1")
	s := newMemory()
	p := newPlace(t, fix).have()
	p.save(s)
	x, before := p.lookup(s), len(s.names)
	mute := errors.New("the store is silent")
	p.list.Mains[0].Path = "example.test/elsewhere"
	for _, known := range []*Index{x, nil} {
		if saved, err := p.saver(&silent{s, mute}).Save(t.Context(), known); !errors.Is(err, mute) {
			t.Errorf("saved %+v, %v, want the store's error", saved, err)
		}
	}
	if len(s.names) != before {
		t.Errorf("entries %v, want no new one", s.names[before:])
	}
}
