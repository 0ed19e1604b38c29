package imports_test

import (
	"testing"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/imports"
)

// key is the key of a graph over a main module m whose roots are all its packages.
func key(main files, c imports.Contexts, candidates ...imports.Candidate) string {
	g := imports.New(c, append([]imports.Candidate{{Path: "m", Local: main}}, candidates...))
	for _, p := range []string{"m", "m/b", "m/sub/c"} {
		if _, has := main.Package(map[string]string{"m": ".", "m/b": "b", "m/sub/c": "sub/c"}[p]); has {
			g.Root(p, true)
		}
	}
	return g.Key()
}

func TestKey(t *testing.T) {
	t.Parallel()
	main := files{"a.go": gofile("", "x.test/a", "fmt", "m/b"), "a_test.go": gofile("", "x.test/b"), "b/b.go": gofile("", "x.test/a")}
	a, b := imports.Candidate{Path: "x.test/a", Module: v("x.test/a")}, imports.Candidate{Path: "x.test/b", Module: v("x.test/b")}
	first := key(main, linux, a, b)
	if first == "" {
		t.Fatal("no key")
	}
	with := func(name, text string) files {
		f := files{}
		for n, t := range main {
			f[n] = t
		}
		if f[name] = text; text == "" {
			delete(f, name)
		}
		return f
	}
	windows := imports.Contexts{Own: 1, All: []imports.Context{{GOOS: "windows", GOARCH: "amd64", Go: 26}}}
	tagged := imports.Contexts{Own: 1, All: []imports.Context{{GOOS: "linux", GOARCH: "amd64", Go: 26, Tags: []string{"x"}}}}
	for _, tt := range []struct {
		what string
		key  string
		same bool
	}{
		{"once more", key(main, linux, a, b), true},
		{"candidates in another order", key(main, linux, b, a), true},
		{"no import of another package of the checkout", key(with("a.go", gofile("", "x.test/a")), linux, a, b), true},
		{"another import of the standard library", key(with("a.go", gofile("", "os", "x.test/a")), linux, a, b), true},
		{"a file that nobody builds", key(with("i.go", gofile("//go:build ignore", "x.test/c")), linux, a, b), true},
		{"an import more", key(with("a.go", gofile("", "x.test/a", "x.test/a/c")), linux, a, b), false},
		{"an import less", key(with("a_test.go", ""), linux, a, b), false},
		{"a candidate less", key(main, linux, a), false},
		{"another version", key(main, linux, a, imports.Candidate{Path: "x.test/b", Module: module.Version{Path: "x.test/b", Version: "v1.0.1"}}), false},
		{"a replacement", key(main, linux, a, imports.Candidate{Path: "x.test/b", Module: v("x.test/c")}), false},
		{"the platform", key(main, windows, a, b), false},
		{"a tag", key(main, tagged, a, b), false},
	} {
		if (tt.key == first) != tt.same || tt.key == "" {
			t.Errorf("%s: %q, at first %q; want the same: %t", tt.what, tt.key, first, tt.same)
		}
	}
	local := imports.Candidate{Path: "x.test/b", Module: module.Version{Path: "/dir"}, Local: files{"b.go": gofile("")}}
	if k := key(main, linux, a, local); k != "" {
		t.Errorf("a directory that replaces a module has the key %q, want none", k)
	}
}

// A module below the path of the main module is needed for the packages that the
// checkout itself has in its place.
func TestKeyOfPackagesThatTwoMayHave(t *testing.T) {
	t.Parallel()
	sub := imports.Candidate{Path: "m/sub", Module: v("m/sub")}
	with := key(files{"a.go": gofile(""), "sub/c/c.go": gofile("")}, linux, sub)
	without := key(files{"a.go": gofile("")}, linux, sub)
	if with == without {
		t.Error("the keys are the same, but one needs m/sub and the other does not")
	}
}

func TestKeyInEachContext(t *testing.T) {
	t.Parallel()
	both := imports.Contexts{All: []imports.Context{{GOOS: "linux", GOARCH: "amd64"}, {GOOS: "windows", GOARCH: "amd64"}}, Own: 1}
	a := imports.Candidate{Path: "x.test/a", Module: v("x.test/a")}
	if key(files{"a_linux.go": gofile("", "x.test/a"), "b.go": gofile("")}, both, a) == key(files{"a.go": gofile("", "x.test/a"), "b.go": gofile("")}, both, a) {
		t.Error("an import on linux has the key of one on linux and windows")
	}
}
