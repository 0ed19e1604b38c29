package imports_test

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/imports"
)

// files are the Go files of a module: by name, the text of each.
type files map[string]string

func (f files) Package(dir string) (all []imports.File, has bool) {
	for name, text := range f {
		if path.Dir(name) != dir || !strings.HasSuffix(name, ".go") {
			continue
		}
		has = true
		if file, err := imports.Read(path.Base(name), strings.NewReader(text)); err == nil && imports.IsGo(file.Name) {
			all = append(all, file)
		}
	}
	return all, has
}

// gofile is a Go file that imports the paths, below what head says.
func gofile(head string, paths ...string) string {
	return fmt.Sprintf("%s\n\npackage p\n\nimport (\n\t%s\n)\n", head, strings.Join(quoted(paths), "\n\t"))
}

func quoted(paths []string) (all []string) {
	for _, p := range paths {
		all = append(all, fmt.Sprintf("_ %q", p))
	}
	return all
}

// linux is one context that is the job's own.
var linux = imports.Contexts{All: []imports.Context{{GOOS: "linux", GOARCH: "amd64", Go: 26}}, Own: 1}

// v is a module at v1.0.0.
func v(path string) module.Version { return module.Version{Path: path, Version: "v1.0.0"} }

// required are candidates for a main module m with these files.
func required(main files, paths ...string) []imports.Candidate {
	all := []imports.Candidate{{Path: "m", Local: main}}
	for _, p := range paths {
		all = append(all, imports.Candidate{Path: p, Module: v(p)})
	}
	return all
}

func paths(mods []module.Version) (all []string) {
	for _, m := range mods {
		all = append(all, m.Path)
	}
	return all
}

