package imports_test

import (
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/imports"
)

// world is a main module m with all modules that it requires, by path; no package is
// in two of them.
type world struct {
	modules  map[string]files
	roots    []string
	contexts imports.Contexts
}

func randomWorld(r *rand.Rand) world {
	w := world{modules: map[string]files{"m": {}}, contexts: imports.Contexts{Own: 1, All: []imports.Context{
		{GOOS: "linux", GOARCH: "amd64", Cgo: true}, {GOOS: "windows", GOARCH: "amd64"}, {GOOS: "darwin", GOARCH: "arm64", Tags: []string{"tools"}},
	}}}
	var modules, packages []string
	for i := range 10 + r.IntN(10) {
		p := fmt.Sprintf("x%d.test", i)
		if len(modules) > 0 && r.IntN(2) == 0 { // below another one
			p = path.Join(modules[r.IntN(len(modules))], string(rune('a'+r.IntN(3))))
		}
		if w.modules[p] == nil {
			modules = append(modules, p)
			w.modules[p] = files{}
		}
	}
	modules = append(modules, "m")
	in := map[string]string{}
	for range 50 {
		m := modules[r.IntN(len(modules))]
		p := m
		for range r.IntN(3) {
			p = path.Join(p, string(rune('a'+r.IntN(3))))
		}
		if _, ok := in[p]; !ok {
			in[p] = m
			packages = append(packages, p)
		}
	}
	heads := []string{"", "", "", "//go:build linux", "//go:build !linux", "//go:build cgo", "//go:build tools", "//go:build ignore"}
	names := []string{"a.go", "a_test.go", "b.go", "c_windows.go", "d_linux_test.go", "e_arm64.go"}
	for _, p := range packages {
		for range 1 + r.IntN(3) {
			var to []string
			for range r.IntN(4) {
				to = append(to, packages[r.IntN(len(packages))])
			}
			if r.IntN(5) == 0 {
				to = append(to, "fmt", "none.test/x")
			}
			dir := "."
			if p != in[p] {
				dir = p[len(in[p])+1:]
			}
			w.modules[in[p]][path.Join(dir, names[r.IntN(len(names))])] = gofile(heads[r.IntN(len(heads))], to...)
		}
		if in[p] == "m" {
			w.roots = append(w.roots, p)
		}
	}
	return w
}

// needs tells in the simplest way which modules a world needs and which of them
// provide packages: context by context, package by package.
func (w world) needs() (needed, providers []module.Version) {
	need, provide := map[string]bool{}, map[string]bool{}
	for _, x := range w.contexts.All {
		done := map[string]bool{}
		var visit func(p string, tests bool)
		visit = func(p string, tests bool) {
			key := fmt.Sprint(p, tests)
			if done[key] {
				return
			}
			done[key] = true
			for m, f := range w.modules {
				if m != p && !isBelow(p, m) {
					continue
				}
				need[m] = true
				dir := "."
				if p != m {
					dir = p[len(m)+1:]
				}
				all, has := f.Package(dir)
				provide[m] = provide[m] || has
				for _, file := range all {
					if (file.Test && !tests) || !file.Builds(x) {
						continue
					}
					for _, to := range file.Imports {
						visit(to, false)
					}
				}
			}
		}
		for _, p := range w.roots {
			visit(p, true)
		}
	}
	list := func(which map[string]bool) (all []module.Version) {
		for m, yes := range which {
			if yes && m != "m" {
				all = append(all, v(m))
			}
		}
		module.Sort(all)
		return all
	}
	return list(need), list(provide)
}

func isBelow(p, m string) bool { return len(p) > len(m) && p[:len(m)] == m && p[len(m)] == '/' }

// fetch brings what steps ask for, each module in a goroutine of its own.
type fetch struct {
	t    *testing.T
	w    world
	g    *imports.Graph
	wg   sync.WaitGroup
	mu   sync.Mutex
	step imports.Step // the sum of all
}

func (f *fetch) follow(s imports.Step) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.step.Modules = append(f.step.Modules, s.Modules...)
	f.step.Providers = append(f.step.Providers, s.Providers...)
	for i, m := range s.Modules {
		f.wg.Go(func() {
			if len(m.Path)%3 == i%2 { // wrong bytes come first, or it seems not to be there
				f.follow(f.g.Arrived(m, files{"no_darwin.go": gofile("")}))
				f.g.Absent(m)
			}
			f.follow(f.g.Arrived(m, f.w.modules[m.Path]))
			f.g.Missing()
			f.g.Problems()
		})
	}
}

// What a graph asks for does not depend on the order in which modules arrive.
func TestRandomGraphs(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		w := randomWorld(rand.New(rand.NewPCG(seed, 12)))
		needed, providers := w.needs()
		candidates := []imports.Candidate{{Path: "m", Local: w.modules["m"]}}
		for m := range w.modules {
			if m != "m" {
				candidates = append(candidates, imports.Candidate{Path: m, Module: v(m)})
			}
		}
		f := &fetch{t: t, w: w, g: imports.New(w.contexts, candidates)}
		for _, p := range w.roots {
			f.wg.Go(func() { f.follow(f.g.Root(p, true)) })
		}
		f.wg.Wait()
		for what, lists := range map[string][2][]module.Version{
			"needed": {needed, f.g.Needed()}, "told to be needed": {needed, f.step.Modules},
			"told to provide": {f.g.Providers(), f.step.Providers},
		} {
			got := slices.Clone(lists[1])
			module.Sort(got)
			if diff := cmp.Diff(lists[0], got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("seed %d, %s (-want +got):\n%s", seed, what, diff)
			}
		}
		for _, m := range providers { // wrong bytes may have provided more
			if !slices.Contains(f.g.Providers(), m) {
				t.Errorf("seed %d: %s does not provide", seed, m)
			}
		}
		if !f.g.Complete() || len(f.g.Missing()) > 0 {
			t.Errorf("seed %d: missing %v", seed, f.g.Missing())
		}
		for _, p := range f.g.Problems() {
			if p.Package != "none.test/x" {
				t.Errorf("seed %d: problem %+v", seed, p)
			}
		}
	}
}
