package layer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"golang.org/x/mod/module"
	"golang.org/x/sync/errgroup"

	"github.com/modferry/modferry/internal/modcache"
	"github.com/modferry/modferry/internal/worklist"
)

// What a save makes of the layers there are.
const (
	// mostLayers is how many layers an index may have before they are written
	// anew as one: each costs a request or two at every restore.
	mostLayers = 6
	// leastNeeded is the share of the layers' bytes that must still be needed;
	// below it they are written anew.
	leastNeeded = 0.5
	// worthSplitting is from which size on, in bytes, modules that no job uses
	// get a layer of their own, so that a restore can do without it.
	worthSplitting = 1 << 20
)

// Saver adds what a module cache has of a work list to a store.
type Saver struct {
	Store Store
	Cache *modcache.Cache
	List  *worklist.List
	// Trees says that extracted trees tell which modules the jobs used: they
	// are the go command's doing, or were extracted because earlier jobs used
	// them.
	Trees bool
	// Bad are layers found to hold wrong bytes, or gone: they are not listed
	// again. Save adds those that it finds to be gone.
	Bad []string
}

// Saved is what a save did.
type Saved struct {
	Index   string // name of the index written, "" when none was
	Layers  int    // written
	Files   int    // in them
	Bytes   int64  // of the layers written
	Kept    int    // layers of other saves that the index goes on with
	Compact bool   // earlier layers were written anew
	// Reason says why nothing was saved; "" when something was. Fault says that
	// something should have been: the next job will miss it.
	Reason string
	Fault  bool
}

// Save writes what is new since the index x (nil when there is none): its
// layers, then a new index. An incomplete or empty set is not saved, and
// nothing is written when x says it all already; both are no errors.
//
// Errors are store.ErrDenied, those of the store, of the module cache, and
// ctx's.
func (s *Saver) Save(ctx context.Context, x *Index) (*Saved, error) {
	if x == nil {
		x = &Index{}
	}
	have, err := s.present(ctx)
	if err != nil {
		return nil, err
	}
	p, err := s.verified(ctx, x, have)
	if err != nil {
		return nil, err
	}
	if len(s.List.Modules) == 0 {
		return &Saved{Reason: "no modules are needed"}, nil
	}
	if reason := s.refuse(p, have); reason != "" {
		return &Saved{Reason: reason, Fault: true}, nil
	}
	next := &Index{Layers: p.keep, Unused: p.unused}
	if x.Exact && len(p.write) == 0 && next.same(x) {
		return &Saved{Reason: "the cache already has everything"}, nil
	}
	out := &Saved{Kept: len(p.keep), Compact: p.compact}
	if err := s.writeLayers(ctx, p.write, have, next, out); err != nil {
		return nil, err
	}
	name, mine, err := s.writeIndex(ctx, next)
	if err != nil {
		return nil, err
	}
	if !mine && out.Layers == 0 {
		return &Saved{Reason: "another job has already saved the same modules"}, nil
	}
	out.Index = name
	return out, nil
}

// verified is the plan of a save that goes on only with layers that are in the
// store: an index may be older than the last eviction.
func (s *Saver) verified(ctx context.Context, x *Index, have map[Member]int64) (plan, error) {
	for {
		p := s.plan(x, have)
		gone, err := s.gone(ctx, p.keep)
		if err != nil || len(gone) == 0 {
			return p, err
		}
		s.Bad = append(slices.Clone(s.Bad), gone...)
	}
}

// plan is what a save writes and lists.
type plan struct {
	keep    []Layer
	write   [][]Member // one layer each
	unused  []module.Version
	missing []Member // needed, neither here nor in a kept layer
	compact bool
	told    bool // unused comes from this job, too
}

// present finds the files of the work list that the module cache has, with
// their sizes.
func (s *Saver) present(ctx context.Context) (map[Member]int64, error) {
	have := map[Member]int64{}
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(16)
	for _, m := range s.List.Modules {
		g.Go(func() error {
			for _, f := range members(m) {
				has, err := s.has(ctx, m, f)
				if err != nil {
					return err
				}
				if !has {
					continue
				}
				file, err := s.Cache.OpenFile(f.Module, f.Kind)
				if errors.Is(err, fs.ErrNotExist) {
					continue
				}
				if err != nil {
					return err
				}
				info, err := file.Stat()
				file.Close()
				if err != nil {
					return err
				}
				mu.Lock()
				have[f] = info.Size()
				mu.Unlock()
			}
			return nil
		})
	}
	return have, g.Wait()
}

func members(m worklist.Module) []Member {
	v := module.Version{Path: m.Path, Version: m.Version}
	var out []Member
	if m.Mod != "" {
		out = append(out, Member{v, kindMod})
	}
	if m.Zip != "" {
		out = append(out, Member{v, kindInfo}, Member{v, kindZip})
	}
	return out
}

func (s *Saver) has(ctx context.Context, m worklist.Module, f Member) (bool, error) {
	switch f.Kind {
	case kindZip:
		return s.Cache.HasZip(ctx, f.Module, m.Zip)
	case kindMod:
		return s.Cache.HasMod(f.Module, m.Mod)
	}
	return s.Cache.HasInfo(f.Module), nil
}

