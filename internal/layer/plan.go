package layer

import (
	"fmt"
	"slices"
)

// What a save makes of the layers there are.
const (
	// mostLayers is how many layers an index may have before they are written
	// anew as one: each costs a request or two at every restore.
	mostLayers = 6
	// leastNeeded is the share of the layers' contents that must still be
	// needed; below it they are written anew.
	leastNeeded = 0.5
)

// plan is what a save writes and lists.
type plan struct {
	keep    []Layer
	write   []Member // as one layer
	missing []Member // needed, neither here nor in a kept layer
	compact bool
}

// plan chooses the layers to go on with and what to write.
func (s *Saver) plan(x *Index, have map[Member]bool) plan {
	need := map[Member]bool{}
	for _, sums := range []Sums{s.Need, s.Optional} {
		for m := range sums {
			need[m] = true
		}
	}
	good := slices.DeleteFunc(slices.Clone(x.Layers), func(l Layer) bool { return slices.Contains(s.Bad, l.Name) })
	p := plan{keep: good}
	if !x.Exact {
		// Of the same go.sum lines, other jobs need other modules, and all of
		// them go on with one index.
		picked := map[string]bool{}
		for _, pick := range (&Index{Layers: good}).Pick(need) {
			picked[pick.Layer.Name] = true
		}
		p.keep = slices.DeleteFunc(good, func(l Layer) bool { return !picked[l.Name] })
	}
	p.write = lacking(have, p.keep)
	if crowded(p.keep, need, len(p.write) > 0) {
		if keep := withOthers(p.keep, need, have); len(keep) < len(p.keep) {
			p.keep, p.compact = keep, true
			p.write = lacking(have, keep)
		}
	}
	held := union(p.keep)
	for m := range s.Need {
		if m.Kind != kindInfo && !have[m] && !held[m] {
			p.missing = append(p.missing, m)
		}
	}
	slices.SortFunc(p.missing, Member.compare)
	return p
}

// lacking is what no layer has, in order.
func lacking(have map[Member]bool, keep []Layer) []Member {
	held := union(keep)
	var fresh []Member
	for m := range have {
		if !held[m] {
			fresh = append(fresh, m)
		}
	}
	slices.SortFunc(fresh, Member.compare)
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
func withOthers(keep []Layer, need, have map[Member]bool) []Layer {
	return slices.DeleteFunc(slices.Clone(keep), func(l Layer) bool {
		for m := range l.Members {
			if need[m] && !have[m] {
				return false
			}
		}
		return true
	})
}

// refuse says why the set is not worth saving, "" if it is.
func (p plan) refuse(have map[Member]bool) string {
	switch {
	case len(p.missing) > 0:
		return fmt.Sprintf("the set is incomplete: %d files are missing, such as the %s; modferry fetch downloads them", len(p.missing), p.missing[0])
	case len(have) == 0:
		return "the module cache has none of the modules that the checkout needs"
	}
	return ""
}
