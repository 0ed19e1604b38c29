package imports_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/imports"
)

func problems(t *testing.T, g *imports.Graph, want ...imports.Problem) {
	t.Helper()
	if diff := cmp.Diff(want, g.Problems(), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	contexts := imports.Contexts{Own: 2, All: []imports.Context{{GOOS: "linux", GOARCH: "amd64"}, {GOOS: "linux", GOARCH: "amd64", Cgo: true}, {GOOS: "windows", GOARCH: "amd64"}}}
	g := imports.New(contexts, required(files{
		"a.go":         gofile("", "x.test/two/p", "none.test/a", "x.test/one/gone", "m/generated", "nonsense", "x.test/late/p"),
		"a_windows.go": gofile("", "none.test/windows"), // not the job's own
		"a_cgo.go":     gofile("//go:build cgo", "none.test/cgo"),
	}, "x.test", "x.test/two", "x.test/one", "x.test/late"))
	g.Root("m", true)
	g.Root("x.test/tool", false)
	problems(t, g, imports.Problem{Package: "none.test/a", By: "m", Own: true})
	g.Arrived(v("x.test"), files{"two/p/only_test.go": gofile(""), "one/a.go": gofile(""), "late/p/a.go": gofile("", "none.test/b")})
	g.Arrived(v("x.test/two"), files{"p/p.go": gofile("", "none.test/c")})
	g.Arrived(v("x.test/one"), files{"other/p.go": gofile("")})
	problems(t, g,
		imports.Problem{Package: "none.test/a", By: "m", Own: true},
		imports.Problem{Package: "none.test/b", By: "x.test/late/p"},
		imports.Problem{Package: "x.test/one/gone", By: "m", Own: true, Modules: []string{"x.test/one", "x.test"}},
		imports.Problem{Package: "x.test/tool", Modules: []string{"x.test"}},
		imports.Problem{Package: "x.test/two/p", By: "m", Own: true, Ambiguous: true, Modules: []string{"x.test", "x.test/two"}})
}

func TestWhatTheStandardLibraryMayHaveIsNoProblem(t *testing.T) {
	t.Parallel()
	g := imports.New(linux, required(files{"a.go": gofile("", "net/http", "net/url")}, "net", "net/url"))
	g.Root("m", true)
	g.Arrived(v("net"), files{"url/a.go": gofile("")})
	g.Arrived(v("net/url"), files{"a.go": gofile("")})
	problems(t, g)
}

func TestAnAbsentModuleIsNoProblem(t *testing.T) {
	t.Parallel()
	g := imports.New(linux, required(files{"a.go": gofile("", "x.test/a", "x.test/b/b")}, "x.test/a", "x.test/b", "x.test/c"))
	g.Root("m", true)
	g.Absent(v("x.test/a"))
	want(t, "missing", g.Missing(), "x.test/b")
	g.Arrived(v("x.test/b"), files{"b/b.go": gofile("", "x.test/c")})
	g.Absent(v("x.test/b")) // its bytes were wrong
	want(t, "missing", g.Missing(), "x.test/c")
	g.Arrived(v("x.test/c"), files{"c.go": gofile("")})
	want(t, "needed", g.Needed(), "x.test/a", "x.test/b", "x.test/c")
	problems(t, g)
	if g.Complete() {
		t.Error("complete without x.test/a")
	}
	g.Arrived(v("x.test/a"), files{"a.go": gofile("", "none.test/x")})
	g.Arrived(v("x.test/b"), files{"b/b.go": gofile("")})
	problems(t, g, imports.Problem{Package: "none.test/x", By: "x.test/a"})
	if !g.Complete() {
		t.Errorf("missing %v", g.Missing())
	}
}

// What wrong bytes made needed stays needed; what they imported is no problem of the
// right ones.
func TestAModuleArrivesAgain(t *testing.T) {
	t.Parallel()
	g := imports.New(linux, required(files{"a.go": gofile("", "x.test/a", "x.test/a/sub")}, "x.test/a", "x.test/b", "x.test/c", "x.test/a/sub"))
	g.Root("m", true)
	s := g.Arrived(v("x.test/a"), files{"a.go": gofile("", "x.test/b", "x.test/a/more"), "sub/sub.go": gofile("", "x.test/b/x")})
	want(t, "wrong", s.Modules, "x.test/b")
	g.Arrived(v("x.test/b"), files{})
	g.Arrived(v("x.test/a/sub"), files{"sub.go": gofile("")})
	problems(t, g,
		imports.Problem{Package: "x.test/a/more", By: "x.test/a", Modules: []string{"x.test/a"}},
		imports.Problem{Package: "x.test/a/sub", By: "m", Own: true, Ambiguous: true, Modules: []string{"x.test/a", "x.test/a/sub"}},
		imports.Problem{Package: "x.test/b", By: "x.test/a", Modules: []string{"x.test/b"}},
		imports.Problem{Package: "x.test/b/x", By: "x.test/a/sub", Modules: []string{"x.test/b"}})
	s = g.Arrived(v("x.test/a"), files{"a.go": gofile("", "x.test/c", "x.test/a/more"), "more/a.go": gofile("")})
	want(t, "right", s.Modules, "x.test/c")
	g.Arrived(v("x.test/c"), files{"c.go": gofile("")})
	problems(t, g) // nobody imports x.test/b any more
	want(t, "needed", g.Needed(), "x.test/a", "x.test/a/sub", "x.test/b", "x.test/c")
	if !g.Complete() {
		t.Errorf("missing %v", g.Missing())
	}
}

// meanwhile is files during whose reading something happens once.
type meanwhile struct {
	files
	happens func()
}

func (m *meanwhile) Package(dir string) ([]imports.File, bool) {
	if f := m.happens; f != nil {
		m.happens = nil
		f()
	}
	return m.files.Package(dir)
}

// While the files of a module are read, others may arrive in their place.
func TestAModuleArrivesAgainMeanwhile(t *testing.T) {
	t.Parallel()
	for name, absent := range map[string]bool{"again": false, "absent and again": true, "another one": false} {
		g := imports.New(linux, required(files{"a.go": gofile("", "x.test/a/p")}, "x.test/a", "x.test", "x.test/wrong", "x.test/right"))
		g.Root("m", true)
		var s imports.Step
		g.Arrived(v("x.test/a"), &meanwhile{files{"p/p.go": gofile("", "x.test/wrong")}, func() {
			if name == "another one" {
				g.Arrived(v("x.test"), files{"q/a.go": gofile("")})
			}
			if absent {
				g.Absent(v("x.test/a"))
			}
			s = g.Arrived(v("x.test/a"), files{"p/p.go": gofile("", "x.test/right")})
		}})
		want(t, name+": the goroutine that reads goes on", s.Modules)
		want(t, name, g.Needed(), "x.test", "x.test/a", "x.test/right")
		want(t, name+": providers", g.Providers(), "x.test/a")
		g.Arrived(v("x.test"), files{"q/a.go": gofile("")})
		g.Arrived(v("x.test/right"), files{"a.go": gofile("")})
		problems(t, g)
		if !g.Complete() {
			t.Errorf("%s: missing %v", name, g.Missing())
		}
	}
}

func TestOtherVersionsDoNotArrive(t *testing.T) {
	t.Parallel()
	g := imports.New(linux, required(files{"a.go": gofile("", "x.test/a")}, "x.test/a", "x.test/b"))
	g.Arrived(v("x.test/a"), files{"a.go": gofile("", "x.test/b")}) // before anybody asked for it
	s := g.Root("m", true)
	want(t, "asked, present or not", s.Modules, "x.test/a", "x.test/b")
	want(t, "provides", s.Providers, "x.test/a")
	g.Arrived(module.Version{Path: "x.test/b", Version: "v1.0.1"}, files{"b.go": gofile("")})
	g.Absent(module.Version{Path: "x.test/b", Version: "v1.0.1"})
	want(t, "missing", g.Missing(), "x.test/b")
}