func want(t *testing.T, what string, got []module.Version, paths_ ...string) {
	t.Helper()
	if diff := cmp.Diff(paths_, paths(got), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestEveryPrefixIsACandidate(t *testing.T) {
	t.Parallel()
	g := imports.New(linux, required(files{"a.go": gofile("", "x.test/a/b/c", "fmt", "net/http")}, "x.test/a", "x.test/a/b/c", "x.test/a/b", "x.test/a/bc", "y.test", "net"))
	s := g.Root("m", false)
	want(t, "the longest comes first", s.Modules, "x.test/a/b/c", "x.test/a/b", "x.test/a", "net")
	want(t, "nobody provides yet", s.Providers)
	s = g.Arrived(v("x.test/a/b/c"), files{"sub/x.go": gofile("")})
	s2 := g.Arrived(v("x.test/a/b"), files{"c/only_test.go": gofile("", "y.test/no")})
	want(t, "a directory with tests only is a package", s2.Providers, "x.test/a/b")
	want(t, "tests of dependencies do not count", slices.Concat(s.Modules, s2.Modules))
	want(t, "missing", g.Missing(), "net", "x.test/a")
	if g.Complete() {
		t.Error("complete without x.test/a")
	}
	g.Arrived(v("x.test/a"), files{"a.go": gofile("")})
	g.Arrived(v("net"), files{"a.go": gofile("")})
	want(t, "providers", g.Providers(), "x.test/a/b")
	want(t, "needed", g.Needed(), "net", "x.test/a", "x.test/a/b", "x.test/a/b/c")
	if !g.Complete() || len(g.Missing()) > 0 || len(g.Problems()) > 0 {
		t.Errorf("complete %t, missing %v, problems %+v", g.Complete(), g.Missing(), g.Problems())
	}
}

func TestProvidersAreToldOnce(t *testing.T) {
	t.Parallel()
	g := imports.New(linux, required(files{"a.go": gofile("", "x.test/a"), "b/b.go": gofile("", "x.test/a", "x.test/a/b")}, "x.test/a"))
	first, second := g.Root("m", true), g.Root("m/b", true)
	want(t, "asked once", slices.Concat(first.Modules, second.Modules), "x.test/a")
	s := g.Arrived(v("x.test/a"), files{"a.go": gofile("", "x.test/a/c"), "b/b.go": gofile(""), "c/c.go": gofile("")})
	want(t, "told once", s.Providers, "x.test/a")
	want(t, "not told again", g.Arrived(v("x.test/a"), files{"a.go": gofile(""), "b/b.go": gofile("")}).Providers)
}

func TestTestsOfRootsOnly(t *testing.T) {
	t.Parallel()
	main := files{
		"a.go": gofile("", "m/b", "x.test/a"), "a_test.go": gofile("", "x.test/test"),
		"b/b.go": gofile("", "m/c"), "b/b_test.go": gofile("", "x.test/b"), // imported and, later, built
		"c/c.go": gofile(""), "c/c_test.go": gofile("", "x.test/c"), // imported only
		"tool/t.go": gofile("", "x.test/tool"), "tool/t_test.go": gofile("", "x.test/no"),
	}
	g := imports.New(linux, required(main, "x.test/a", "x.test/test", "x.test/b", "x.test/c", "x.test/tool", "x.test/no"))
	s := g.Root("m", true)
	slices.SortFunc(s.Modules, func(a, b module.Version) int { return strings.Compare(a.Path, b.Path) })
	want(t, "of m", s.Modules, "x.test/a", "x.test/test")
	want(t, "of m/b", g.Root("m/b", true).Modules, "x.test/b")
	want(t, "of m/tool without tests", g.Root("m/tool", false).Modules, "x.test/tool")
	s = g.Arrived(v("x.test/a"), files{"a.go": gofile(""), "a_test.go": gofile("", "x.test/c")})
	want(t, "of a dependency", s.Modules)
	want(t, "needed", g.Needed(), "x.test/a", "x.test/b", "x.test/test", "x.test/tool")
}

func TestContextsAddUp(t *testing.T) {
	t.Parallel()
	both := imports.Contexts{All: []imports.Context{{GOOS: "linux", GOARCH: "amd64", Cgo: true}, {GOOS: "windows", GOARCH: "amd64"}}, Own: 1}
	g := imports.New(both, required(files{
		"a.go":         gofile("", "m/all"),
		"a_linux.go":   gofile("", "m/linux"),
		"a_windows.go": gofile("", "m/windows"),
		"all/a.go":     gofile(""), "all/w_windows.go": gofile("", "x.test/windows"), "all/p_plan9.go": gofile("", "x.test/no"),
		"linux/w_windows.go": gofile("", "x.test/no"), "linux/cgo.go": gofile("", "x.test/cgo", "C"), // on windows nobody imports it
		"windows/cgo.go": gofile("", "C", "x.test/no"), "windows/x.go": gofile("//go:build !linux", "x.test/notlinux", "m/linux/late"),
		"linux/late/a_linux.go": gofile("", "x.test/no"), "linux/late/a_amd64.go": gofile("", "x.test/late"),
		".hidden.go": gofile("", "x.test/no"), "_hidden.go": gofile("", "x.test/no"),
	}, "x.test/windows", "x.test/no", "x.test/cgo", "x.test/notlinux", "x.test/late"))
	g.Root("m", true)
	want(t, "needed", g.Needed(), "x.test/cgo", "x.test/late", "x.test/notlinux", "x.test/windows")
	if p := g.Problems(); len(p) > 0 {
		t.Errorf("problems %+v", p)
	}
}

func TestWhatIsNoImportPath(t *testing.T) {
	t.Parallel()
	main := files{"a.go": gofile("", ".", "..", "./b", "../x.test", "/x.test", "x.test/", "x.test//a", "x.test/../x.test", "", "C", "x.test/"+strings.Repeat("a", 1<<11))}
	g := imports.New(linux, required(main, "x.test", "C", "b"))
	g.Root("m", true)
	want(t, "needed", g.Needed())
	if p := g.Problems(); len(p) > 0 {
		t.Errorf("problems %+v", p)
	}
}

func TestDotlessPathsAndThoseBelowTheMainModule(t *testing.T) {
	t.Parallel()
	main := files{"a.go": gofile("", "corp/lib", "m/sub/a", "m/sub2", "fmt", "mm"), "sub2/a.go": gofile("")}
	g := imports.New(linux, required(main, "corp/lib", "m/sub", "mm"))
	g.Root("m", true)
	want(t, "needed", g.Needed(), "corp/lib", "m/sub", "mm")
	g.Arrived(v("m/sub"), files{"a/a.go": gofile("")})
	want(t, "providers", g.Providers(), "m/sub")
}

func TestReplacements(t *testing.T) {
	t.Parallel()
	dir := imports.Tree{Nested: true, FS: fstest.MapFS{
		"a.go":           {Data: []byte(gofile("", "x.test/of", "x.test/dir/nested/p"))},
		"a_test.go":      {Data: []byte(gofile("", "x.test/no"))},
		"nested/go.mod":  {Data: []byte("module n")},
		"nested/p/p.go":  {Data: []byte(gofile("", "x.test/no"))},
		"plain/go.mod/x": {}, // a directory is none
		"plain/a.go":     {Data: []byte(gofile("", "x.test/plain"))},
	}}
	g := imports.New(linux, []imports.Candidate{
		{Path: "m", Local: files{"a.go": gofile("", "x.test/old/p", "x.test/same/p", "x.test/dir", "x.test/dir/plain")}},
		{Path: "x.test/old", Module: v("x.test/new")},
		{Path: "x.test/same", Module: v("x.test/new")},
		{Path: "x.test/dir", Module: module.Version{Path: "/dir"}, Local: dir},
		{Path: "x.test/of", Module: v("x.test/of")}, {Path: "x.test/no", Module: v("x.test/no")}, {Path: "x.test/plain", Module: v("x.test/plain")},
	})
	g.Root("m", true)
	want(t, "needed", g.Needed(), "x.test/new", "x.test/of", "x.test/plain")
	s := g.Arrived(v("x.test/new"), files{"p/p.go": gofile("")})
	want(t, "told", s.Providers[:1], "x.test/new")
	want(t, "providers", g.Providers(), "x.test/new")
	if p := g.Problems(); len(p) != 0 { // the directory may come to have the package
		t.Errorf("problems %+v", p)
	}
}

func TestTree(t *testing.T) {
	t.Parallel()
	fs := fstest.MapFS{
		"a.go": {Data: []byte(gofile("", "a"))}, "_a.go": {Data: []byte(gofile("", "no"))}, "x.txt": {}, "dir.go/b.go": {},
		"hidden/_only.go": {}, "none/a.s": {}, "dirs/only.go/x": {}, "other/go.mod": {}, "other/deep/a.go": {},
	}
	for _, tt := range []struct {
		dir    string
		nested bool
		files  int
		has    bool
	}{
		{dir: ".", files: 1, has: true}, {dir: "hidden", has: true}, {dir: "none"}, {dir: "dirs"}, {dir: "absent"}, {dir: "../x"},
		{dir: "other/deep", files: 1, has: true}, {dir: "other/deep", nested: true}, {dir: ".", nested: true, files: 1, has: true},
	} {
		if f, has := (imports.Tree{FS: fs, Nested: tt.nested}).Package(tt.dir); len(f) != tt.files || has != tt.has {
			t.Errorf("%s, nested %t: %d files, %t; want %d, %t", tt.dir, tt.nested, len(f), has, tt.files, tt.has)
		}
	}
}
