package layer

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/modcache"
	"github.com/modferry/modferry/internal/worklist"
)

// modules are fixtures a, b, c… at the versions given, e.g. "a1 b1 c2", with
// zips of about size bytes.
func modules(t testing.TB, size int, names string) *mirrortest.Fixtures {
	t.Helper()
	var mods []mirrortest.Module
	for name := range strings.FieldsSeq(names) {
		mods = append(mods, mirrortest.Module{Path: "example.test/" + name[:1], Version: "v1." + name[1:] + ".0",
			Files: map[string]string{"data.go": "package p // " + string(mirrortest.Content(name, size))}})
	}
	return mirrortest.Build(t, mods...)
}

func version(name string) module.Version {
	return module.Version{Path: "example.test/" + name[:1], Version: "v1." + name[1:] + ".0"}
}

func versions(names string) []module.Version {
	var out []module.Version
	for name := range strings.FieldsSeq(names) {
		out = append(out, version(name))
	}
	return out
}

// place is a module cache and the work list of some fixtures.
type place struct {
	t     testing.TB
	cache *modcache.Cache
	list  *worklist.List
	sums  Sums
	fix   *mirrortest.Fixtures
}

func newPlace(t testing.TB, fix *mirrortest.Fixtures) *place {
	t.Helper()
	cache, err := modcache.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cache.Close(); err != nil {
			t.Error(err)
		}
		// Trees are read-only.
		_ = filepath.WalkDir(cache.Dir(), func(name string, d os.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				return os.Chmod(name, 0o777)
			}
			return err
		})
	})
	p := &place{t: t, cache: cache, fix: fix, sums: Sums{},
		list: &worklist.List{Root: "/checkout", Mains: []worklist.Main{{Dir: ".", Path: "example.test/main"}}}}
	for _, a := range fix.All() {
		m := worklist.Module{Path: a.Version.Path, Version: a.Version.Version, Zip: a.ZipSum, Mod: a.ModSum}
		p.list.Modules = append(p.list.Modules, m)
		p.sums.Add(a.Version, m.Zip, m.Mod)
	}
	return p
}

// have puts the fixtures' files into the module cache.
func (p *place) have(versions ...module.Version) *place {
	p.t.Helper()
	for f := range p.sums {
		if len(versions) > 0 && !slices.Contains(versions, f.Module) {
			continue
		}
		data := p.fix.Get(f.Module.Path, f.Module.Version).File(f.Kind)
		var err error
		if f.Kind == kindInfo {
			err = p.cache.PutInfo(p.t.Context(), f.Module, data)
		} else {
			var tmp *os.File
			if tmp, err = p.cache.Temp(); err == nil {
				_, err = tmp.Write(data)
			}
			switch {
			case err != nil:
			case f.Kind == kindMod:
				err = p.cache.PutMod(p.t.Context(), f.Module, p.sums[f], tmp)
			default:
				err = p.cache.PutZip(p.t.Context(), f.Module, p.sums[f], tmp, modcache.PutOptions{})
			}
		}
		if err != nil {
			p.t.Fatal(err)
		}
	}
	return p
}

// use extracts the trees of modules, as a build does.
func (p *place) use(versions ...module.Version) *place {
	p.t.Helper()
	for _, v := range versions {
		if err := p.cache.Extract(p.t.Context(), v, p.sums[Member{v, kindZip}]); err != nil {
			p.t.Fatal(err)
		}
	}
	return p
}

func (p *place) save(s Store, bad ...string) *Saved {
	p.t.Helper()
	x, err := Lookup(p.t.Context(), s, KeyOf(p.list))
	if err != nil {
		x = nil
	}
	saved, err := p.saver(s, bad...).Save(p.t.Context(), x)
	if err != nil {
		p.t.Fatal(err)
	}
	return saved
}

func (p *place) saver(s Store, bad ...string) *Saver {
	return &Saver{Store: s, Cache: p.cache, Key: KeyOf(p.list), Need: p.sums, Bad: bad}
}

func (p *place) lookup(s Store) *Index {
	p.t.Helper()
	x, err := Lookup(p.t.Context(), s, KeyOf(p.list))
	if err != nil {
		p.t.Fatal(err)
	}
	return x
}

func (p *place) restorer(s Store) *Restorer {
	return &Restorer{Store: s, Cache: p.cache, Sums: p.sums}
}

// restore restores everything of the work list.
func (p *place) restore(s Store) *Restored {
	p.t.Helper()
	need := map[Member]bool{}
	for f := range p.sums {
		need[f] = true
	}
	return p.restorer(s).Restore(p.t.Context(), p.lookup(s).Pick(need))
}

// check holds the module cache against the fixtures: what is there is right,
// and exactly want is there, contents as trees.
func (p *place) check(want map[Member]bool) {
	p.t.Helper()
	for m, sum := range p.sums {
		has, err := false, error(nil)
		switch m.Kind {
		case kindZip:
			has, err = p.cache.HasTree(m.Module, sum)
		case kindMod:
			has, err = p.cache.HasMod(m.Module, sum)
		default:
			has = p.cache.HasInfo(m.Module)
		}
		if err != nil {
			p.t.Fatal(err)
		}
		if has != want[m] {
			p.t.Errorf("%s is there: %v, want %v", m, has, want[m])
		}
	}
	for _, m := range p.list.Modules {
		diffs, err := p.cache.Verify(p.t.Context(), module.Version{Path: m.Path, Version: m.Version}, m.Zip, m.Mod, 1)
		if err != nil || len(diffs) > 0 {
			p.t.Errorf("%s@%s has other bytes: %v, %v", m.Path, m.Version, diffs, err)
		}
	}
}

func (p *place) all() map[Member]bool {
	all := map[Member]bool{}
	for f := range p.sums {
		all[f] = true
	}
	return all
}
