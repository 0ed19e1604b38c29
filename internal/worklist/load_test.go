package worklist

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		monorepo,
		"-- go.mod --\nmodule m.test\ngo 1.22\nrequire x.test v1.0.0 // indirect\n-- go.sum --\nx.test v1.0.0 h1:x\nx.test v1.0.0/go.mod h1:y\n",
		"-- go.mod --\nmodule m.test\ngo 1.16\nreplace x.test => y.test v1.0.0\n-- go.sum --\ny.test v1.0.0 h1:x\n",
		"-- go.work --\ngo 1.23\nuse ./a\nreplace x.test => ./b\n-- go.work.sum --\nx.test v1.0.0 h1:x\n-- a/go.mod --\nmodule m.test\nrequire x.test v1.0.0\n",
		"-- go.mod --\nmodule m.test\ngo 1.22\n-- vendor/modules.txt --\n## workspace\n",
		"-- go.mod --\nmodule m.test\n<<<<<<< HEAD\n",
	} {
		for _, modules := range []string{"", "./...", "a,*/b"} {
			f.Add(seed, modules, "-mod=readonly", true)
			f.Add(seed, modules, "", false)
		}
	}
	f.Fuzz(func(t *testing.T, archive, modules, goflags string, all bool) {
		if !writable(unpack(archive)) {
			t.Skip("not a checkout")
		}
		l, err := Load(checkout(t, archive), Options{Modules: modules, GOFLAGS: goflags, All: all})
		if err != nil {
			checkInputError(t, err)
			return
		}
		if !slices.IsSortedFunc(l.Modules, Module.compare) {
			t.Error("not sorted")
		}
		for i, m := range l.Modules {
			if i > 0 && m.compare(l.Modules[i-1]) == 0 {
				t.Errorf("%s %s repeats", m.Path, m.Version)
			}
			if m.Zip == "" && m.Mod == "" || m.Optional && m.Zip != "" {
				t.Errorf("%+v", m)
			}
		}
		checkPositions(t, l)
	})
}

// writable reports whether the files of a fixture can be written: names stay
// inside its directory, and none is the directory of another.
func writable(files map[string]string) bool {
	seen := make(map[string]bool)
	for name := range files {
		clean := strings.ToLower(filepath.Clean(name))
		if !filepath.IsLocal(name) || clean == "." || len(name) > 100 || strings.ContainsRune(name, 0) || seen[clean] {
			return false
		}
		seen[clean] = true
	}
	for name := range seen {
		for dir := filepath.Dir(name); dir != "."; dir = filepath.Dir(dir) {
			if seen[dir] {
				return false
			}
		}
	}
	return len(files) <= 20
}

// BenchmarkLoad reads a checkout of the size of a large project: 300 requires
// and a go.sum of 1,700 lines.
func BenchmarkLoad(b *testing.B) {
	var mod, sum strings.Builder
	mod.WriteString("-- go.mod --\nmodule m.test\ngo 1.24.0\nrequire (\n")
	sum.WriteString("-- go.sum --\n")
	for i := range 1400 {
		path, version := fmt.Sprintf("example.test/owner/module-%d", i), "v1.2.3"
		if i < 300 {
			fmt.Fprintf(&mod, "\t%s %s\n", path, version)
			fmt.Fprintf(&sum, "%s %s %s\n", path, version, longHash(path))
		}
		fmt.Fprintf(&sum, "%s %s/go.mod %s\n", path, version, longHash(path+"/go.mod"))
	}
	mod.WriteString(")\n")
	dir := checkout(b, mod.String()+sum.String())
	b.ReportAllocs()
	for b.Loop() {
		l, err := Load(dir, Options{})
		if err != nil {
			b.Fatal(err)
		}
		if len(l.Modules) != 1400 {
			b.Fatalf("%d modules", len(l.Modules))
		}
	}
}
