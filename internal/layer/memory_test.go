package layer

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/modferry/modferry/internal/store"
)

// memory is a store for tests: a map, in the order of creation.
type memory struct {
	mu      sync.Mutex
	names   []string
	data    map[string][]byte
	opened  []string
	open    func(name string, data []byte) (io.ReadCloser, error) // replaces Open when set
	denied  bool
	created int
}

func newMemory() *memory { return &memory{data: map[string][]byte{}} }

func (s *memory) Find(_ context.Context, name string, prefixes ...string) (store.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if data, ok := s.data[name]; ok {
		return store.Entry{Name: name, Size: int64(len(data))}, nil
	}
	for _, p := range prefixes {
		for _, n := range slices.Backward(s.names) {
			if strings.HasPrefix(n, p) {
				return store.Entry{Name: n, Size: int64(len(s.data[n]))}, nil
			}
		}
	}
	return store.Entry{}, fmt.Errorf("%q: %w", name, store.ErrNotFound)
}

func (s *memory) Open(_ context.Context, e store.Entry) (io.ReadCloser, error) {
	s.mu.Lock()
	data, ok := s.data[e.Name]
	s.opened = append(s.opened, e.Name)
	open := s.open
	s.mu.Unlock()
	switch {
	case !ok:
		return nil, store.ErrNotFound
	case open != nil:
		return open(e.Name, data)
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

func (s *memory) Create(_ context.Context, name string, write func(io.Writer) error) error {
	s.mu.Lock()
	_, taken := s.data[name]
	denied := s.denied
	s.mu.Unlock()
	switch {
	case denied:
		return store.ErrDenied
	case taken:
		return store.ErrExists
	}
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.data[name]; taken {
		return store.ErrExists
	}
	s.data[name] = b.Bytes()
	s.names = append(s.names, name)
	s.created++
	return nil
}

// layers are the names of the layers, oldest first.
func (s *memory) layers() []string { return s.with(LayerPrefix) }

// indexes are the names of the indexes, oldest first.
func (s *memory) indexes() []string { return s.with(IndexPrefix) }

func (s *memory) with(prefix string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, n := range s.names {
		if strings.HasPrefix(n, prefix) {
			out = append(out, n)
		}
	}
	return out
}
