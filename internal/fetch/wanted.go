package fetch

import (
	"context"
	"slices"
	"sync"

	"golang.org/x/mod/module"
	"golang.org/x/sync/errgroup"

	"github.com/modferry/modferry/internal/download"
	"github.com/modferry/modferry/internal/imports"
	"github.com/modferry/modferry/internal/layer"
	"github.com/modferry/modferry/internal/outside"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/worklist"
)

// wanted is the files that a run is to have in the module cache: all of the work
// list or, with --scope imports, those of the modules that the import graph
// reaches, which become known as modules arrive. It is safe for concurrent use.
type wanted struct {
	r       *run
	modules map[module.Version]worklist.Module
	list    []module.Version // those that are not wanted for themselves alone
	beyond  *outside.Found   // nil for nothing beyond the work list
	looks   chan struct{}    // bounds the files that are looked at together
	route   *route           // of what is wanted and not in the module cache
	scoped  bool             // it is not the whole work list
	// wholeGraph says that the go command reads every go.mod of the module graph.
	wholeGraph bool
	known      known

	mu        sync.Mutex
	graphs    []*imports.Graph // of those whose versions are known
	selecting []*selecting
	goMods    map[module.Version]bool         // go.mod files that have their fate, and whether they are there
	items     map[layer.Member]*download.Item // whatever was wanted, or may be
	asked     map[layer.Member]bool
	present   []report.Module
	early     map[module.Version]*earlyFiles
}

func (r *run) newWanted(t *route, found *outside.Found) *wanted {
	w := &wanted{
		r: r, modules: make(map[module.Version]worklist.Module, len(r.List.Modules)), looks: make(chan struct{}, min(16, r.Room.Requests)), route: t,
		items: map[layer.Member]*download.Item{}, asked: map[layer.Member]bool{}, early: map[module.Version]*earlyFiles{}, goMods: map[module.Version]bool{},
	}
	for _, m := range r.List.Modules {
		w.modules[m.ID()] = m
		w.list = append(w.list, m.ID())
	}
	readings := r.List.Readings()
	if found != nil {
		w.add(found)
		readings = append(readings, found.Readings...)
	}
	for _, x := range readings {
		w.scoped = true
		w.wholeGraph = w.wholeGraph || x.WholeGraph
		if x.Selection != nil {
			w.selecting = append(w.selecting, &selecting{Reading: x})
		} else {
			w.graphs = append(w.graphs, x.Imports(nil))
		}
	}
	if len(w.selecting) == 0 {
		w.known = r.known(w.graphs)
	}
	return w
}

// look looks at the module cache, as far as the modules that are there tell what
// is wanted. The error is this machine's.
func (w *wanted) look(ctx context.Context) error {
	if s, ok := w.known.recall(); ok {
		w.graphs = nil
		return w.step(ctx, join(s, w.always()))
	}
	if !w.scoped {
		return w.step(ctx, join(w.everything(), w.always()))
	}
	s := w.always()
	for _, g := range w.graphs {
		s = join(s, imports.Step{Modules: g.Missing(), Providers: g.Providers()})
	}
	s = join(s, w.selected(module.Version{}, false)) // which go.mod files alone may tell
	if w.wholeGraph {
		s.Providers = append(s.Providers, w.everything().Providers...)
	}
	return w.step(ctx, s)
}

// everything is the whole work list.
func (w *wanted) everything() imports.Step {
	return imports.Step{Modules: w.list, Providers: w.list}
}

func join(a, b imports.Step) imports.Step {
	return imports.Step{Modules: slices.Concat(a.Modules, b.Modules), Providers: slices.Concat(a.Providers, b.Providers)}
}

// step looks for the files of what has become known to be wanted, and for those of
// what that leads to.
func (w *wanted) step(ctx context.Context, s imports.Step) error {
	g, ctx := errgroup.WithContext(ctx)
	w.follow(ctx, g, s)
	return g.Wait()
}

func (w *wanted) follow(ctx context.Context, g *errgroup.Group, s imports.Step) {
	for _, v := range s.Modules {
		if w.modules[v].Zip == "" {
			w.unsummed(v)
			w.absent(v)
			continue
		}
		w.want(ctx, g, v, report.KindZip)
	}
	for _, v := range s.Providers {
		if w.modules[v].Mod != "" {
			w.want(ctx, g, v, report.KindMod)
		}
		if w.wants(v) {
			w.want(ctx, g, v, download.KindInfo)
		}
	}
}

// wants reports whether the zip of a module is wanted, as far as is known.
func (w *wanted) wants(v module.Version) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked[layer.Member{Module: v, Kind: report.KindZip}]
}

