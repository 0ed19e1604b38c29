package outside

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/sync/errgroup"

	"github.com/modferry/modferry/internal/download"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/imports"
	"github.com/modferry/modferry/internal/imports/buildlist"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/sums"
	"github.com/modferry/modferry/internal/worklist"
)

// Found is what arguments and toolchains come to.
type Found struct {
	// Modules are those that may be read, with their hashes. Always says which are
	// wanted in any case; Readings tell which others. Without Readings it is all.
	Modules  []worklist.Module
	Always   imports.Step
	Readings []worklist.Reading
	// Unverifiable are the modules whose hash nobody knows, and why.
	Unverifiable map[module.Version]error
	// Items are the files that were brought on the way, and the arguments that lead to
	// nothing.
	Items []*download.Item
	// Passed is what was placed unverified, as the go command does, and why.
	Passed []string
	SumDB  *report.SumDB // nil while nobody needed it
	// Proofs are as sums.Proofs has them, of every module that was verified.
	Proofs map[string]map[string][]byte
}

// lookups is how many go.mod files and hashes are asked for at a time.
const lookups = 16

// Find finds what go install reads of arguments, and toolchains by name: go1.26.1.
// Whatever cannot be had is an item. everything wants all modules that the build lists
// have. The error is this machine's, or that ctx ended.
func (f *Finder) Find(ctx context.Context, args []Arg, toolchains []string, everything bool) (*Found, error) {
	found := newFound()
	var mu sync.Mutex
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(lookups)
	run := func(a Arg, find func(context.Context, *Found) error) {
		g.Go(func() error {
			one := newFound()
			err := find(gctx, one)
			mu.Lock()
			defer mu.Unlock()
			found.add(one)
			return f.failed(gctx, found, a, err)
		})
	}
	for _, a := range args {
		run(a, func(ctx context.Context, one *Found) error { return f.install(ctx, one, a, everything) })
	}
	for _, name := range toolchains {
		v := module.Version{Path: sums.Toolchain, Version: "v0.0.1-" + name + "." + runtime.GOOS + "-" + runtime.GOARCH}
		run(Arg{v.Path, v.Version}, func(ctx context.Context, one *Found) error {
			m, err := f.module(ctx, v)
			if err == nil {
				one.Modules, one.Always.Modules = []worklist.Module{m}, []module.Version{v}
			}
			return err
		})
	}
	err := g.Wait()
	f.finish(ctx, found)
	return found, err
}

func newFound() *Found { return &Found{Unverifiable: map[module.Version]error{}} }

func (f *Found) add(one *Found) {
	for _, m := range one.Modules {
		if !slices.ContainsFunc(f.Modules, func(n worklist.Module) bool { return m.ID() == n.ID() }) {
			f.Modules = append(f.Modules, m)
		}
	}
	f.Always.Modules = append(f.Always.Modules, one.Always.Modules...)
	f.Always.Providers = append(f.Always.Providers, one.Always.Providers...)
	f.Readings = append(f.Readings, one.Readings...)
	maps.Copy(f.Unverifiable, one.Unverifiable)
}

// failed notes an argument that leads to nothing. The error ends the search.
func (f *Finder) failed(ctx context.Context, found *Found, a Arg, err error) error {
	if err == nil {
		return nil
	}
	fe := failure.As(err)
	if ctx.Err() != nil || download.Local(fe.Class) {
		return fe
	}
	it := &download.Item{Mod: module.Version{Path: a.Path, Version: a.Query}, Kind: report.KindZip}
	var of *asked
	if errors.As(err, &of) {
		it.Record = of.it.Record
	}
	it.Record.Path, it.Record.Version, it.Record.Kind = a.Path, a.Query, report.KindZip
	if it.Record.Source != report.FromDeferred {
		it.Record.Source = report.FromFailed
		it.Record.Class, it.Record.Message = fe.Class, failure.Plain(err.Error())
	}
	found.Items = append(found.Items, it)
	return nil
}

