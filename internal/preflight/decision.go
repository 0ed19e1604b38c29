// Package preflight probes all mirrors of a session at once, ranks them and
// chooses the chain, in words, too.
//
// Its main invariant: a probe tells no name that is private, and behind a
// gatekeeper none of the work list at all.
package preflight

import (
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/session"
)

// Candidate is a mirror of the session's chain with what its probe found.
type Candidate struct {
	*session.Hop
	Verdict *mirror.Verdict // nil: not probed, or not yet
	Asked   bool            // by a probe
	Late    bool            // had not answered a while after another mirror had
}

// Failing reports whether the probe found the mirror unusable. One that was
// only too slow for it, and then supplied files, is not.
func (c *Candidate) Failing() bool {
	return c.Verdict != nil && c.Verdict.Class != "" && !(c.Verdict.Limit != "" && c.Health.Counts().Files > 0)
}

// Usable reports whether the probe found the mirror in order.
func (c *Candidate) Usable() bool { return c.Verdict != nil && c.Verdict.Class == "" }

// Decision is the mirrors that were chosen, in order, all that there were to
// choose from, and why.
type Decision struct {
	Chosen, All []*Candidate
	Reasons     []string

	end goenv.Kind
}

// Chain is the chain that was chosen.
func (d Decision) Chain() session.Chain {
	c := session.Chain{End: d.end}
	for _, k := range d.Chosen {
		c.Hops = append(c.Hops, k.Hop)
	}
	return c
}

// AsConfigured decides nothing: every candidate of the session in its place.
func AsConfigured(s *session.Session) Decision {
	all := unprobed(s)
	return Decision{Chosen: all, All: all, end: s.Chain.End}
}

// Unprobed chooses the chain without any probe.
func Unprobed(s *session.Session) Decision {
	d := Decision{All: unprobed(s), end: s.Chain.End}
	d.Chosen, d.Reasons = choose(session.Configured, d.All)
	return d
}

func decide(s *session.Session, all []*Candidate) Decision {
	d := Decision{All: all, end: s.Chain.End}
	d.Chosen, d.Reasons = choose(s.Choice, all)
	return d
}

func unprobed(s *session.Session) []*Candidate {
	var all []*Candidate
	for _, h := range s.Chain.Hops {
		all = append(all, &Candidate{Hop: h})
	}
	return all
}
