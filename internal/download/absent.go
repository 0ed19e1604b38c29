package download

import (
	"cmp"
	"errors"
	"net"
	"time"

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
		return errors.As(fe, &dns) && dns.IsNotFound || errors.Is(fe, failure.ErrRefused)
	}
	return false
}

// refusal is that a mirror has not been there lately.
type refusal struct {
	last  *failure.Error // of the mirror, not of the file for which it was found out
	final bool           // in all rounds of some item
	at    time.Time
}

// stays is how long a program that stays goes by a refusal, in pauses of the circuit
// breaker: a run is over by the time that a mirror is back.
const stays = 10

// holds reports whether a refusal still counts.
func (e *Engine) holds(r refusal) bool {
	return !e.s.Options.Stays || time.Since(r.at) < stays*cmp.Or(e.s.Options.Pause, time.Second)
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
	final := was.final && e.holds(was) || t.tries >= min(rounds, e.s.Values.Retries+1)
	last := *fe
	last.URL = t.hop.Name()
	e.refusals[t.hop.Mirror] = refusal{&last, final, time.Now()}
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
			if !ok || !e.holds(was) || final && !was.final {
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
