package e2e

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
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
		if strings.HasPrefix(name, "modferry-l2-") {
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
				whole[name] = inOrder(t, c.kept.read(t, name))
				c.kept.write(t, name, whole[name])
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

// frame is a frame of a layer as docs and package layer describe it: a label,
// and lines with what follows each.
type frame struct {
	label string // path@version, or * for several modules
	parts []part
}

type part struct {
	kind, name string // of a line without its size: "mod", "file m.go", "module path@version"
	data       []byte
}

func unpackLayer(t *testing.T, data []byte) []frame {
	t.Helper()
	z, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	var frames []frame
	for len(data) > 0 {
		n := int(data[4]) | int(data[5])<<8
		size, label, _ := strings.Cut(string(data[8:8+n]), " ")
		data = data[8+n:]
		length, err := strconv.Atoi(size)
		if err != nil {
			t.Fatal(err)
		}
		text, err := z.DecodeAll(data[:length], nil)
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, frame{label, unpackParts(t, text)})
		data = data[length:]
	}
	slices.SortFunc(frames, func(a, b frame) int { return strings.Compare(a.label, b.label) })
	return frames
}

func unpackParts(t *testing.T, text []byte) []part {
	t.Helper()
	var parts []part
	for len(text) > 0 {
		line, rest, _ := bytes.Cut(text, []byte("\n"))
		words := strings.SplitN(string(line), " ", 3)
		p := part{kind: words[0]}
		if p.kind == "module" {
			p.name = words[1]
		} else {
			n, err := strconv.Atoi(words[1])
			if err != nil {
				t.Fatal(err)
			}
			p.data, rest = rest[:n], rest[n:]
			if len(words) == 3 {
				p.name = words[2]
			}
		}
		parts = append(parts, p)
		text = rest
	}
	return parts
}

func packLayer(t *testing.T, frames []frame) []byte {
	t.Helper()
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	var out []byte
	for _, f := range frames {
		var text bytes.Buffer
		for _, p := range f.parts {
			switch p.kind {
			case "module":
				fmt.Fprintf(&text, "module %s\n", p.name)
			case "file":
				fmt.Fprintf(&text, "file %d %s\n%s", len(p.data), p.name, p.data)
			default:
				fmt.Fprintf(&text, "%s %d\n%s", p.kind, len(p.data), p.data)
			}
		}
		packed := z.EncodeAll(text.Bytes(), nil)
		label := fmt.Sprintf("%d %s", len(packed), f.label)
		out = append(out, 0x50, 0x2a, 0x4d, 0x18, byte(len(label)), byte(len(label)>>8), 0, 0)
		out = append(append(out, label...), packed...)
	}
	return out
}

// inOrder is a layer with its frames in one order: they are saved as they are ready, but
// damage has to fall into the same bytes each time.
func inOrder(t *testing.T, data []byte) []byte {
	t.Helper()
	var frames [][]byte
	for len(data) > 0 {
		n := 8 + (int(data[4]) | int(data[5])<<8)
		size, _, _ := strings.Cut(string(data[8:n]), " ")
		length, err := strconv.Atoi(size)
		if err != nil {
			t.Fatal(err)
		}
		frames, data = append(frames, data[:n+length]), data[n+length:]
	}
	slices.SortFunc(frames, bytes.Compare)
	return bytes.Join(frames, nil)
}

// of is the part of the n-th module that has the kind and the name, "" for any.
func of(t *testing.T, frames []frame, n int, kind, name string) *part {
	t.Helper()
	for _, f := range frames {
		if !strings.Contains(f.label, fmt.Sprintf("/m%d@", n)) {
			continue
		}
		for i, p := range f.parts {
			if p.kind == kind && (name == "" || p.name == name) {
				return &f.parts[i]
			}
		}
	}
	t.Fatalf("the layer has no %s %s of module %d", kind, name, n)
	return nil
}

// each changes all parts of a kind.
func each(frames []frame, kind string, edit func(*part)) []frame {
	for _, f := range frames {
		for i := range f.parts {
			if f.parts[i].kind == kind {
				edit(&f.parts[i])
			}
		}
	}
	return frames
}

// with adds files to the tree of the module in a frame.
func with(f frame, names ...string) frame {
	f.parts = slices.Clone(f.parts)
	for _, name := range names {
		f.parts = append(f.parts, part{"file", name, []byte("evil")})
	}
	return f
}

