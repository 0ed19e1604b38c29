package e2e

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
)

// savedJob is a place whose modules are in a store, to be spoiled there.
func savedJob(t *testing.T, f *mirrortest.Fixtures, c *counterpart) (*place, *mirrortest.Server) {
	t.Helper()
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	at := newPlace(t, s)
	at.dir = t.TempDir()
	f.WriteCheckout(t, at.dir, mirrortest.Checkout{})
	at.use(c)
	at.fetch(t, 0, "--no-probe")
	at.save(t)
	c.age(t)
	return at, s
}

// layers are the names of the layers in a store.
func layers(t *testing.T, c *counterpart) []string {
	t.Helper()
	var names []string
	for name := range c.kept.sizes(t) {
		if strings.HasPrefix(name, "modferry-l1-") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// spoiled is a job after somebody had spoiled the store: whatever that was,
// every module is there and right. It returns what became of the cache.
func (p *place) spoiled(t *testing.T, what string) report.Cache {
	t.Helper()
	p.wipe(t)
	r := p.fetch(t, 0, "--no-probe")
	if out, err := p.goProcess(t, []string{"GOPROXY=off"}, "mod", "verify").CombinedOutput(); err != nil {
		t.Errorf("%s: go mod verify: %v\n%s", what, err, tail(out))
	}
	if out, err := p.goProcess(t, []string{"GOPROXY=off"}, "list", "-deps", "./...").CombinedOutput(); err != nil {
		t.Errorf("%s: go list: %v\n%s", what, err, tail(out))
	}
	return r.Cache
}

// flips is how many places of layers are damaged.
func flips() int {
	if everything() {
		return 1000
	}
	return 100
}

// TestADamagedByteOfALayerHarmsNobody flips one byte in each of many random
// places of the stored layers, one at a time.
func TestADamagedByteOfALayerHarmsNobody(t *testing.T) {
	const lanes = 2
	f := mirrortest.Build(t, poisonModules()...)
	for lane := range lanes {
		t.Run(fmt.Sprintf("lane %d", lane), func(t *testing.T) {
			t.Parallel()
			c := startDir(t, true)
			at, _ := savedJob(t, f, c)
			random := rand.New(rand.NewPCG(2026, uint64(lane)))
			names := layers(t, c)
			whole := map[string][]byte{}
			for _, name := range names {
				whole[name] = c.kept.read(t, name)
			}
			for range flips() / lanes {
				name := names[random.IntN(len(names))]
				data := bytes.Clone(whole[name])
				i := random.IntN(len(data))
				data[i] ^= byte(1 + random.IntN(255))
				what := fmt.Sprintf("byte %d of %d, %#02x instead of %#02x", i, len(data), data[i], whole[name][i])
				c.kept.write(t, name, data)
				cache := at.spoiled(t, what)
				if len(cache.Rejected) == 0 && cache.Reason == "" {
					t.Errorf("%s: the result does not say it: %+v", what, cache)
				}
				c.kept.write(t, name, whole[name])
			}
			if cache := at.spoiled(t, "nothing"); len(cache.Rejected) > 0 || cache.Reason != "" {
				t.Errorf("the restored store is not what it was: %+v", cache)
			}
		})
	}
}

// poisonModules differ in size, so that damage falls into contents, and into
// what is around them.
func poisonModules() []mirrortest.Module {
	var mods []mirrortest.Module
	for i, size := range []int{100, 500, 2_000, 5_000, 20_000, 100_000} {
		mods = append(mods, mirrortest.Module{
			Path: fmt.Sprintf("example.test/m%d", i), Version: fmt.Sprintf("v1.%d.0", i), Size: size,
		})
	}
	return mods
}

// member is one file of a layer.
type member struct {
	tar.Header
	data []byte
}

func unpackLayer(t *testing.T, data []byte) []member {
	t.Helper()
	plain, err := zstd.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	var members []member
	for archive := tar.NewReader(plain); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return members
		} else if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		members = append(members, member{*h, data})
	}
}

