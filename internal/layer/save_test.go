package layer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/store"
	"github.com/modferry/modferry/internal/worklist"
)

// holds names the zips of a layer of s, e.g. "a1 b1".
func holds(x *Index, layer string) string {
	var names []string
	for _, l := range x.Layers {
		for m := range l.Members {
			if l.Name == layer && m.Kind == kindZip {
				names = append(names, m.Module.Path[len("example.test/"):]+strings.TrimSuffix(strings.TrimPrefix(m.Module.Version, "v1."), ".0"))
			}
		}
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// layersOf are the zips of each layer of an index.
func layersOf(x *Index) []string {
	out := []string{}
	for _, l := range x.Layers {
		out = append(out, holds(x, l.Name))
	}
	slices.Sort(out)
	return out
}

func TestAChangedModuleMakesOneSmallLayer(t *testing.T) {
	t.Parallel()
	s := newMemory()
	newPlace(t, modules(t, 3000, "a1 b1 c1 d1")).have().save(s)
	p := newPlace(t, modules(t, 3000, "a1 b1 c1 d2"))
	p.have()
	saved := p.save(s)
	if saved.Layers != 1 || saved.Files != 3 || saved.Kept != 1 {
		t.Errorf("saved %+v", saved)
	}
	x := p.lookup(s)
	if got, want := layersOf(x), []string{"a1 b1 c1 d1", "d2"}; !slices.Equal(got, want) {
		t.Errorf("layers %q, want %q", got, want)
	}
	if !x.Exact {
		t.Error("the index is not found as exact")
	}
	q := newPlace(t, p.fix)
	if r := q.restore(s); r.Layers != 2 || len(r.Reasons)+len(r.Rejected) > 0 {
		t.Errorf("restored %+v", r)
	}
	q.check(q.all())
}

func TestTheSameSetIsSavedOnce(t *testing.T) {
	t.Parallel()
	s := newMemory()
	fix := modules(t, 100, "a1 b1")
	newPlace(t, fix).have().save(s)
	before := s.created
	if saved := newPlace(t, fix).have().save(s); saved.Reason != "the cache already has everything" || s.created != before {
		t.Errorf("saved %+v and made %d entries", saved, s.created-before)
	}
	// The other order of lines in go.sum is the same set.
	p := newPlace(t, fix)
	slices.Reverse(p.list.Modules)
	if saved := p.have().save(s); saved.Reason == "" || s.created != before {
		t.Errorf("saved %+v", saved)
	}
}

func TestAnotherCheckoutSharesTheLayers(t *testing.T) {
	t.Parallel()
	s := newMemory()
	fix := modules(t, 2000, "a1 b1 c1")
	newPlace(t, fix).have().save(s)
	p := newPlace(t, fix)
	p.list.Mains = []worklist.Main{{Dir: ".", Path: "example.test/elsewhere"}}
	p.have()
	saved := p.save(s)
	if saved.Layers != 0 || saved.Kept != 1 || saved.Index == "" {
		t.Errorf("saved %+v", saved)
	}
	if len(s.layers()) != 1 || len(s.indexes()) != 2 {
		t.Errorf("entries %v", s.names)
	}
}

// Jobs with the same go.sum need different modules, as those for other
// platforms do: their index has what all of them need.
func TestJobsOfOneGoSumShareAnIndex(t *testing.T) {
	t.Parallel()
	s := newMemory()
	fix := modules(t, 2000, "a1 b1 c1 d1")
	job := func(names string) *place {
		p := newPlace(t, fix)
		p.sums = Sums{}
		for _, v := range versions(names) {
			p.sums.Add(v, fix.Get(v.Path, v.Version).ZipSum, fix.Get(v.Path, v.Version).ModSum)
		}
		return p.have()
	}
	one, other := job("a1 b1 c1"), job("a1 b1 d1")
	one.save(s)
	if saved := other.save(s); saved.Layers != 1 || saved.Files != 3 || saved.Kept != 1 {
		t.Errorf("saved %+v", saved)
	}
	for _, p := range []*place{one, other, one} {
		if saved := p.save(s); saved.Reason != "the cache already has everything" {
			t.Errorf("saved %+v", saved)
		}
	}
	if got, want := layersOf(one.lookup(s)), []string{"a1 b1 c1", "d1"}; !slices.Equal(got, want) {
		t.Errorf("layers %q, want %q", got, want)
	}
}

// Two jobs save the same at the same time: neither knew of the other.
func TestWhatSomebodyElseSavedMeanwhileIsNotClaimed(t *testing.T) {
	t.Parallel()
	s := newMemory()
	fix := modules(t, 100, "a1 b1")
	p := newPlace(t, fix).have()
	p.save(s)
	late := p.saver(s)
	saved, err := late.Save(t.Context(), nil)
	if err != nil || saved.Reason != "another job has already saved the same modules" {
		t.Errorf("saved %+v, %v", saved, err)
	}
	// The layer is there, but with another index.
	p.list.Mains[0].Path = "example.test/elsewhere"
	saved, err = p.saver(s).Save(t.Context(), nil)
	if err != nil || saved.Reason != "" || saved.Layers != 0 || saved.Kept != 1 || saved.Bytes != 0 || saved.Index == "" {
		t.Errorf("saved %+v, %v", saved, err)
	}
}

func TestSaveRefuses(t *testing.T) {
	t.Parallel()
	fix := modules(t, 100, "a1 b1 c1")
	tests := []struct {
		name   string
		place  func(t *testing.T) *place
		reason string
	}{
		{"nothing there", func(t *testing.T) *place { return newPlace(t, fix) },
			"the set is incomplete: 6 files are missing, such as the mod of example.test/a@v1.1.0; modferry fetch downloads them"},
		{"one module missing", func(t *testing.T) *place { return newPlace(t, fix).have(versions("a1 b1")...) },
			"the set is incomplete: 2 files are missing, such as the mod of example.test/c@v1.1.0; modferry fetch downloads them"},
		{"no modules needed", func(t *testing.T) *place {
			p := newPlace(t, fix)
			p.sums = nil
			return p
		}, "no modules are needed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newMemory()
			if saved := tt.place(t).save(s); saved.Reason != tt.reason || s.created > 0 {
				t.Errorf("saved %+v\n want reason %q", saved, tt.reason)
			}
		})
	}
}

func TestManyLayersBecomeOne(t *testing.T) {
	t.Parallel()
	s := newMemory()
	names := "a0 b0 c0 d0 e0 f0 g0 h0"
	newPlace(t, modules(t, 500, names)).have().save(s)
	most := 0
	for i := 1; i <= 12; i++ {
		// One module more changes each time.
		fields := strings.Fields(names)
		fields[i%8] = fmt.Sprintf("%s%d", fields[i%8][:1], i)
		names = strings.Join(fields, " ")
		p := newPlace(t, modules(t, 500, names)).have()
		saved := p.save(s)
		x := p.lookup(s)
		most = max(most, len(x.Layers))
		if saved.Compact && len(x.Layers) != 1 {
			t.Errorf("step %d: %d layers after they were written anew", i, len(x.Layers))
		}
		q := newPlace(t, p.fix)
		if r := q.restore(s); len(r.Reasons)+len(r.Rejected) > 0 {
			t.Errorf("step %d: restored %+v", i, r)
		}
		q.check(q.all())
	}
	if most > mostLayers {
		t.Errorf("up to %d layers, want at most %d", most, mostLayers)
	}
}

func TestALayerOfUnneededModulesIsWrittenAnew(t *testing.T) {
	t.Parallel()
	s := newMemory()
	newPlace(t, modules(t, 3000, "a1 b1 c1 d1 e1")).have().save(s)
	p := newPlace(t, modules(t, 3000, "a1 b2")).have()
	if saved := p.save(s); !saved.Compact || saved.Layers != 1 {
		t.Errorf("saved %+v", saved)
	}
	if got, want := layersOf(p.lookup(s)), []string{"a1 b2"}; !slices.Equal(got, want) {
		t.Errorf("layers %q, want %q", got, want)
	}
	// But not when a part of it is not here to be written.
	s = newMemory()
	newPlace(t, modules(t, 3000, "a1 b1 c1 d1 e1")).have().save(s)
	p = newPlace(t, modules(t, 3000, "a1 b2"))
	p.have(versions("b2")...)
	if saved := p.save(s); saved.Compact || saved.Kept != 1 {
		t.Errorf("saved %+v", saved)
	}
}

func TestABadLayerIsNotSavedAgain(t *testing.T) {
	t.Parallel()
	s := newMemory()
	fix := modules(t, 1000, "a1 b1 c1")
	newPlace(t, fix).have().save(s)
	bad := s.layers()
	tampered(t, s, func(f []forged) []forged {
		for i := range f {
			f[i].of(lineFile, "data.go").data = "garbage"
		}
		return f
	})
	p := newPlace(t, fix)
	r := p.restore(s)
	if !slices.Equal(r.Bad, bad) || len(r.Rejected) != 3 {
		t.Fatalf("restored %+v", r)
	}
	p.have() // the mirrors brought what was rejected
	if saved := p.save(s, r.Bad...); saved.Layers != 1 || saved.Kept != 0 {
		t.Errorf("saved %+v", saved)
	}
	x := p.lookup(s)
	if len(x.Layers) != 1 || slices.Contains(bad, x.Layers[0].Name) {
		t.Errorf("the index goes on with %v", x.Layers)
	}
	q := newPlace(t, fix)
	if r := q.restore(s); len(r.Rejected) > 0 {
		t.Errorf("restored %+v", r)
	}
	q.check(q.all())
}

func TestAStoreThatRefusesIsToldApart(t *testing.T) {
	t.Parallel()
	p := newPlace(t, modules(t, 100, "a1")).have()
	s := newMemory()
	s.denied = true
	if _, err := p.saver(s).Save(t.Context(), nil); !errors.Is(err, store.ErrDenied) {
		t.Errorf("error %v, want ErrDenied", err)
	}
}

// An index names only layers that are there: when a layer can't be written, no
// index is.
func TestNoIndexWithoutItsLayers(t *testing.T) {
	t.Parallel()
	p := newPlace(t, modules(t, 100, "a1")).have()
	s := newMemory()
	broken := errors.New("the store broke")
	_, err := p.saver(&noLayers{s, broken}).Save(t.Context(), nil)
	if !errors.Is(err, broken) || len(s.names) > 0 {
		t.Errorf("error %v, entries %v", err, s.names)
	}
}

type noLayers struct {
	*memory
	err error
}

func (s *noLayers) Create(ctx context.Context, name string, write func(io.Writer) error) error {
	if strings.HasPrefix(name, LayerPrefix) {
		if err := write(io.Discard); err != nil {
			return err
		}
		return s.err
	}
	return s.memory.Create(ctx, name, write)
}

// The layers stay in the order in which they were saved, so that an index that
// says the same is the same.
func TestALargerLaterLayerChangesNothing(t *testing.T) {
	t.Parallel()
	s := newMemory()
	newPlace(t, modules(t, 100, "a1 b1")).have().save(s)
	p := newPlace(t, modules(t, 100, "a1 b1 c1").With(modules(t, 5000, "d1").All()...)).have()
	p.save(s)
	if n := len(p.lookup(s).Layers); n != 2 {
		t.Fatalf("%d layers, want 2", n)
	}
	if saved := p.save(s); saved.Reason != "the cache already has everything" {
		t.Errorf("saved %+v", saved)
	}
}
