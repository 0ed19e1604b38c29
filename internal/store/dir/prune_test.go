package dir

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/store"
)

// sized makes entries of 100 bytes, created and last used in that order, and
// lets the time of the store stand still afterwards.
func sized(t *testing.T, names ...string) *Store {
	t.Helper()
	s := open(t, t.TempDir())
	for _, name := range names {
		err := s.Create(t.Context(), name, func(w io.Writer) error {
			_, err := w.Write(bytes.Repeat([]byte(name), 100/len(name)))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	now := s.now()
	s.now = func() time.Time { return now }
	return s
}

func TestPruneRemovesTheLeastRecentlyUsed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name         string
		used         []string // after the creations, one minute each
		limits       Limits
		removed, new []string
	}{
		{"nothing without limits", nil, Limits{}, nil, []string{"d", "c", "b", "a"}},
		{"nothing when the limits are kept", nil, Limits{Bytes: 400, Age: time.Hour}, nil, []string{"d", "c", "b", "a"}},
		{"negative limits are none", nil, Limits{Bytes: -1, Age: -1}, nil, []string{"d", "c", "b", "a"}},
		{"by size the oldest first", nil, Limits{Bytes: 200}, []string{"a", "b"}, []string{"d", "c"}},
		{"by size no more than needed", nil, Limits{Bytes: 399}, []string{"a"}, []string{"d", "c", "b"}},
		{"by size what was used stays", []string{"a", "b"}, Limits{Bytes: 200}, []string{"c", "d"}, []string{"b", "a"}},
		{"everything by size", []string{"c"}, Limits{Bytes: 99}, []string{"a", "b", "d", "c"}, nil},
		{"by age", nil, Limits{Age: 3 * time.Minute}, []string{"a"}, []string{"d", "c", "b"}},
		{"by age what was used stays", []string{"a"}, Limits{Age: 3 * time.Minute}, []string{"b"}, []string{"d", "c", "a"}},
		{"by both, the stricter one is size", nil, Limits{Bytes: 100, Age: 3 * time.Minute}, []string{"a", "b", "c"}, []string{"d"}},
		{"by both, the stricter one is age", nil, Limits{Bytes: 300, Age: time.Minute}, []string{"a", "b", "c"}, []string{"d"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := sized(t, "a", "b", "c", "d")
			for _, name := range tt.used {
				e, err := s.Find(t.Context(), name)
				if err != nil {
					t.Fatal(err)
				}
				now := s.now().Add(time.Minute)
				s.now = func() time.Time { return now }
				r, err := s.Open(t.Context(), e)
				if err != nil {
					t.Fatal(err)
				}
				r.Close()
			}
			removed, err := s.Prune(t.Context(), tt.limits)
			if err != nil || !slices.Equal(names(removed), tt.removed) {
				t.Errorf("removed %q, %v; want %q", names(removed), err, tt.removed)
			}
			mustList(t, s, tt.new...)
			mustBeTidy(t, s)
		})
	}
}

func TestUseIsToldApartFromCreation(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	create(t, s, "a", "b") // at minutes 0 and 1
	list, err := s.List(t.Context(), "a")
	if err != nil || len(list) != 1 || !list[0].Created.Equal(start) || !list[0].Used.Equal(start) {
		t.Fatalf("List = %+v, %v; want creation and use at %v", list, err, start)
	}
	read(t, s, list[0])
	mustList(t, s, "b", "a")
	list, err = s.List(t.Context(), "a")
	if used := start.Add(2 * time.Minute); err != nil || len(list) != 1 || !list[0].Created.Equal(start) || !list[0].Used.Equal(used) {
		t.Errorf("List = %+v, %v; want creation at %v, use at %v", list, err, start, used)
	}
}

func TestAnEntryThatIsReadStaysReadable(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	create(t, s, "a")
	e, err := s.Find(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Open(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	begin := make([]byte, 1)
	if _, err := io.ReadFull(r, begin); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Prune(t.Context(), Limits{Bytes: 1}); err != nil && runtime.GOOS != "windows" {
		t.Error(err)
	}
	rest, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := whole(append(begin, rest...)); err != nil {
		t.Error(err)
	}
}

func TestSeveralPruneAtOnce(t *testing.T) {
	t.Parallel()
	s := sized(t, "a", "b", "c", "d", "e", "f", "g", "h")
	var mu sync.Mutex
	var all []string
	var ended sync.WaitGroup
	for range 4 {
		ended.Go(func() {
			removed, err := s.Prune(t.Context(), Limits{Bytes: 200})
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, names(removed)...)
		})
	}
	ended.Wait()
	slices.Sort(all)
	if got, want := slices.Compact(all), []string{"a", "b", "c", "d", "e", "f"}; !slices.Equal(got, want) {
		t.Errorf("removed %q; want %q", got, want)
	}
	mustList(t, s, "h", "g")
	mustBeTidy(t, s)
}

func TestWhatVanishesWhilePruningIsNoMatter(t *testing.T) {
	t.Parallel()
	s := sized(t, "a", "b", "c")
	s.step = func() { // before the first change: after it was seen
		if err := os.RemoveAll(s.place("a")); err != nil {
			t.Error(err)
		}
	}
	if _, err := s.Prune(t.Context(), Limits{Bytes: 100}); err != nil {
		t.Error(err)
	}
	mustList(t, s, "c")
	mustBeTidy(t, s)
}

func TestPruneEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := sized(t, "a", "b", "c", "d")
	ctx, cancel := context.WithCancel(t.Context())
	s.step = cancel
	removed, err := s.Prune(ctx, Limits{Bytes: 1})
	if !errors.Is(err, context.Canceled) || !slices.Equal(names(removed), []string{"a"}) {
		t.Errorf("removed %q, %v; want the first only and %v", names(removed), err, context.Canceled)
	}
	mustList(t, s, "d", "c", "b")
}

// A user who may not remove the oldest entry still removes others.
func TestWhatCannotBeRemovedIsPassedOver(t *testing.T) {
	t.Parallel()
	s := sized(t, "a", "b", "c")
	blocked := s.place("a")
	// A directory that is not empty in the place of the file: nobody can
	// remove that with os.Remove, not even root.
	s.step = sync.OnceFunc(func() {
		data := filepath.Join(blocked, dataName)
		if err := errors.Join(os.Remove(data), os.MkdirAll(filepath.Join(data, "x"), 0o777)); err != nil {
			t.Error(err)
		}
	})
	removed, err := s.Prune(t.Context(), Limits{Bytes: 100})
	if classOf(err) == "" || !slices.Equal(names(removed), []string{"b", "c"}) {
		t.Errorf("removed %q, %v; want b and c, and why a is not", names(removed), err)
	}
	mustMiss(t, s, "a")
}

func TestDeleteTakesNamesOnly(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	for _, name := range []string{"", "..", "../v1/a", "a/b"} {
		if err := s.Delete(t.Context(), store.Entry{Name: name}); classOf(err) == "" {
			t.Errorf("Delete(%q) = %v", name, err)
		}
		if _, err := s.Open(t.Context(), store.Entry{Name: name}); classOf(err) == "" {
			t.Errorf("Open(%q) = %v", name, err)
		}
	}
}