// install finds what go install reads of an argument.
func (f *Finder) install(ctx context.Context, found *Found, a Arg, everything bool) error {
	v, err := f.target(ctx, a)
	if err != nil {
		return err
	}
	found.Always.Modules, found.Always.Providers = []module.Version{v}, []module.Version{v}
	data, err := f.goMod(ctx, v)
	if err != nil {
		return err
	}
	selected := map[string]string{v.Path: v.Version}
	goLine := ""
	if mod, err := modfile.Parse("go.mod", data, nil); err == nil && len(mod.Replace)+len(mod.Exclude) > 0 {
		// go install refuses it, so nobody reads what it requires.
	} else if selected, err = f.selected(ctx, v); err != nil {
		return err
	}
	if mod, err := modfile.ParseLax("go.mod", data, nil); err == nil && mod.Go != nil {
		goLine = mod.Go.Version
	}
	candidates, err := f.candidates(ctx, found, v, selected)
	if err != nil || everything {
		return err
	}
	contexts, err := f.s.Contexts(goLine)
	if err != nil {
		return failure.New(failure.Unknown, "follow imports", "", err)
	}
	found.Readings = []worklist.Reading{{Imports: func(map[string]string) *imports.Graph {
		g := imports.New(contexts, candidates)
		g.Root(a.Path, false)
		return g
	}}}
	return nil
}

// target is the module that has what an argument names: of those that there are, the
// one with the longest path that has such a package.
func (f *Finder) target(ctx context.Context, a Arg) (module.Version, error) {
	var without *module.Version
	var first error
	for _, p := range a.modules() {
		version, err := f.resolve(ctx, p, a.Query)
		if err != nil {
			if !nowhere(err) {
				return module.Version{}, err
			}
			if first == nil {
				first = err
			}
			continue
		}
		v := module.Version{Path: p, Version: version}
		if p == a.Path {
			return v, nil // its root need be no package: then it is the module that is meant
		}
		if err := f.bring(ctx, v, report.KindZip); err != nil {
			return v, err
		}
		if _, has := f.cache.GoFiles(v).Package(strings.TrimPrefix(a.Path, p+"/")); has {
			return v, nil
		}
		if without == nil {
			without = &v
		}
	}
	if without != nil {
		return *without, failure.New(failure.NotFound, "resolve", "", fmt.Errorf("module %s found, but does not contain package %s", without, path.Clean(a.Path)))
	}
	return module.Version{}, first
}

// selected is the build list of a module that is installed: the versions by path. It
// takes the module graph as far as the go command reads it.
func (f *Finder) selected(ctx context.Context, v module.Version) (map[string]string, error) {
	graph := buildlist.ForModule(buildlist.Main{Path: "modferry.invalid/install", Go: "1.21", Require: []module.Version{v}}, nil)
	for needs := graph.Needs(); len(needs) > 0; needs = graph.Needs() {
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(lookups)
		for _, m := range needs {
			g.Go(func() error {
				data, err := f.goMod(ctx, m)
				if err == nil {
					err = graph.Add(m, data)
				} else {
					graph.Missing(m)
				}
				return grave(ctx, err)
			})
		}
		if err := g.Wait(); err != nil {
			return nil, err
		}
	}
	selected, _ := graph.Selected() // as far as it is known: what is missing is told where it is wanted
	selected[v.Path] = v.Version
	return selected, nil
}

// grave is an error that ends the search, in contrast to one of a single module.
func grave(ctx context.Context, err error) error {
	if err != nil && (ctx.Err() != nil || download.Local(failure.As(err).Class)) {
		return err
	}
	return nil
}

// candidates looks up the hashes of the modules that may provide packages.
func (f *Finder) candidates(ctx context.Context, found *Found, target module.Version, selected map[string]string) ([]imports.Candidate, error) {
	var mu sync.Mutex
	var all []imports.Candidate
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(lookups)
	for p, version := range selected {
		v := module.Version{Path: p, Version: version}
		g.Go(func() error {
			if f.unasked(p) != "" && len(f.s.Access.Route(f.s.Chain, p)) > 0 {
				err := f.bring(ctx, v, report.KindZip)
				if err == nil {
					err = f.bring(ctx, v, report.KindMod)
				}
				if err := grave(ctx, err); err != nil {
					return err
				} // else module says what is lacking
			}
			m, err := f.module(ctx, v)
			if err != nil && v == target {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, imports.Candidate{Path: p, Module: v})
			found.Modules = append(found.Modules, m)
			if err != nil {
				found.Unverifiable[v] = err
			}
			return grave(ctx, err)
		})
	}
	return all, g.Wait()
}
