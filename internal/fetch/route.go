package fetch

import (
	"sync"

	"github.com/modferry/modferry/internal/download"
)

// route decides where an item that is lacking comes from: the layers that are being
// restored, or the mirrors.
type route struct {
	r *run
	// download is told what mirrors are to be asked for.
	download func(...*download.Item)

	mu      sync.Mutex
	decided bool             // it is known what layers have
	waiting []*download.Item // until then
	held    map[*download.Item]bool
	lacking map[*download.Item]bool // of those held
}

// take takes an item that is wanted and not in the module cache.
func (t *route) take(it *download.Item) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.held[it] {
		t.r.rec.expect(filesOf(it))
	}
	switch {
	case !t.decided:
		t.waiting = append(t.waiting, it)
	case t.held[it]:
		t.lacking[it] = true
	default:
		t.download(it)
	}
}

// holds reports whether a layer that is being restored may bring the item.
func (t *route) holds(it *download.Item) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.held[it]
}

// empty reports whether nothing was lacking so far.
func (t *route) empty() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.waiting) == 0
}

// decide says what layers are going to bring. What they have not need not wait for
// them, and what they may have need not wait for a mirror.
func (t *route) decide(held []*download.Item) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.decided = true
	t.held, t.lacking = make(map[*download.Item]bool, len(held)), map[*download.Item]bool{}
	for _, it := range held {
		t.held[it] = true
	}
	for _, it := range t.waiting {
		if t.held[it] {
			t.lacking[it] = true
		} else {
			t.download(it)
		}
	}
	t.waiting = nil
	for _, it := range held {
		if !t.lacking[it] {
			t.r.rec.expect(filesOf(it))
		}
	}
}

// restored says that layers bring nothing any more: what is still lacking comes
// from mirrors.
func (t *route) restored() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for it := range t.lacking {
		if it.Record.Source == "" {
			it.Record.StartMS = 0
			t.download(it)
		}
	}
	t.held, t.lacking = nil, nil
}
