package outside

import (
	"context"
	"slices"
	"sync"

	"golang.org/x/mod/module"
	"golang.org/x/sync/errgroup"

	"github.com/modferry/modferry/internal/download"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/worklist"
)

// Taken is a module of which files are to be taken.
type Taken struct {
	Module         module.Version
	Zip, Mod, Info bool
}

// Take finds the hashes of modules that are wanted as they are, whatever imports say.
// The error is this machine's, or that ctx ended.
func (f *Finder) Take(ctx context.Context, all []Taken) (*Found, error) {
	found := newFound()
	var mu sync.Mutex
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(lookups)
	for _, t := range all {
		g.Go(func() error {
			err := f.trust(gctx, t)
			var m worklist.Module
			if err == nil {
				m, err = f.module(gctx, t.Module)
			}
			if err == nil && t.Info && !t.Zip { // which comes with it
				err = f.bring(gctx, t.Module, download.KindInfo)
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				return f.failed(gctx, found, Arg{t.Module.Path, t.Module.Version}, err)
			}
			found.take(m, t)
			return nil
		})
	}
	err := g.Wait()
	f.finish(ctx, found)
	return found, err
}

// trust brings what no database is asked about, whose hash is that of the first bytes.
func (f *Finder) trust(ctx context.Context, t Taken) error {
	if f.unasked(t.Module.Path) == "" {
		return nil
	}
	if t.Zip {
		if err := f.bring(ctx, t.Module, report.KindZip); err != nil {
			return err
		}
	}
	if t.Mod {
		return f.bring(ctx, t.Module, report.KindMod)
	}
	return nil
}

// take wants the files of a module.
func (f *Found) take(m worklist.Module, t Taken) {
	if !t.Zip {
		m.Zip = ""
	}
	if !t.Mod {
		m.Mod = ""
	}
	f.Modules = append(f.Modules, m)
	if t.Zip {
		f.Always.Modules = append(f.Always.Modules, m.ID())
	}
	if t.Mod {
		f.Always.Providers = append(f.Always.Providers, m.ID())
	}
}

// finish adds what is known in the end.
func (f *Finder) finish(ctx context.Context, found *Found) {
	proofs, err := f.sums.Proofs(ctx)
	if err == nil { // else go commands can ask the database themselves
		found.Proofs = proofs
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	found.Items = append(found.Items, f.items...)
	slices.Sort(f.passed)
	found.Passed, found.SumDB = f.passed, f.sums.Report()
}
