package fetch

import (
	"context"
	"slices"

	"github.com/modferry/modferry/internal/download"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/imports"
	"github.com/modferry/modferry/internal/modcache"
	"github.com/modferry/modferry/internal/preflight"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/store"
)

// Plan is what Run would do, as far as this machine knows without asking anybody.
type Plan struct {
	Present int // files that are in the module cache
	// Certain is what would be brought in any case. Possible are the zips that the
	// imports of packages which are not here may lead to.
	Certain, Possible []Planned
	// Cache is the store that would be asked first, as the settings name it,
	// redacted; "" for none.
	Cache string
}

// Planned is a module whose files are lacking.
type Planned struct {
	Path, Version string
	Zip           bool   // not its go.mod alone
	From          string // the mirrors in their order as in GOPROXY, redacted; "" leaves it to the go command
}

// MakePlan plans a run. Nothing is contacted, and nothing is written. The error is
// about this machine.
func MakePlan(ctx context.Context, s *session.Session) (Plan, error) {
	r, _ := begin(s, nil)
	defer r.close()
	r.planning = true
	if err := r.Confined("the module cache", r.Env.Get("GOMODCACHE")); err != nil {
		return Plan{}, err
	}
	var err error
	if r.cache, err = modcache.OpenForReading(r.Env.Get("GOMODCACHE")); err != nil {
		return Plan{}, err
	}
	t := &route{r: r}
	w := r.newWanted(t, nil)
	if err := w.look(ctx); err != nil {
		return Plan{}, err
	}
	may, err := w.may(ctx)
	if err != nil {
		return Plan{}, err
	}
	certain := map[*download.Item]bool{}
	for _, it := range t.waiting {
		certain[it] = true
	}
	may = slices.DeleteFunc(may, func(it *download.Item) bool { return certain[it] || it.Kind != report.KindZip })
	chain := preflight.Unprobed(s).Chain()
	p := Plan{Present: len(w.present), Certain: r.planned(chain, t.waiting)}
	if len(w.selecting) > 0 || slices.ContainsFunc(w.graphs, func(g *imports.Graph) bool { return !g.Complete() }) {
		p.Possible = r.planned(chain, may)
	}
	if s.Store.Kind != store.Off {
		p.Cache = s.Store.String()
	}
	return p, nil
}

// planned groups files by module.
func (r *run) planned(chain session.Chain, items []*download.Item) []Planned {
	at := map[string]int{}
	var all []Planned
	for _, it := range items {
		if it.Kind == download.KindInfo {
			continue // comes along, and is in no result
		}
		key := it.Mod.String()
		i, ok := at[key]
		if !ok {
			i = len(all)
			at[key] = i
			all = append(all, Planned{Path: it.Mod.Path, Version: it.Mod.Version, From: r.from(chain, it.Mod.Path)})
		}
		all[i].Zip = all[i].Zip || it.Kind == report.KindZip
	}
	slices.SortFunc(all, func(a, b Planned) int {
		return byModule(report.Module{Path: a.Path, Version: a.Version}, report.Module{Path: b.Path, Version: b.Version})
	})
	return all
}

// from is the part of the chain that may be asked for a module.
func (r *run) from(chain session.Chain, path string) string {
	hops := r.Access.Route(chain, path)
	if len(hops) == 0 {
		return ""
	}
	part := session.Chain{Hops: hops, End: goenv.Mirror}
	return part.List().Redacted()
}