// plan chooses the layers to go on with and what to write.
func (s *Saver) plan(x *Index, have map[Member]int64) plan {
	need := map[Member]bool{}
	for _, m := range s.List.Modules {
		for _, f := range members(m) {
			need[f] = true
		}
	}
	good := slices.DeleteFunc(slices.Clone(x.Layers), func(l Layer) bool { return slices.Contains(s.Bad, l.Name) })
	picked := map[string]bool{}
	for _, pick := range (&Index{Layers: good}).Pick(need) {
		picked[pick.Layer.Name] = true
	}
	p := plan{keep: slices.DeleteFunc(good, func(l Layer) bool { return !picked[l.Name] })}
	p.unused, p.told = s.unused(x)
	fresh := lacking(have, p.keep)
	if crowded(p.keep, need, len(fresh) > 0) {
		if keep := withOthers(p.keep, need, have); len(keep) < len(p.keep) {
			p.keep, p.compact = keep, true
			fresh = lacking(have, keep)
		}
	}
	p.write = split(fresh, p.unused, have)
	held := union(p.keep)
	for f := range need {
		if _, here := have[f]; !here && !held[f] {
			p.missing = append(p.missing, f)
		}
	}
	slices.SortFunc(p.missing, Member.compare)
	return p
}

func lacking(have map[Member]int64, keep []Layer) []Member {
	held := union(keep)
	var fresh []Member
	for f := range have {
		if !held[f] {
			fresh = append(fresh, f)
		}
	}
	return fresh
}

func union(layers []Layer) map[Member]bool {
	all := map[Member]bool{}
	for _, l := range layers {
		for m := range l.Members {
			all[m] = true
		}
	}
	return all
}

// crowded reports whether the layers should be written anew: there are too
// many, or they hold too much that nobody needs.
func crowded(keep []Layer, need map[Member]bool, more bool) bool {
	n := len(keep)
	if more {
		n++
	}
	var all, needed int64
	for _, l := range keep {
		for m, size := range l.Members {
			all += size
			if need[m] {
				needed += size
			}
		}
	}
	return n > mostLayers || float64(needed) < leastNeeded*float64(all)
}

// withOthers is the layers that hold something needed that is not here, and
// which therefore cannot be written anew.
func withOthers(keep []Layer, need map[Member]bool, have map[Member]int64) []Layer {
	return slices.DeleteFunc(slices.Clone(keep), func(l Layer) bool {
		for m := range l.Members {
			if _, here := have[m]; need[m] && !here {
				return false
			}
		}
		return true
	})
}

// split makes layers of the members: one for the zips that no job uses, if
// they are worth it, and one for everything else.
func split(fresh []Member, unused []module.Version, have map[Member]int64) [][]Member {
	idle := setOf(unused)
	var use, rest []Member
	var bytes int64
	for _, f := range fresh {
		if f.Kind == kindZip && idle[f.Module] {
			rest = append(rest, f)
			bytes += have[f]
		} else {
			use = append(use, f)
		}
	}
	if bytes < worthSplitting {
		use, rest = append(use, rest...), nil
	}
	var out [][]Member
	for _, part := range [][]Member{use, rest} {
		if len(part) > 0 {
			slices.SortFunc(part, Member.compare)
			out = append(out, part)
		}
	}
	return out
}

func setOf(modules []module.Version) map[module.Version]bool {
	set := make(map[module.Version]bool, len(modules))
	for _, m := range modules {
		set[m] = true
	}
	return set
}

// unused is the modules that no job used so far; nil means that nobody knows.
// It also says whether this job's trees tell what it used.
func (s *Saver) unused(x *Index) ([]module.Version, bool) {
	before := x.Unneeded()
	known := x.zipPaths() // what earlier jobs had
	now, then := []module.Version{}, []module.Version{}
	tells := false
	for _, m := range s.List.Modules {
		if m.Zip == "" {
			continue
		}
		v := module.Version{Path: m.Path, Version: m.Version}
		if before != nil && before(v) {
			then = append(then, v)
		}
		switch {
		case s.Trees && s.Cache.Extracted(v):
			tells = true
		case before == nil || before(v) || !known[m.Path]:
			now = append(now, v)
		}
	}
	switch {
	case tells:
		return now, true
	case before == nil:
		return nil, false
	}
	return then, false
}

// refuse says why the set is not worth saving, "" if it is.
func (s *Saver) refuse(p plan, have map[Member]int64) string {
	idle := setOf(p.unused)
	low := map[module.Version]bool{}
	for _, m := range s.List.Modules {
		low[module.Version{Path: m.Path, Version: m.Version}] = m.Optional
	}
	var lacking []Member
	for _, f := range p.missing {
		switch {
		case f.Kind == kindInfo, f.Kind == kindZip && idle[f.Module]:
		case f.Kind == kindMod && (low[f.Module] || p.told):
			// A build has run, so what it did not ask for is not needed.
		default:
			lacking = append(lacking, f)
		}
	}
	switch {
	case len(lacking) > 0:
		return fmt.Sprintf("the set is incomplete: %d files are missing, such as the %s; modferry fetch downloads them", len(lacking), lacking[0])
	case len(have) == 0:
		return "the module cache has none of the modules that the checkout needs"
	}
	return ""
}

func (x *Index) same(y *Index) bool {
	a, errA := x.encode()
	b, errB := y.encode()
	return errA == nil && errB == nil && bytes.Equal(a, b)
}