func packLayer(t *testing.T, members []member) []byte {
	t.Helper()
	var out bytes.Buffer
	packed, err := zstd.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	archive := tar.NewWriter(packed)
	for _, m := range members {
		if m.Typeflag == tar.TypeReg {
			m.Size = int64(len(m.data))
		}
		if err := archive.WriteHeader(&m.Header); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write(m.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(archive.Close(), packed.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// zipOf is the index of the zip of the n-th module.
func zipOf(t *testing.T, members []member, n int) int {
	t.Helper()
	i := slices.IndexFunc(members, func(m member) bool {
		return strings.HasSuffix(m.Name, ".zip") && strings.Contains(m.Name, fmt.Sprintf("/m%d/", n))
	})
	if i < 0 {
		t.Fatalf("the layer has no zip of module %d", n)
	}
	return i
}

// TestAForgedLayerHarmsNobody replaces a layer by a well-formed one with other
// contents, on every store.
func TestAForgedLayerHarmsNobody(t *testing.T) {
	honest := mirrortest.Build(t, poisonModules()...)
	evil := mirrortest.Build(t, func() []mirrortest.Module {
		mods := poisonModules()
		for i := range mods {
			mods[i].Files = map[string]string{"evil.go": "package " + fmt.Sprintf("m%d", i) + "\n\nfunc init() { panic(\"evil\") }\n"}
		}
		return mods
	}()...)
	outside := filepath.Join(t.TempDir(), "outside")
	forged := []struct {
		name string
		// forge changes the members; spared says that no module is harmed by it,
		// so that everything comes from the cache all the same.
		forge  func(t *testing.T, members []member) []member
		spared bool
	}{
		{name: "a zip is another valid one", forge: func(t *testing.T, members []member) []member {
			members[zipOf(t, members, 3)].data = evil.Get("example.test/m3", "v1.3.0").File("zip")
			return members
		}},
		{name: "all zips are other valid ones", forge: func(t *testing.T, members []member) []member {
			for i := range poisonModules() {
				members[zipOf(t, members, i)].data = evil.Get(fmt.Sprintf("example.test/m%d", i), fmt.Sprintf("v1.%d.0", i)).File("zip")
			}
			return members
		}},
		{name: "two modules are swapped", forge: func(t *testing.T, members []member) []member {
			a, b := zipOf(t, members, 1), zipOf(t, members, 2)
			members[a].data, members[b].data = members[b].data, members[a].data
			return members
		}},
		{name: "a go.mod file requires something else", forge: func(_ *testing.T, members []member) []member {
			for i, m := range members {
				if strings.HasSuffix(m.Name, ".mod") {
					members[i].data = append(bytes.Clone(m.data), "\nrequire example.test/evil v1.0.0\n"...)
				}
			}
			return members
		}},
		{name: "an info file is no JSON", forge: func(_ *testing.T, members []member) []member {
			for i, m := range members {
				if strings.HasSuffix(m.Name, ".info") {
					members[i].data = []byte("::error::not JSON\n")
				}
			}
			return members
		}},
		{name: "an info file names another version", forge: func(_ *testing.T, members []member) []member {
			for i, m := range members {
				if strings.HasSuffix(m.Name, ".info") {
					members[i].data = []byte(`{"Version":"v9.9.9","Time":"2020-01-01T00:00:00Z"}`)
				}
			}
			return members
		}},
		{name: "a file is added that nobody expects", spared: true, forge: func(_ *testing.T, members []member) []member {
			return append(members, file("cache/download/example.test/evil/@v/v1.0.0.zip", evil.Get("example.test/m0", "v1.0.0").File("zip")))
		}},
		{name: "files are added outside of the download directory", spared: true, forge: func(_ *testing.T, members []member) []member {
			return append([]member{
				file("example.test/m3@v1.3.0/evil.go", []byte("package m3\n")),
				file("cache/lock", []byte("x")),
				file("../outside", []byte("x")),
				file("cache/download/../../../outside", []byte("x")),
				file(outside, []byte("x")),
			}, members...)
		}},
		{name: "links are added", spared: true, forge: func(_ *testing.T, members []member) []member {
			return append([]member{
				link(tar.TypeSymlink, "cache/download/example.test", outside),
				link(tar.TypeSymlink, "cache/download/example.test/m3/@v/v1.3.0.zip", outside),
				link(tar.TypeLink, "cache/download/example.test/m4/@v/v1.4.0.zip", "/etc/hostname"),
				link(tar.TypeDir, "cache/download/example.test/m5/@v/v1.5.0.zip", ""),
				link(tar.TypeFifo, "cache/download/example.test/m2/@v/v1.2.0.zip", ""),
				link(tar.TypeChar, "cache/download/example.test/m1/@v/v1.1.0.zip", ""),
			}, members...)
		}},
		{name: "a member comes twice, the second is evil", spared: true, forge: func(_ *testing.T, members []member) []member {
			return append(members, file("cache/download/example.test/m3/@v/v1.3.0.zip", evil.Get("example.test/m3", "v1.3.0").File("zip")))
		}},
		{name: "the layer is empty", forge: func(*testing.T, []member) []member { return nil }},
	}
	eachStore(t, false, func(t *testing.T, c *counterpart) {
		t.Parallel()
		at, s := savedJob(t, honest, c)
		names := layers(t, c)
		if len(names) != 1 {
			t.Fatalf("the store has the layers %q, expected one", names)
		}
		whole := c.kept.read(t, names[0])
		for _, tt := range forged {
			t.Run(tt.name, func(t *testing.T) {
				members := tt.forge(t, unpackLayer(t, whole))
				c.kept.write(t, names[0], packLayer(t, members))
				s.Forget()
				cache := at.spoiled(t, tt.name)
				if len(cache.Rejected) == 0 {
					t.Errorf("the result does not say what was rejected: %+v", cache)
				}
				for _, said := range cache.Rejected {
					if strings.ContainsAny(said, "\n\r") || strings.Contains(said, "::") {
						t.Errorf("a rejection in the result could be mistaken for a command: %q", said)
					}
				}
				if tt.spared && s.Count("*.zip") > 0 {
					t.Errorf("no module was harmed, but the mirror was asked for %d zips", s.Count("*.zip"))
				}
				if found := glob(t, filepath.Dir(outside), "*"); len(found) > 0 {
					t.Errorf("something was written outside of the module cache: %v", found)
				}
				if found := glob(t, filepath.Dir(at.modcache), "*"); len(found) != 1 {
					t.Errorf("something was written beside the module cache: %v", found)
				}
				if found := glob(t, at.modcache, "cache/download/example.test/evil*"); len(found) > 0 {
					t.Errorf("a module came in that nobody asked for: %v", found)
				}
			})
		}

		// So does one that is gone, as after an eviction.
		c.kept.write(t, names[0], nil)
		if cache := at.spoiled(t, "no layer"); cache.Reason == "" {
			t.Errorf("the result does not say that a layer is gone: %+v", cache)
		}
		at.save(t)
		at.wipe(t)
		s.Forget()
		fromCacheAlone(t, at.fetch(t, 0, "--no-probe"), s)
	})
}

// TestALayerThatWasFoundBadIsNotReliedOnAgain saves after a restore that
// rejected something: the next one has no trouble.
func TestALayerThatWasFoundBadIsNotReliedOnAgain(t *testing.T) {
	f := mirrortest.Build(t, poisonModules()...)
	eachStore(t, false, func(t *testing.T, c *counterpart) {
		t.Parallel()
		at, s := savedJob(t, f, c)
		names := layers(t, c)
		members := unpackLayer(t, c.kept.read(t, names[0]))
		members[zipOf(t, members, 3)].data = []byte("PK")
		c.kept.write(t, names[0], packLayer(t, members))
		if cache := at.spoiled(t, "a zip that is none"); len(cache.Rejected) != 1 {
			t.Errorf("%q were rejected, expected one zip", cache.Rejected)
		}
		at.save(t)
		at.wipe(t)
		s.Forget()
		fromCacheAlone(t, at.fetch(t, 0, "--no-probe"), s)
	})
}

// TestASpoiledIndexHarmsNobody replaces the index by something else.
func TestASpoiledIndexHarmsNobody(t *testing.T) {
	f := mirrortest.Build(t, poisonModules()...)
	for _, tt := range []struct {
		name  string
		index func(honest string) string
	}{
		{"it is empty", func(string) string { return "" }},
		{"it is no JSON", func(string) string { return "::error::no JSON" }},
		{"it is of another format", func(honest string) string { return strings.Replace(honest, "modferry.index/1", "modferry.index/2", 1) }},
		{"it is cut", func(honest string) string { return honest[:len(honest)/2] }},
		{"its layer has an evil name", func(honest string) string { return strings.Replace(honest, "modferry-l1-", "../../modferry-l1-", 1) }},
		{"its layer is not there", func(honest string) string {
			return strings.Replace(honest, "modferry-l1-", "modferry-l1-0", 1)
		}},
		{"its modules have an evil name", func(honest string) string { return strings.ReplaceAll(honest, "example.test/m", "../example.test/m") }},
		{"its modules have other names", func(honest string) string { return strings.ReplaceAll(honest, "example.test/m", "example.test/n") }},
		{"its sizes are negative", func(honest string) string { return strings.ReplaceAll(honest, `"zip":`, `"zip":-`) }},
		{"its sizes are huge", func(honest string) string { return strings.ReplaceAll(honest, `"zip":`, `"zip":99999999999`) }},
		{"it is huge", func(honest string) string { return honest + strings.Repeat(" ", 65<<20) }},
		{"it is deep", func(string) string { return strings.Repeat(`{"layers":[`, 1<<20) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := startDir(t, true)
			at, _ := savedJob(t, f, c)
			for name := range c.kept.sizes(t) {
				if strings.HasPrefix(name, "modferry-i1-") {
					c.kept.write(t, name, []byte(tt.index(string(c.kept.read(t, name)))))
				}
			}
			at.spoiled(t, tt.name)
			at.modferry(t, 0, "cache", "save")
			at.spoiled(t, tt.name+", after the next save")
		})
	}
}

func file(name string, data []byte) member {
	return member{tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644}, data}
}

func link(kind byte, name, to string) member {
	return member{tar.Header{Typeflag: kind, Name: name, Linkname: to, Mode: 0o777}, nil}
}
