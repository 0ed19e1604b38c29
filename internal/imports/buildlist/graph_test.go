package buildlist

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/module"
)

// The cases say in "want" what is selected, and in "read" which files are read.
func TestSelected(t *testing.T) {
	t.Parallel()
	for name, archive := range cases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCheckout(archive)
			g := c.graph(t)
			read := strings.Join(append(c.answer(t, g), ""), "\n")
			versions, err := g.Selected()
			if err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(c["want"], list(versions)); diff != "" {
				t.Errorf("selected (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c["read"], read); diff != "" {
				t.Errorf("read (-want +got):\n%s", diff)
			}
		})
	}
}

func v(path, version string) module.Version { return module.Version{Path: path, Version: version} }

// old is a main module before go 1.17.
func old(require ...module.Version) Main { return Main{Path: "e.test/main", Require: require} }

func add(t *testing.T, g *Graph, m module.Version, lines ...string) {
	t.Helper()
	if err := g.Add(m, []byte("module "+m.Path+"\n"+strings.Join(lines, "\n"))); err != nil {
		t.Error(err)
	}
}

func TestNeedsReturnsEveryFileOnce(t *testing.T) {
	t.Parallel()
	a, b, c := v("e.test/a", "v1.0.0"), v("e.test/b", "v1.0.0"), v("e.test/c", "v1.0.0")
	g := ForModule(old(b, a), nil)
	for _, step := range []struct {
		do   func()
		want []module.Version
	}{
		{func() {}, []module.Version{a, b}},
		{func() {}, nil},
		{func() { add(t, g, a, "require e.test/c v1.0.0") }, []module.Version{c}},
		{func() { add(t, g, b, "require e.test/c v1.0.0") }, nil},
		{func() { add(t, g, c, "require e.test/a v1.0.0") }, nil},
		{func() { add(t, g, c, "require e.test/d v1.0.0") }, nil},                       // a second answer
		{func() { add(t, g, v("e.test/x", "v1.0.0"), "require e.test/d v1.0.0") }, nil}, // nobody asked
	} {
		step.do()
		if diff := cmp.Diff(step.want, g.Needs()); diff != "" {
			t.Errorf("needs (-want +got):\n%s", diff)
		}
	}
	versions, err := g.Selected()
	if want := map[string]string{a.Path: a.Version, b.Path: b.Version, c.Path: c.Version}; err != nil || !cmp.Equal(want, versions) {
		t.Errorf("found %v, %v, expected %v", versions, err, want)
	}
}

func TestAnAnswerMayComeBeforeItIsAskedFor(t *testing.T) {
	t.Parallel()
	a := v("e.test/a", "v1.0.0")
	g := ForModule(old(a), nil)
	add(t, g, a)
	if needs := g.Needs(); len(needs) > 0 {
		t.Errorf("still needs %v", needs)
	}
	if _, err := g.Selected(); err != nil {
		t.Error(err)
	}
}

func TestNothingIsRequired(t *testing.T) {
	t.Parallel()
	for _, g := range []*Graph{ForModule(old(), nil), ForWorkspace(nil, nil), ForWorkspace([]Main{old(), {Path: "e.test/p"}}, nil)} {
		versions, err := g.Selected()
		if err != nil || len(versions) > 0 || len(g.Needs()) > 0 {
			t.Errorf("found %v, %v", versions, err)
		}
	}
}

func TestASelectionThatIsNotCertain(t *testing.T) {
	t.Parallel()
	a, fork := v("e.test/a", "v1.0.0"), v("e.test/fork", "v1.0.0")
	toFork := func(module.Version) module.Version { return fork }
	for _, tt := range []struct {
		name    string
		replace Replace
		act     func(*Graph) error
		want    string // of the error of Selected
		add     bool   // it is that of Add as well
	}{
		{"not read", nil, func(g *Graph) error { return nil }, "go.mod files of the module graph are not read yet: 1", false},
		{"missing", nil, func(g *Graph) error { g.Missing(a); return nil }, "the go.mod of e.test/a@v1.0.0 is missing", false},
		{"no go.mod", nil, func(g *Graph) error { return g.Add(a, []byte("<html>\n<p>\x1b[31m")) },
			`the go.mod of e.test/a@v1.0.0: go.mod:2:4: unexpected input character '\x1b'`, true},
		{"a branch as a version", nil, func(g *Graph) error { return g.Add(a, []byte("module e.test/a\nrequire e.test/b master\nrequire x y")) },
			`the go.mod of e.test/a@v1.0.0: go.mod:2: require e.test/b: version "master" invalid: must be of the form v1.2.3`, true},
		{"no module line", nil, func(g *Graph) error { return g.Add(a, nil) }, "the go.mod of e.test/a@v1.0.0 has no module line", true},
		{"another module", nil, func(g *Graph) error { return g.Add(a, []byte("module e.test/other")) },
			"the go.mod of e.test/a@v1.0.0 says that its module is e.test/other, but it is required as e.test/a", true},
		{"another module than its replacement", toFork, func(g *Graph) error { return g.Add(fork, []byte("module e.test/other")) },
			"the go.mod of e.test/fork@v1.0.0 says that its module is e.test/other, but it is required as e.test/a", true},
		{"too long", nil, func(g *Graph) error { return g.Add(a, make([]byte, maxFile+1)) },
			"the go.mod of e.test/a@v1.0.0 has 1048577 bytes, expected at most 1048576", true},
		{"a path that no mirror has", nil, func(g *Graph) error { return g.Add(a, []byte("module e.test/a\nrequire \"b\\n::error::\" v1.0.0")) },
			`b\n::error:: is required, but it is no module path: malformed module path "b\n::error::": invalid char '\n'`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := ForModule(old(a), tt.replace)
			g.Needs()
			err := tt.act(g)
			if _, got := g.Selected(); got == nil || got.Error() != tt.want {
				t.Errorf("Selected: found %v\nexpected %s", got, tt.want)
			}
			if added := err != nil; added != tt.add {
				t.Errorf("Add: %v", err)
			}
			if needs := g.Needs(); len(needs) > 0 {
				t.Errorf("still needs %v", needs)
			}
		})
	}
}

func TestSeveralFilesThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	a, b, c := v("e.test/a", "v1.0.0"), v("e.test/b", "v1.0.0"), v("e.test/c", "v1.0.0")
	g := ForModule(old(a, b, c), nil)
	g.Missing(c)
	g.Missing(b)
	add(t, g, a, "require e.test/b v1.1.0")
	g.Missing(v("e.test/b", "v1.1.0"))
	versions, err := g.Selected()
	if want := "the go.mod of e.test/b@v1.0.0 is missing, and 2 more go.mod files cannot be used"; err == nil || err.Error() != want {
		t.Errorf("found %v\nexpected %s", err, want)
	}
	if versions["e.test/b"] != "v1.1.0" {
		t.Errorf("selected %v", versions)
	}
}

// A replacement by a module keeps its own module line or takes the one of what it
// replaces, but one file cannot do the latter for two.
func TestOneReplacementForTwoModules(t *testing.T) {
	t.Parallel()
	fork := v("e.test/fork", "v1.0.0")
	for line, want := range map[string]string{
		"e.test/fork": "<nil>",
		"e.test/a":    "the go.mod of e.test/fork@v1.0.0 says that its module is e.test/a, but it is required as e.test/b",
	} {
		g := ForModule(old(v("e.test/a", "v1.0.0"), v("e.test/b", "v1.0.0")), func(module.Version) module.Version { return fork })
		_ = g.Add(fork, []byte("module "+line))
		if _, err := g.Selected(); fmt.Sprint(err) != want {
			t.Errorf("module %s: found %v", line, err)
		}
	}
}

func TestAGraphHasLimits(t *testing.T) {
	t.Parallel()
	tight := size{files: 30, bytes: 8000, requirements: 200, steps: 2000}
	many := func(path string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "require e.test/%s v1.%d.0\n", path, i)
		}
		return b.String()
	}
	one := func(m module.Version) module.Version { return v("e.test/one", "v1.0.0") }
	for _, tt := range []struct {
		name    string
		goLine  string
		replace Replace
		data    func(m module.Version, round int) string
		want    string
	}{
		{"files", "", nil, func(_ module.Version, round int) string { return many(fmt.Sprintf("m%d", round), 3) }, "30 go.mod files"},
		{"bytes", "", nil, func(_ module.Version, round int) string {
			return many(fmt.Sprintf("m%d", round), 1) + "// " + strings.Repeat("x", 900)
		}, "8000 bytes of go.mod files"},
		{"requirements", "1.17", nil, func(m module.Version, _ int) string { return "go 1.17\n" + many("m", 120) }, "200 requirements"},
		{"steps", "", one, func(module.Version, int) string { return many("m", 150) }, "2000 steps"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			main := old(v("e.test/a", "v1.0.0"), v("e.test/b", "v1.0.0"))
			main.Go = tt.goLine
			g := begin([]Main{main}, false, tt.replace, tight)
			var err error
			for round := 0; err == nil; round++ {
				needs := g.Needs()
				if len(needs) == 0 {
					t.Fatal("the graph has an end")
				}
				for _, m := range needs {
					if e := g.Add(m, []byte("module "+m.Path+"\n"+tt.data(m, round))); e != nil {
						err = e
					}
				}
			}
			want := "the module graph has more than " + tt.want
			if err.Error() != want {
				t.Errorf("Add: found %v\nexpected %s", err, want)
			}
			if _, err := g.Selected(); err == nil || err.Error() != want {
				t.Errorf("Selected: found %v\nexpected %s", err, want)
			}
			if needs := g.Needs(); len(needs) > 0 {
				t.Errorf("still needs %v", needs)
			}
		})
	}
	g := begin([]Main{old(slices.Repeat([]module.Version{v("e.test/a", "v1.0.0")}, 201)...)}, false, nil, tight)
	if _, err := g.Selected(); err == nil || len(g.Needs()) > 0 {
		t.Error("the requirements of the main module are not counted")
	}
}

func TestAnswersFromSeveralGoroutines(t *testing.T) {
	t.Parallel()
	for name, archive := range cases(t) {
		c := newCheckout(archive)
		g := c.graph(t)
		for needs := g.Needs(); len(needs) > 0; needs = g.Needs() {
			var wg sync.WaitGroup
			for _, m := range needs {
				wg.Go(func() {
					if err := g.Add(m, []byte(c[file(m)])); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		}
		if versions, err := g.Selected(); err != nil || list(versions) != c["want"] {
			t.Errorf("%s: found %v\n%s", name, err, list(versions))
		}
	}
}
