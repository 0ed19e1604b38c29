package download

import (
	"errors"
	"slices"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
)

// conclude says what became of an item that no hop supplied.
func (e *Engine) conclude(it *Item, tries []try) *failure.Error {
	if len(tries) == 0 {
		return e.unasked(it)
	}
	// The most telling failure stands for the item: wrong bytes before
	// everything, and a 404 only when there was nothing else (the go command
	// ranks likewise, modfetch/proxy.go: TryProxies).
	var worst *failure.Error
	var at *session.Hop
	for _, t := range tries {
		if t.last == nil {
			break // behind a failure that does not fall back
		}
		if worst == nil || weight(t.last.Class) >= weight(worst.Class) {
			worst, at = t.last, t.hop
		}
	}
	missing := worst.Class == failure.NotFound || worst.Class == failure.Gone
	it.Onward = e.chain.Load().End == goenv.Direct &&
		!slices.ContainsFunc(tries, func(t try) bool { return t.last == nil || content(t.last.Class) || !t.hop.Passes(t.last.Class) })
	switch {
	case missing && e.chain.Load().End == goenv.Direct && tries[len(tries)-1].over:
		return it.deferTo(failure.OnlyDirect, "no mirror has it; the go command will ask version control (direct)")
	default:
		it.fail(worst)
		if why := e.ended(it, at, at == tries[len(tries)-1].hop, worst.Class); why != "" {
			it.Record.Message += ". " + why
		}
	}
	return worst
}

// ended says why nobody was asked for an item after a failure at a mirror, of those
// that may be asked for it the last one or not; "" where nobody was left.
func (e *Engine) ended(it *Item, at *session.Hop, last bool, c failure.Class) string {
	if rule := e.s.Access.Rule(it.Mod.Path); last && slices.ContainsFunc(e.s.Chain.Hops, func(h *session.Hop) bool { return !rule.Allows(h) }) {
		return "The rule for " + rule.Modules + " (" + rule.Source + ") lets no other mirror be asked for it"
	}
	switch listed := e.s.Listed(); {
	case at.Passes(c) || at.Sep != goenv.Comma || last && e.chain.Load().End != goenv.Direct:
		return ""
	case c.Refusal() && listed:
		return "The refusal of " + at.Name() + " is final"
	case c.Refusal():
		return "After its comma the refusal of " + at.Name() + " is final"
	case listed:
		return "No other mirror is asked then; if " + at.Name() + " guards nothing, give it fall-through: any"
	}
	return "After its comma no other mirror is asked; if " + at.Name() + " guards nothing, write | instead"
}

func weight(c failure.Class) int {
	switch c {
	case failure.NotFound, failure.Gone:
		return 0
	case failure.HashMismatch, failure.UnsafeZip:
		return 2
	}
	return 1
}

// unasked is the fate of an item that no mirror may be asked for.
func (e *Engine) unasked(it *Item) *failure.Error {
	why := e.s.Access.Refuses(it.Mod.Path)
	switch {
	case e.s.Values.Offline:
		return it.Refuse("offline, and GOPROXY has no file:// mirror")
	case goenv.MatchPatterns(e.s.Access.NoProxy, it.Mod.Path) || goenv.MatchPatterns(e.s.Access.Private, it.Mod.Path):
		return it.deferTo(failure.Private, "private: left to the go command")
	case why != "":
		return it.Refuse(why)
	case e.chain.Load().End == goenv.Direct:
		return it.deferTo(failure.OnlyDirect, "the chain has no mirror; the go command will ask version control (direct)")
	}
	return it.fail(failure.New(failure.Disabled, "get", "", nil))
}

// fail notes the failure that stands for the item, and returns it.
func (it *Item) fail(fe *failure.Error) *failure.Error {
	it.Record.Source, it.Record.Class = report.FromFailed, fe.Class
	it.Record.Message = fe.Error()
	return fe
}

// Refuse is the fate of an item that a rule lets nobody be asked for: the go command
// must not go on to ask somebody else.
func (it *Item) Refuse(why string) *failure.Error {
	fe := failure.New(failure.Disabled, "", "", nil)
	fe.Detail = why
	return it.fail(fe)
}

// deferTo leaves the item to the go command.
func (it *Item) deferTo(class failure.Class, why string) *failure.Error {
	it.Onward = true
	it.Record.Source, it.Record.Class, it.Record.Message = report.FromDeferred, class, why
	return failure.New(class, "get", "", errors.New(why))
}
