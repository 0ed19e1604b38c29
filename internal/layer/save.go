package layer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"sync"

	"golang.org/x/mod/module"
	"golang.org/x/sync/errgroup"

	"github.com/modferry/modferry/internal/modcache"
	"github.com/modferry/modferry/internal/store"
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
	// again.
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
	// Reason says why nothing was saved; "" when something was.
	Reason string
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
	p := s.plan(x, have)
	if reason := s.refuse(p, have); reason != "" {
		return &Saved{Reason: reason}, nil
	}
	next := &Index{Layers: p.keep, Unused: p.unused}
	if x.Exact && len(p.write) == 0 && next.same(x) {
		return &Saved{Reason: "the cache has it all already"}, nil
	}
	out := &Saved{Kept: len(p.keep), Compact: p.compact}
	if err := s.writeLayers(ctx, p.write, have, next, out); err != nil {
		return nil, err
	}
	out.Index, err = s.writeIndex(ctx, next)
	if errors.Is(err, store.ErrExists) && out.Layers == 0 {
		return &Saved{Reason: "somebody else has saved the same"}, nil
	}
	if err != nil && !errors.Is(err, store.ErrExists) {
		return nil, err
	}
	return out, nil
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

// members are the files that the work list wants of a module.
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

// lacking is what of have no layer of keep holds.
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
	if len(s.List.Modules) == 0 {
		return "no modules are needed"
	}
	idle := setOf(p.unused)
	low := map[module.Version]bool{}
	for _, m := range s.List.Modules {
		low[module.Version{Path: m.Path, Version: m.Version}] = m.Low
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
		return fmt.Sprintf("the set is incomplete: %d files are missing, such as the %s; modferry fetch brings them", len(lacking), lacking[0])
	case len(have) == 0:
		return "the module cache has nothing of what the checkout needs"
	}
	return ""
}

// writeLayers writes the layers of a plan and lists them in next.
func (s *Saver) writeLayers(ctx context.Context, write [][]Member, have map[Member]int64, next *Index, out *Saved) error {
	layers := make([]Layer, len(write))
	mine := make([]bool, len(write)) // written by this save
	g, ctx := errgroup.WithContext(ctx)
	for i, members := range write {
		l := Layer{Name: layerName(members, s.Bad), Members: map[Member]int64{}}
		files := make([]source, len(members))
		for k, m := range members {
			l.Members[m] = have[m]
			l.Bytes += have[m]
			files[k] = source{Member: m, Size: have[m], Open: func() (io.ReadCloser, error) { return s.Cache.OpenFile(m.Module, m.Kind) }}
		}
		layers[i] = l
		g.Go(func() error {
			err := s.Store.Create(ctx, l.Name, func(w io.Writer) error {
				n, err := pack(ctx, w, files)
				layers[i].Bytes = n
				return err
			})
			if errors.Is(err, store.ErrExists) {
				// The same modules, saved by somebody else.
				if e, err := s.Store.Find(ctx, l.Name); err == nil && e.Size >= 0 {
					layers[i].Bytes = e.Size
				}
				return nil
			}
			if err == nil {
				mine[i] = true
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("save a layer: %w", err)
	}
	for i, l := range layers {
		next.Layers = append(next.Layers, l)
		if !mine[i] {
			out.Kept++
			continue
		}
		out.Layers++
		out.Files += len(write[i])
		out.Bytes += l.Bytes
	}
	return nil
}

// layerName is the name of a layer with these members: the hash of their
// names. When a layer of that name is known to be bad, the next one in line.
func layerName(members []Member, bad []string) string {
	for n := 0; ; n++ {
		lines := make([]string, len(members), len(members)+1)
		for i, m := range members {
			lines[i] = m.Name()
		}
		if n > 0 {
			lines = append(lines, "instead of bad layer "+strconv.Itoa(n))
		}
		if name := LayerPrefix + digest(lines, 16); !slices.Contains(bad, name) {
			return name
		}
	}
}

// writeIndex writes an index and returns its name. The error is
// store.ErrExists when the very same is there.
func (s *Saver) writeIndex(ctx context.Context, x *Index) (string, error) {
	data, err := x.encode()
	if err != nil {
		return "", err
	}
	name := KeyOf(s.List).String() + digest([]string{string(data)}, 8)
	err = s.Store.Create(ctx, name, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
	if err != nil {
		return name, fmt.Errorf("save the index: %w", err)
	}
	return name, nil
}

// same reports whether two indexes say the same.
func (x *Index) same(y *Index) bool {
	a, errA := x.encode()
	b, errB := y.encode()
	return errA == nil && errB == nil && bytes.Equal(a, b)
}
