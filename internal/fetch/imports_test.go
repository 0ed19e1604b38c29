package fetch_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/fetch"
	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
)

// chain is a checkout that imports a.test, which imports b.test, which imports c.test;
// it requires d.test and e.test, too.
const chain = `
-- go.mod --
module m.test

go 1.21

require (
	a.test v1.0.0
	b.test v1.0.0
	c.test v1.0.0
	d.test v1.0.0
	e.test v1.0.0
)
-- p.go --
package p

import _ "a.test"
-- tagged.go --
//go:build tagged

package p

import _ "d.test"
-- a.test@v1.0.0/m.go --
package a

import _ "b.test"
-- b.test@v1.0.0/m.go --
package b

import _ "c.test"
-- c.test@v1.0.0/m.go --
package c
-- c.test@v1.0.0/deep.go --
//go:build deep

package c

import _ "d.test"
-- d.test@v1.0.0/m.go --
package d

import _ "e.test"
-- e.test@v1.0.0/m.go --
package e
`

func chained(t *testing.T, lines ...string) (importCase, *fetchtest.Bench) {
	t.Helper()
	c := readImportCase(t, []byte(strings.Join(lines, "\n")+chain))
	return c, c.bench(t)
}

// wantZips checks which modules have a zip in the module cache.
func wantZips(t *testing.T, b *fetchtest.Bench, modules ...string) {
	t.Helper()
	var want []string
	for _, m := range modules {
		want = append(want, m+"/@v/v1.0.0.zip")
	}
	if diff := gocmp.Diff(want, zips(t, b.ModCache), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("zips (-want +got):\n%s", diff)
	}
}

// remembered counts what runs have remembered in the module cache.
func remembered(t *testing.T, b *fetchtest.Bench) int {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(b.ModCache, "cache", "modferry", "imports", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

func TestWithoutGoFilesEverythingRequiredIsDownloaded(t *testing.T) {
	t.Parallel()
	c, b := chained(t)
	fetchtest.Remove(t, filepath.Join(b.Dir, "p.go"))
	fetchtest.Remove(t, filepath.Join(b.Dir, "tagged.go"))
	r := b.Run(c.fixtures.WriteProxy(t, t.TempDir()))
	fetchtest.WantOutcome(t, r, report.OK)
	wantZips(t, b, "a.test", "b.test", "c.test", "d.test", "e.test")
	if f := fetchtest.Found(r, "scope-build"); f == nil || f.File != "go.mod" {
		t.Errorf("found %+v, want scope-build", f)
	}
	if n := remembered(t, b); n != 0 {
		t.Errorf("%d sets are remembered, want none", n)
	}
}

// What wrong bytes import is downloaded as far as go.sum names it, and nothing is told
// of it; what the right ones import counts.
func TestImportsOfWrongBytes(t *testing.T) {
	t.Parallel()
	c, b := chained(t)
	other := mirrortest.Build(t, mirrortest.Module{Path: "a.test", Version: "v1.0.0", Files: map[string]string{
		"m.go": "package a\n\nimport (\n\t_ \"d.test\"\n\t_ \"none.test\"\n\t_ \"b.test/gone\"\n)\n",
	}}).Get("a.test", "v1.0.0")
	wrong := mirrortest.Start(t, mirrortest.Options{Fixtures: c.fixtures.With(other)})
	right := mirrortest.Start(t, mirrortest.Options{Fixtures: c.fixtures})
	r := b.Run(wrong.URL + "|" + right.URL)
	fetchtest.WantOutcome(t, r, report.OK)
	if wrong.Count("/a.test/@v/v1.0.0.zip") == 0 {
		t.Error("nobody sent wrong bytes")
	}
	if n := wrong.Count("/none.test/*") + right.Count("/none.test/*"); n > 0 {
		t.Errorf("mirrors were asked for none.test %d times", n)
	}
	wantZips(t, b, "a.test", "b.test", "c.test", "d.test", "e.test")
	if f := fetchtest.Found(r, "import-not-required"); f != nil {
		t.Errorf("found %+v", f)
	}
}

func TestTheNextRunOpensNoZip(t *testing.T) {
	t.Parallel()
	c, b := chained(t)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: c.fixtures})
	fetchtest.WantOutcome(t, b.Run(s.URL), report.OK)
	if n := remembered(t, b); n != 1 {
		t.Errorf("%d sets are remembered, want 1", n)
	}
	s.Forget()
	for _, a := range c.fixtures.All() {
		if name := b.File(a.Version, "zip"); slices.Contains([]string{"a.test", "b.test", "c.test"}, a.Path) {
			if err := os.Chmod(name, 0o666); err != nil {
				t.Fatal(err)
			}
			fetchtest.Write(t, name, "no zip") // as HasZip sees it, it is there
		}
	}
	r := b.Run(s.URL)
	fetchtest.WantOutcome(t, r, report.OK)
	var present []string
	for _, m := range r.Modules {
		present = append(present, m.Path+" "+m.Kind+" "+m.Source)
	}
	slices.Sort(present)
	want := []string{"a.test mod present", "a.test zip present", "b.test mod present", "b.test zip present", "c.test mod present", "c.test zip present"}
	if diff := gocmp.Diff(want, present); diff != "" {
		t.Errorf("second run (-want +got):\n%s", diff)
	}
	if got := s.Requests(); len(got) > 0 {
		t.Errorf("the mirror was asked for %v", got)
	}
	// What is remembered is no promise: what is gone is downloaded again.
	fetchtest.Remove(t, b.File(module.Version{Path: "c.test", Version: "v1.0.0"}, "zip"))
	fetchtest.WantOutcome(t, b.Run(s.URL), report.OK)
	if s.Count("*.zip") != 1 || s.Count("/c.test/*.zip") != 1 {
		t.Errorf("the mirror was asked for %v", s.Requests())
	}
}