// TestAForgedLayerHarmsNobody replaces a layer by a well-formed one with other
// contents, on every store.
func TestAForgedLayerHarmsNobody(t *testing.T) {
	honest := mirrortest.Build(t, poisonModules()...)
	outside := filepath.Join(t.TempDir(), "outside")
	forged := []struct {
		name string
		// forge changes the frames; spared says that no module is harmed by it,
		// so that everything comes from the cache all the same.
		forge  func(t *testing.T, frames []frame) []frame
		spared bool
	}{
		{name: "a file is another one", forge: func(t *testing.T, frames []frame) []frame {
			of(t, frames, 3, "file", "m.go").data = []byte("package m\n\nfunc init() { panic(\"evil\") }\n")
			return frames
		}},
		{name: "all files are other ones", forge: func(_ *testing.T, frames []frame) []frame {
			return each(frames, "file", func(p *part) { p.data = []byte("package evil\n") })
		}},
		{name: "files are added", forge: func(_ *testing.T, frames []frame) []frame {
			for i := range frames {
				frames[i] = with(frames[i], "evil.go")
			}
			return frames
		}},
		{name: "two modules are swapped", forge: func(t *testing.T, frames []frame) []frame {
			a, b := of(t, frames, 1, "file", "data.bin"), of(t, frames, 2, "file", "data.bin")
			a.data, b.data = b.data, a.data
			return frames
		}},
		{name: "a zip stands for the files", forge: func(_ *testing.T, frames []frame) []frame {
			return each(frames, "file", func(p *part) { *p = part{kind: "zip", data: []byte("PK")} })
		}},
		{name: "a go.mod file requires something else", forge: func(_ *testing.T, frames []frame) []frame {
			return each(frames, "mod", func(p *part) {
				p.data = append(bytes.Clone(p.data), "\nrequire example.test/evil v1.0.0\n"...)
			})
		}},
		{name: "an info file is no JSON", forge: func(_ *testing.T, frames []frame) []frame {
			return each(frames, "info", func(p *part) { p.data = []byte("::error::not JSON\n") })
		}},
		{name: "an info file names another version", forge: func(_ *testing.T, frames []frame) []frame {
			return each(frames, "info", func(p *part) { p.data = []byte(`{"Version":"v9.9.9","Time":"2020-01-01T00:00:00Z"}`) })
		}},
		{name: "a module is added that nobody expects", spared: true, forge: func(_ *testing.T, frames []frame) []frame {
			return append(frames, frame{"example.test/evil@v1.0.0", []part{{kind: "module", name: "example.test/evil@v1.0.0"}, {"file", "evil.go", []byte("package evil\n")}}})
		}},
		{name: "a module is added to those without contents", spared: true, forge: func(_ *testing.T, frames []frame) []frame {
			return append(frames, frame{"*", []part{{kind: "module", name: "example.test/evil@v1.0.0"}, {"mod", "", []byte("module example.test/evil\n")}}})
		}},
		{name: "files lead out of the module", forge: func(_ *testing.T, frames []frame) []frame {
			for i, name := range []string{"../outside", "../../../outside", outside, "a/../../outside", `..\outside`, "c:outside"} {
				frames[i] = with(frames[i], name)
			}
			return frames
		}},
		{name: "a module comes twice, the second is evil", spared: true, forge: func(_ *testing.T, frames []frame) []frame {
			return append(frames, with(frames[3], "evil.go"))
		}},
		{name: "the layer is empty", forge: func(*testing.T, []frame) []frame { return []frame{{label: "*"}} }},
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
				c.kept.write(t, names[0], packLayer(t, tt.forge(t, unpackLayer(t, whole))))
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
		frames := unpackLayer(t, c.kept.read(t, names[0]))
		of(t, frames, 3, "file", "m.go").data = []byte("package evil")
		c.kept.write(t, names[0], packLayer(t, frames))
		if cache := at.spoiled(t, "a file that is another one"); len(cache.Rejected) != 1 {
			t.Errorf("%q were rejected, expected one module", cache.Rejected)
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
		{"it is of another format", func(honest string) string { return strings.Replace(honest, "modferry.index/2", "modferry.index/3", 1) }},
		{"it is cut", func(honest string) string { return honest[:len(honest)/2] }},
		{"its layer has an evil name", func(honest string) string { return strings.Replace(honest, "modferry-l2-", "../../modferry-l2-", 1) }},
		{"its layer is not there", func(honest string) string {
			return strings.Replace(honest, "modferry-l2-", "modferry-l2-0", 1)
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
				if strings.HasPrefix(name, "modferry-i2-") {
					c.kept.write(t, name, []byte(tt.index(string(c.kept.read(t, name)))))
				}
			}
			at.spoiled(t, tt.name)
			at.modferry(t, 0, "cache", "save")
			at.spoiled(t, tt.name+", after the next save")
		})
	}
}
