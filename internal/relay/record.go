package relay

import (
	"slices"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/download"
	"github.com/modferry/modferry/internal/report"
)

const (
	// mostItems bounds what a result tells of, unless Options.Last does; a job has some
	// thousand.
	mostItems = 50_000
	// mostAttempts bounds what it tells of one of them, that may be asked for all day.
	mostAttempts = 50
)

// entry names an item in the result.
type entry struct {
	v    module.Version
	kind string
}

// record adds an item to the result, where it takes the place of an earlier one and its
// attempts: a go command asks twice for what it was refused, and again for what may
// change. What the go command goes on to get by itself has not failed.
func (r *Relay) record(it *download.Item) {
	if it.Onward && it.Record.Source == report.FromFailed {
		it.Record.Source = report.FromDeferred
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	of := entry{it.Mod, it.Kind}
	if n, ok := r.at[of]; ok {
		all := slices.Concat(r.items[n].Record.Attempts, it.Record.Attempts)
		it.Record.Attempts = all[max(len(all)-mostAttempts, 0):]
		r.items[n] = it
		return
	}
	if len(r.items) == r.o.Last {
		n := r.lost % len(r.items)
		old := r.items[n]
		delete(r.at, entry{old.Mod, old.Kind})
		r.items[n], r.at[of] = it, n
		r.lost++
		return
	}
	r.at[of] = len(r.items)
	r.items = append(r.items, it)
}