func TestWhatIsRememberedIsOfTheseImports(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(t *testing.T, b *fetchtest.Bench){
		"an import": func(t *testing.T, b *fetchtest.Bench) {
			fetchtest.Write(t, filepath.Join(b.Dir, "more_test.go"), "package p\n\nimport _ \"d.test\"\n")
		},
		"a tag in GOFLAGS":  func(_ *testing.T, b *fetchtest.Bench) { b.Env["GOFLAGS"] = "-tags=tagged" },
		"a tag of modferry": func(_ *testing.T, b *fetchtest.Bench) { b.Values.Tags = "tagged" },
		"a platform": func(t *testing.T, b *fetchtest.Bench) {
			fetchtest.Write(t, filepath.Join(b.Dir, "p_windows.go"), "package p\n\nimport _ \"d.test\"\n")
			b.Values.Platforms = "windows"
		},
		"a tool": func(t *testing.T, b *fetchtest.Bench) {
			fetchtest.Write(t, filepath.Join(b.Dir, "go.mod"), "module m.test\n\ngo 1.24\n\ntool d.test\n\nrequire (\n\ta.test v1.0.0\n\tb.test v1.0.0\n\tc.test v1.0.0\n\td.test v1.0.0\n\te.test v1.0.0\n)\n")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, b := chained(t)
			proxy := c.fixtures.WriteProxy(t, t.TempDir())
			fetchtest.WantOutcome(t, b.Run(proxy), report.OK)
			wantZips(t, b, "a.test", "b.test", "c.test")
			change(t, b)
			fetchtest.WantOutcome(t, b.Run(proxy), report.OK)
			wantZips(t, b, "a.test", "b.test", "c.test", "d.test", "e.test")
			if n := remembered(t, b); n != 2 {
				t.Errorf("%d sets are remembered, want 2", n)
			}
		})
	}
}

