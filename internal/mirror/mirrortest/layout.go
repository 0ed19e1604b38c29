package mirrortest

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/module"
)

// Checkout describes the main module that WriteCheckout makes. The zero value
// requires everything.
type Checkout struct {
	Module string // its path; "" means example.test/main
	Go     string // its go line; "" means 1.21

	// Require are the modules of its go.mod, imported by its main package;
	// nil means all fixtures but those of ModOnly. All of them must be
	// fixtures.
	Require []module.Version
	// ModOnly are fixtures that only have a /go.mod line in go.sum, as those
	// of a pruned module graph have.
	ModOnly []module.Version
	// ExtraGoMod and ExtraGoSum are appended to the files as they are.
	ExtraGoMod, ExtraGoSum string
}

// WriteCheckout writes go.mod, go.sum and a main.go that builds with the
// fixtures into dir, which is made when it does not exist.
func (f *Fixtures) WriteCheckout(tb testing.TB, dir string, c Checkout) {
	tb.Helper()
	if c.Module == "" {
		c.Module = "example.test/main"
	}
	if c.Go == "" {
		c.Go = "1.21"
	}
	modOnly := map[module.Version]bool{}
	for _, v := range c.ModOnly {
		modOnly[v] = true
	}
	if c.Require == nil {
		for _, v := range f.Versions() {
			if !modOnly[v] {
				c.Require = append(c.Require, v)
			}
		}
	}

	var mod, sum, main strings.Builder
	fmt.Fprintf(&mod, "module %s\n\ngo %s\n\nrequire (\n", c.Module, c.Go)
	main.WriteString("package main\n\nimport (\n")
	for _, v := range c.Require {
		a := f.byVersion[v]
		if a == nil {
			tb.Fatalf("checkout requires %s, which is no fixture", v)
		}
		fmt.Fprintf(&mod, "\t%s %s\n", v.Path, v.Version)
		fmt.Fprintf(&main, "\t_ %q\n", v.Path)
		sum.WriteString(a.SumLines())
	}
	mod.WriteString(")\n" + c.ExtraGoMod)
	main.WriteString(")\n\nfunc main() {}\n")
	for _, v := range c.ModOnly {
		a := f.byVersion[v]
		if a == nil {
			tb.Fatalf("checkout names %s, which is no fixture", v)
		}
		fmt.Fprintf(&sum, "%s %s/go.mod %s\n", v.Path, v.Version, a.ModSum)
	}
	sum.WriteString(c.ExtraGoSum)

	write(tb, filepath.Join(dir, "go.mod"), []byte(mod.String()))
	write(tb, filepath.Join(dir, "go.sum"), []byte(sum.String()))
	write(tb, filepath.Join(dir, "main.go"), []byte(main.String()))
}

// WriteProxy lays the fixtures out in dir as a file mirror and returns its
// file:// URL.
func (f *Fixtures) WriteProxy(tb testing.TB, dir string) string {
	tb.Helper()
	lists := map[string]string{}
	for _, a := range f.All() {
		at := filepath.Join(dir, filepath.FromSlash(versionPath(tb, a.Version)))
		for _, kind := range []string{"zip", "mod", "info"} {
			write(tb, at+"."+kind, a.File(kind))
		}
		lists[filepath.Dir(at)] += a.Version.Version + "\n"
	}
	for at, text := range lists {
		write(tb, filepath.Join(at, "list"), []byte(text))
	}
	return FileURL(dir)
}

// FileURL is the file:// URL of an absolute path.
func FileURL(dir string) string {
	p := filepath.ToSlash(dir)
	if !strings.HasPrefix(p, "/") {
		p = "/" + p // C:/x
	}
	return (&url.URL{Scheme: "file", Path: p}).String()
}

// versionPath is the escaped path of a version's files below a mirror, without
// extension: "example.test/!upper/@v/v1.0.0".
func versionPath(tb testing.TB, v module.Version) string {
	tb.Helper()
	p, err := module.EscapePath(v.Path)
	if err != nil {
		tb.Fatal(err)
	}
	ver, err := module.EscapeVersion(v.Version)
	if err != nil {
		tb.Fatal(err)
	}
	return p + "/@v/" + ver
}

func write(tb testing.TB, name string, data []byte) {
	tb.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o666); err != nil {
		tb.Fatal(err)
	}
}