// want looks for a file unless that is done.
func (w *wanted) want(ctx context.Context, g *errgroup.Group, v module.Version, kind string) {
	it, err := w.item(v, kind)
	if err != nil {
		g.Go(func() error { return err })
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if key := it.Member(); !w.asked[key] {
		w.asked[key], it.Read = true, w.scoped
		g.Go(func() error { return w.find(ctx, g, it) })
	}
}

// item is the item of a file of the work list, the same for each call.
func (w *wanted) item(v module.Version, kind string) (*download.Item, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	key := layer.Member{Module: v, Kind: kind}
	if it := w.items[key]; it != nil {
		return it, nil
	}
	it, err := download.NewItem(w.modules[v], kind)
	if err == nil {
		w.items[key] = it
	}
	return it, err
}

// find looks for an item in the module cache.
func (w *wanted) find(ctx context.Context, g *errgroup.Group, it *download.Item) error {
	if w.route.holds(it) {
		w.route.take(it)
		return nil
	}
	has, err := w.has(ctx, it)
	switch {
	case err != nil:
		return err
	case !has:
		w.route.take(it)
		return nil
	case it.Record.Source != "": // a layer had it before it was known to be wanted
	case it.Kind != download.KindInfo:
		it.Record.Source = report.FromPresent
		w.mu.Lock()
		w.present = append(w.present, it.Entry())
		w.mu.Unlock()
	}
	switch it.Kind {
	case report.KindZip:
		w.follow(ctx, g, w.arrive(it.Mod, w.r.cache.GoFiles(it.Mod)))
	case report.KindMod:
		w.follow(ctx, g, w.selected(it.Mod, true))
	}
	return nil
}

func (w *wanted) has(ctx context.Context, it *download.Item) (has bool, err error) {
	w.looks <- struct{}{}
	defer func() { <-w.looks }()
	err = session.Patiently(ctx, func() error {
		has, err = w.r.has(ctx, it)
		return err
	})
	return has, err
}

// arrive tells the graphs of the files of a module.
func (w *wanted) arrive(v module.Version, files imports.Files) imports.Step {
	var s imports.Step
	for _, g := range w.following() {
		s = join(s, g.Arrived(v, files))
	}
	return s
}

// absent tells the graphs that a module cannot be had.
func (w *wanted) absent(v module.Version) {
	for _, g := range w.following() {
		g.Absent(v)
	}
}

func (w *wanted) following() []*imports.Graph {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.graphs
}

// may returns the items of the work list that are not in the module cache: those
// that are wanted and those that may still be.
func (w *wanted) may(ctx context.Context) ([]*download.Item, error) {
	g, ctx := errgroup.WithContext(ctx)
	var mu sync.Mutex
	var all []*download.Item
	for v, m := range w.modules {
		for _, kind := range kinds(m) {
			it, err := w.item(v, kind)
			if err != nil {
				return nil, err
			}
			if it.Record.Source == report.FromPresent {
				continue
			}
			g.Go(func() error {
				has, err := w.has(ctx, it)
				mu.Lock()
				defer mu.Unlock()
				if !has {
					all = append(all, it)
				}
				return err
			})
		}
	}
	return all, g.Wait()
}

// brought are the items that were not in the module cache and are now, or are
// wanted there.
func (w *wanted) brought() []*download.Item {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []*download.Item
	for key, it := range w.items {
		if it.Record.Source != report.FromPresent && (w.asked[key] || it.Record.Source != "") {
			all = append(all, it)
		}
	}
	slices.SortFunc(all, func(a, b *download.Item) int { return byModule(a.Record, b.Record) })
	return all
}

// zips counts the modules whose zips builds and tests read, and those with a zip in the
// work list. Where imports were not followed, both are 0.
func (w *wanted) zips() (imported, required int) {
	if !w.scoped {
		return 0, 0
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for v, m := range w.modules {
		if m.Zip == "" {
			continue
		}
		required++
		if w.asked[layer.Member{Module: v, Kind: report.KindZip}] {
			imported++
		}
	}
	return imported, required
}

// complete reports whether the graphs can lead to nothing further, and can be
// remembered.
func (w *wanted) complete() bool {
	graphs := w.following()
	return w.known.key != "" && len(graphs) > 0 && !slices.ContainsFunc(graphs, func(g *imports.Graph) bool { return !g.Complete() })
}

// all is what was wanted.
func (w *wanted) all() imports.Step {
	w.mu.Lock()
	defer w.mu.Unlock()
	var s imports.Step
	for m := range w.asked {
		switch m.Kind {
		case report.KindZip:
			s.Modules = append(s.Modules, m.Module)
		case report.KindMod:
			s.Providers = append(s.Providers, m.Module)
		}
	}
	return s
}

// refused tells of the imports that the go command refuses, and reports whether
// there are any.
func (w *wanted) refused() bool {
	any := false
	for _, g := range w.following() {
		for _, f := range worklist.ImportFindings(g) {
			w.r.rec.note(f)
			any = true
		}
	}
	return any
}

// kinds are the files that are needed of a module.
func kinds(m worklist.Module) (all []string) {
	if m.Zip != "" {
		all = append(all, report.KindZip, download.KindInfo)
	}
	if m.Mod != "" {
		all = append(all, report.KindMod)
	}
	return all
}