// A set is remembered when it is known to be all: with every module there and go.sum
// lines for each.
func TestOnlyWholeSetsAreRemembered(t *testing.T) {
	t.Parallel()
	t.Run("a failed download", func(t *testing.T) {
		t.Parallel()
		c, b := chained(t)
		s := mirrortest.Start(t, mirrortest.Options{Fixtures: c.fixtures, Faults: []mirrortest.Rule{mirrortest.Always("/b.test/*.zip", mirrortest.Status(404))}})
		fetchtest.WantOutcome(t, b.Run(s.URL), report.Incomplete)
		if n := remembered(t, b); n != 0 {
			t.Errorf("%d sets are remembered, want none", n)
		}
		s.Heal()
		fetchtest.WantOutcome(t, b.Run(s.URL), report.OK)
		wantZips(t, b, "a.test", "b.test", "c.test")
	})
	t.Run("a missing line in go.sum", func(t *testing.T) {
		t.Parallel()
		c, b := chained(t, "nosum: b.test v1.0.0")
		proxy := c.fixtures.WriteProxy(t, t.TempDir())
		b.Run(proxy)
		wantZips(t, b, "a.test")
		if n := remembered(t, b); n != 0 {
			t.Errorf("%d sets are remembered, want none", n)
		}
		c.lines["nosum"] = nil
		fetchtest.Write(t, filepath.Join(b.Dir, "go.sum"), c.sum())
		fetchtest.WantOutcome(t, b.Run(proxy), report.OK)
		wantZips(t, b, "a.test", "b.test", "c.test")
	})
	t.Run("a refused import", func(t *testing.T) {
		t.Parallel()
		c, b := chained(t)
		proxy := c.fixtures.WriteProxy(t, t.TempDir())
		fetchtest.Write(t, filepath.Join(b.Dir, "bad.go"), "package p\n\nimport _ \"c.test/gone\"\n")
		for range 2 { // it is told again
			if f := fetchtest.Found(b.Run(proxy), "import-not-required"); f == nil || f.Found != "c.test/gone" {
				t.Errorf("found %+v", f)
			}
		}
		if n := remembered(t, b); n != 0 {
			t.Errorf("%d sets are remembered, want none", n)
		}
	})
}

func TestNotEverythingIsRemembered(t *testing.T) {
	t.Parallel()
	c, b := chained(t)
	dir := filepath.Join(b.ModCache, "cache", "modferry", "imports")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		fetchtest.Write(t, filepath.Join(dir, fmt.Sprint(i)), "")
	}
	fetchtest.WantOutcome(t, b.Run(c.fixtures.WriteProxy(t, t.TempDir())), report.OK)
	if n := remembered(t, b); n != 64 {
		t.Errorf("%d sets are remembered, want 64", n)
	}
}

func TestTwoRunsFollowImportsAtTheSameTime(t *testing.T) {
	t.Parallel()
	c, b := chained(t)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: c.fixtures})
	opened, err := b.Open(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			r, _ := fetch.Run(t.Context(), opened, nil)
			fetchtest.WantOutcome(t, r, report.OK)
			if len(r.Modules) != 6 {
				t.Errorf("%d files, want 6: %+v", len(r.Modules), r.Modules)
			}
		})
	}
	wg.Wait()
	wantZips(t, b, "a.test", "b.test", "c.test")
	b.Clean()
}

// The imports of what layers bring are followed as those of downloads.
func TestImportsOfWhatLayersBring(t *testing.T) {
	t.Parallel()
	c, b := chained(t)
	b.WithCache()
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: c.fixtures})
	fetchtest.WantOutcome(t, b.Run(s.URL), report.OK)
	if saved := b.Save(); saved.Layers != 1 || saved.Failed {
		t.Errorf("saved %+v", saved)
	}
	b.Afresh()
	s.Forget()
	fetchtest.WantOutcome(t, b.Run(s.URL), report.OK)
	wantZips(t, b, "a.test", "b.test", "c.test")
	if got := s.Requests(); len(got) > 0 {
		t.Errorf("the mirror was asked for %v", got)
	}
	b.Afresh()
	b.Values.Tags = "deep"
	fetchtest.WantOutcome(t, b.Run(s.URL), report.OK)
	wantZips(t, b, "a.test", "b.test", "c.test", "d.test", "e.test")
	if s.Count("*.zip") != 2 || s.Count("/d.test/*.zip") != 1 {
		t.Errorf("the mirror was asked for %v", s.Matching("*.zip"))
	}
}

// A link of the checkout that leads out of it is followed by nobody.
func TestALinkOutOfTheCheckoutIsNotFollowed(t *testing.T) {
	t.Parallel()
	c, b := chained(t)
	outside := filepath.Join(t.TempDir(), "outside.go")
	fetchtest.Write(t, outside, "package p\n\nimport _ \"d.test\"\n")
	for _, name := range []string{"link.go", "sub/link.go"} {
		name = filepath.Join(b.Dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(outside, name); err != nil {
			t.Skip(err)
		}
	}
	fetchtest.WantOutcome(t, b.Run(c.fixtures.WriteProxy(t, t.TempDir())), report.OK)
	wantZips(t, b, "a.test", "b.test", "c.test")
}
