package layer

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/modcache"
	"github.com/modferry/modferry/internal/worklist"
)

// framesIn are the labels of the frames of a layer, sorted, with the kinds in
// each.
func framesIn(t *testing.T, data []byte) []string {
	t.Helper()
	c, err := opened(t.Context(), bytes.NewReader(data))
	if err != nil || len(c.spoilt) > 0 {
		t.Fatal(err, c.spoilt)
	}
	var out []string
	for _, f := range c.frames {
		kinds := []string{f.label}
		for _, p := range f.parts {
			if p.kind != lineModule && kinds[len(kinds)-1] != p.kind {
				kinds = append(kinds, p.kind)
			}
		}
		out = append(out, strings.Join(kinds, " "))
	}
	slices.Sort(out)
	return out
}

func (p *place) file(v module.Version, kind string) string {
	return filepath.Join(p.cache.Dir(), "cache", "download", filepath.FromSlash(v.Path), "@v", v.Version+"."+kind)
}

func (p *place) tree(v module.Version) string {
	return filepath.Join(p.cache.Dir(), filepath.FromSlash(v.Path)+"@"+v.Version)
}

// edit changes a file of an extracted tree.
func (p *place) edit(v module.Version, name string) {
	p.t.Helper()
	file := filepath.Join(p.tree(v), name)
	if err := errors.Join(os.Chmod(file, 0o666), os.WriteFile(file, []byte("evil"), 0o666)); err != nil {
		p.t.Fatal(err)
	}
}

func TestContentsComeFromTheTreeOrFromTheZip(t *testing.T) {
	t.Parallel()
	fix := modules(t, 3000, "a1 b1 c1 d1")
	p := newPlace(t, fix).have().use(versions("a1 b1 c1")...)
	// a has both, b only its tree, c a tree that is none any more, d only its zip.
	if err := os.Remove(p.file(version("b1"), kindZip)); err != nil {
		t.Fatal(err)
	}
	p.edit(version("c1"), "data.go")
	s := newMemory()
	if saved := p.save(s); saved.Layers != 1 || saved.Files != 12 {
		t.Fatalf("saved %+v", saved)
	}
	want := []string{}
	for _, name := range []string{"a", "b", "c", "d"} {
		want = append(want, "example.test/"+name+"@v1.1.0 info mod file")
	}
	if got := framesIn(t, s.data[s.layers()[0]]); !slices.Equal(got, want) {
		t.Errorf("frames %q, want %q", got, want)
	}
	q := newPlace(t, fix)
	if r := q.restore(s); len(r.Members) != 12 || len(r.Rejected)+len(r.Reasons) > 0 {
		t.Errorf("restored %+v", r)
	}
	q.check(q.all())
}

func TestWhatIsWrongIsNotSaved(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(p *place, v module.Version){
		"a tree without a zip": func(p *place, v module.Version) {
			p.use(v).edit(v, "data.go")
			_ = os.Remove(p.file(v, kindZip))
		},
		"a zip": func(p *place, v module.Version) {
			if err := os.WriteFile(p.file(v, kindZip), p.fix.All()[0].Zip, 0o666); err != nil {
				p.t.Fatal(err)
			}
		},
		"both": func(p *place, v module.Version) {
			p.use(v).edit(v, "data.go")
			if err := os.WriteFile(p.file(v, kindZip), []byte("<html>"), 0o666); err != nil {
				p.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, modules(t, 3000, "a1 b1")).have()
			harm(p, version("b1"))
			s := newMemory()
			saved := p.save(s)
			if !saved.Fault || !strings.Contains(saved.Reason, "zip of example.test/b@v1.1.0: what the module cache has of it is not what go.sum names") || len(s.names) > 0 {
				t.Errorf("saved %+v and %v", saved, s.names)
			}
		})
	}
}

