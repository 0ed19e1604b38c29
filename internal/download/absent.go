package download

import (
	"errors"
	"net"
	"syscall"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/mirror"
)

// rounds are the attempts at each mirror after which a run ends in which nobody
// is there: nothing listens, there is no such host, or no network. The go
// command makes one, at once; whoever starts in this moment gets a second one.
const rounds = 2

// absent reports whether a failure says that nobody is there.
func absent(fe *failure.Error) bool {
	if fe == nil || fe.Status != 0 {
		return false
	}
	switch fe.Class {
	case failure.Refused, failure.Unreachable:
		return true
	case failure.NameLookup, failure.ProxyConnect:
		var dns *net.DNSError
		return errors.As(fe, &dns) && dns.IsNotFound || errors.Is(fe, syscall.ECONNREFUSED)
	}
	return false
}

// refusal is that a mirror has not been there lately.
type refusal struct {
	last  *failure.Error
	final bool // in all rounds of some item
}

// heard notes what the last attempt at a mirror says about whether it is there.
func (e *Engine) heard(t *try, fe *failure.Error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !absent(fe) {
		delete(e.refusals, t.hop.Mirror)
		return
	}
	was := e.refusals[t.hop.Mirror]
	e.refusals[t.hop.Mirror] = refusal{fe, was.final || t.tries >= min(rounds, e.s.Values.Retries+1)}
}

// deserted reports whether none of the mirrors that an item may be asked of is
// there; with final, whether that is so after all rounds, and then the tries have
// the failures. A directory that lacks the item makes no difference.
func (e *Engine) deserted(tries []try, final bool) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	found := map[*mirror.Mirror]*failure.Error{}
	for i := range tries {
		t := &tries[i]
		if !t.over || !t.hop.Local() {
			was, ok := e.refusals[t.hop.Mirror]
			if !ok || final && !was.final {
				return false
			}
			found[t.hop.Mirror] = was.last
		}
		if t.over && !t.hop.Passes(t.last.Class) || !t.over && t.hop.Protected() {
			break
		}
	}
	for i := range tries {
		if t := &tries[i]; final && t.last == nil {
			t.last = found[t.hop.Mirror]
		}
	}
	return len(found) > 0
}
