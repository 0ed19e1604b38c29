package buildlist

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
)

// checkout is a workspace (go.work) or a main module (main/go.mod) with all
// that it may require: DIR/go.mod are directories, PATH@VERSION the go.mod files
// that a mirror has.
type checkout map[string]string

func newCheckout(a *txtar.Archive) checkout {
	c := make(checkout)
	for _, f := range a.Files {
		c[f.Name] = string(f.Data)
	}
	return c
}

func (c checkout) String() string {
	a := new(txtar.Archive)
	for _, name := range slices.Sorted(maps.Keys(c)) {
		a.Files = append(a.Files, txtar.File{Name: name, Data: []byte(c[name])})
	}
	return string(txtar.Format(a))
}

func (c checkout) workspace() bool { return c["go.work"] != "" }

// graph begins the graph of the checkout.
func (c checkout) graph(t testing.TB) *Graph {
	t.Helper()
	dirs := []string{"main"}
	var lines []replaceLine
	if c.workspace() {
		work, err := modfile.ParseWork("go.work", []byte(c["go.work"]), nil)
		if err != nil {
			t.Fatalf("%v\n%s", err, c)
		}
		dirs = nil
		for _, use := range work.Use {
			dirs = append(dirs, path.Clean(use.Path))
		}
		for _, r := range work.Replace {
			lines = append(lines, replaceLine{".", r})
		}
	}
	work := len(lines)
	var mains []Main
	for _, dir := range dirs {
		f, err := modfile.Parse(dir+"/go.mod", []byte(c[dir+"/go.mod"]), nil)
		if err != nil {
			t.Fatalf("%v\n%s", err, c)
		}
		m := Main{Path: f.Module.Mod.Path}
		if f.Go != nil {
			m.Go = f.Go.Version
		}
		for _, r := range f.Require {
			m.Require = append(m.Require, r.Mod)
		}
		for _, x := range f.Exclude {
			m.Exclude = append(m.Exclude, x.Mod)
		}
		mains = append(mains, m)
		for _, r := range f.Replace {
			lines = append(lines, replaceLine{dir, r})
		}
	}
	replace := func(m module.Version) module.Version {
		for _, lines := range [][]replaceLine{lines[:work], lines[work:]} {
			for _, old := range []module.Version{m, {Path: m.Path}} {
				for _, l := range lines {
					if l.Old == old {
						return l.to()
					}
				}
			}
		}
		return m
	}
	if c.workspace() {
		return ForWorkspace(mains, replace)
	}
	return ForModule(mains[0], replace)
}

type replaceLine struct {
	dir string // what directories are relative to
	*modfile.Replace
}

func (l replaceLine) to() module.Version {
	if l.New.Version != "" {
		return l.New
	}
	return module.Version{Path: path.Join(l.dir, l.New.Path)}
}

// file is the name of the go.mod file that a Graph means by m.
func file(m module.Version) string {
	if m.Version == "" {
		return m.Path + "/go.mod"
	}
	return m.String()
}

// answer gives the graph all that it needs and returns the names of the files.
func (c checkout) answer(t testing.TB, g *Graph) (read []string) {
	t.Helper()
	for needs := g.Needs(); len(needs) > 0; needs = g.Needs() {
		for _, m := range needs {
			read = append(read, file(m))
			data, ok := c[file(m)]
			if !ok {
				g.Missing(m)
			} else if err := g.Add(m, []byte(data)); err != nil {
				t.Logf("Add: %v", err)
			}
		}
	}
	slices.Sort(read)
	return read
}

// list renders versions as go list -m does.
func list(versions map[string]string) string {
	var b strings.Builder
	for _, p := range slices.Sorted(maps.Keys(versions)) {
		fmt.Fprintln(&b, p, versions[p])
	}
	return b.String()
}