// An .info that no layer may hold is left out; it would spoil its frame.
func TestAHugeInfoIsLeftOut(t *testing.T) {
	t.Parallel()
	fix := modules(t, 100, "a1")
	p := newPlace(t, fix).have()
	text := `{"Version":"v1.1.0"` + strings.Repeat(" ", int(maxSize(kindInfo))) + "}"
	if err := os.WriteFile(p.file(version("a1"), kindInfo), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	s := newMemory()
	if saved := p.save(s); saved.Files != 2 {
		t.Errorf("saved %+v", saved)
	}
	q := newPlace(t, fix)
	if r := q.restore(s); len(r.Members) != 2 || len(r.Rejected)+len(r.Reasons) > 0 {
		t.Errorf("restored %+v", r)
	}
}

// A zip with an entry for a directory has a hash that no tree has.
func TestAZipThatIsNoTreeIsKept(t *testing.T) {
	t.Parallel()
	a := mirrortest.Build(t, mirrortest.Module{Path: "example.test/odd", Version: "v1.0.0"}).All()[0]
	odd := *a
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range []string{"go.mod", "m.go", "dir/"} {
		w, err := z.Create(a.Version.String() + "/" + name)
		if err == nil && name == "go.mod" {
			_, err = w.Write(a.Mod)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	odd.Zip = b.Bytes()
	name := filepath.Join(t.TempDir(), "odd.zip")
	if err := os.WriteFile(name, odd.Zip, 0o666); err != nil {
		t.Fatal(err)
	}
	var err error
	if odd.ZipSum, err = dirhash.HashZip(name, dirhash.Hash1); err != nil {
		t.Fatal(err)
	}
	fix := modules(t, 100, "a1").With(&odd)
	p := newPlace(t, fix).have().use(a.Version)
	s := newMemory()
	p.save(s)
	want := []string{"example.test/a@v1.1.0 info mod file", "example.test/odd@v1.0.0 info mod zip"}
	if got := framesIn(t, s.data[s.layers()[0]]); !slices.Equal(got, want) {
		t.Errorf("frames %q, want %q", got, want)
	}
	q := newPlace(t, fix)
	if r := q.restore(s); len(r.Rejected)+len(r.Reasons)+len(r.Trees) > 0 {
		t.Errorf("restored %+v", r)
	}
	q.check(q.all())
	if has, err := q.cache.HasZip(t.Context(), a.Version, odd.ZipSum); !has || err != nil {
		t.Errorf("the zip is there: %v, %v", has, err)
	}
}

func TestManyGoModFilesShareAFrame(t *testing.T) {
	t.Parallel()
	fix := mirrortest.Generate(t, 600, 0)
	p := newPlace(t, fix)
	need := Sums{}
	for i, a := range fix.All() {
		if i < 2 {
			need.Add(a.Version, a.ZipSum, a.ModSum)
		} else {
			need.Add(a.Version, "", a.ModSum)
		}
	}
	p.sums = need
	p.have()
	s := newMemory()
	p.save(s)
	if got, want := framesIn(t, s.data[s.layers()[0]]), []string{"* mod", "example.test/m000@v1.0.0 info mod file", "example.test/m001@v1.0.1 info mod file"}; len(got) != 3 || !slices.Equal(got[1:], want[1:]) || !strings.HasPrefix(got[0], want[0]) {
		t.Errorf("frames %q, want %q", got, want)
	}
	q := newPlace(t, fix)
	q.sums = need
	if r := q.restore(s); len(r.Members) != len(need) || len(r.Rejected)+len(r.Reasons) > 0 {
		t.Errorf("restored %d of %d: %+v", len(r.Members), len(need), r)
	}
	q.list.Modules = slices.DeleteFunc(q.list.Modules, func(m worklist.Module) bool { return need[member(m.Path, m.Version, kindZip)] == "" })
	q.check(need.set())
}

func (s Sums) set() map[Member]bool {
	set := map[Member]bool{}
	for m := range s {
		set[m] = true
	}
	return set
}

// A frame too long for memory goes through a temporary file when it is written
// and is unpacked as it comes; it may break there, too.
func TestALongFrame(t *testing.T) {
	t.Parallel()
	fix := modules(t, 100, "a1").With(mirrortest.Build(t,
		mirrortest.Module{Path: "example.test/long", Version: "v1.0.0", Size: mostHeld + 1<<20}).All()...)
	s := newMemory()
	newPlace(t, fix).have().save(s)
	q := newPlace(t, fix)
	if r := q.restore(s); len(r.Members) != 6 || len(r.Rejected)+len(r.Reasons) > 0 {
		t.Errorf("restored %+v", r)
	}
	q.check(q.all())

	picks := q.lookup(s).Pick(q.all())
	broken := errors.New("the connection is gone")
	for _, n := range []int{100, mostHeld / 2, mostHeld} {
		s.open = func(_ string, data []byte) (io.ReadCloser, error) {
			return io.NopCloser(io.MultiReader(bytes.NewReader(data[:n]), breaking{broken})), nil
		}
		q := newPlace(t, fix)
		r := q.restorer(s).Restore(t.Context(), picks)
		if len(r.Reasons) != 1 || !strings.Contains(r.Reasons[0], broken.Error()) || len(r.Rejected)+len(r.Bad) > 0 {
			t.Errorf("broken after %d bytes: %+v", n, r)
		}
		q.check(r.has())
	}
	s.open = func(_ string, data []byte) (io.ReadCloser, error) {
		data = bytes.Clone(data)
		data[mostHeld/2] ^= 1
		return io.NopCloser(bytes.NewReader(data)), nil
	}
	q = newPlace(t, fix)
	r := q.restorer(s).Restore(t.Context(), picks)
	if len(r.Rejected) != 1 || len(r.Reasons) > 0 {
		t.Errorf("damaged: %+v", r)
	}
	q.check(r.has())
}

func TestARestoreMakesTheZipsThatAreWanted(t *testing.T) {
	t.Parallel()
	fix := mirrortest.Generate(t, 3, 1000)
	s := newMemory()
	newPlace(t, fix).have().save(s)
	q := newPlace(t, fix)
	r := q.restorer(s)
	r.Zips = true
	if got := r.Restore(t.Context(), q.lookup(s).Pick(q.all())); len(got.Members) != 9 {
		t.Errorf("restored %+v", got)
	}
	q.check(q.all())
	for _, a := range fix.All() {
		if has, err := q.cache.HasZip(t.Context(), a.Version, a.ZipSum); !has || err != nil {
			t.Errorf("the zip of %s is there: %v, %v", a.Version, has, err)
		}
	}
}

// The largest come first, so that no processor has a large one left at the end.
func TestFramesAreInOrderOfTheirSize(t *testing.T) {
	t.Parallel()
	sizes := map[Member]int64{}
	for i := range 10 {
		v := fmt.Sprintf("v1.%d.0", i)
		sizes[member("example.test/a", v, kindZip)] = int64(1 + i*7%10)
		sizes[member("example.test/a", v, kindMod)] = 1
		sizes[member("example.test/b", v, kindMod)] = 1
	}
	frames := framesOf(sizes)
	for i := 1; i < len(frames)-1; i++ {
		if frames[i].size > frames[i-1].size {
			t.Errorf("frame %d has %d bytes, the one before %d", i, frames[i].size, frames[i-1].size)
		}
	}
	if last := frames[len(frames)-1]; len(frames) != 11 || last.module != (module.Version{}) || len(last.members) != 10 {
		t.Errorf("%d frames, the last is %+v", len(frames), last)
	}
}

// Not parallel: it counts goroutines.
func TestNoGoroutineIsLeftBehind(t *testing.T) {
	fix := mirrortest.Generate(t, 5, 100_000)
	p := newPlace(t, fix).have()
	running := goleak.IgnoreCurrent()
	s := newMemory()
	p.save(s)
	full := errors.New("the disk is full")
	pack := &packer{cache: p.cache, sums: p.sums}
	sizes := map[Member]int64{}
	for m := range p.sums {
		sizes[m] = 1
	}
	if _, err := pack.pack(t.Context(), refusing{full}, sizes); !errors.Is(err, full) {
		t.Errorf("error %v, want %v", err, full)
	}
	newPlace(t, fix).restore(s)
	s.data[s.layers()[0]] = s.data[s.layers()[0]][:50_000]
	newPlace(t, fix).restore(s)
	reading, err := modcache.OpenForReading(p.cache.Dir())
	if err != nil {
		t.Fatal(err)
	}
	q := newPlace(t, fix)
	q.cache = reading
	q.restore(s)
	goleak.VerifyNone(t, running)
}

type refusing struct{ err error }

func (r refusing) Write([]byte) (int, error) { return 0, r.err }
