// Package preflight probes all mirrors of a session at once, ranks them and
// chooses the chain, in words, too.
//
// Its main invariant: a probe tells no name that is private, and behind a
// gatekeeper none of the work list at all.
package preflight

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

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
	stays   bool            // whatever the probe found: the session outlives a failure
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
	return decide(s, session.Configured, unprobed(s))
}

func decide(s *session.Session, how session.Choice, all []*Candidate) Decision {
	d := Decision{All: all, end: s.Chain.End}
	d.Chosen, d.Reasons = choose(how, all, s.Access, s.Listed())
	if why := regional(s.Values.Region, all); why != "" {
		d.Reasons = append([]string{why}, d.Reasons...)
	}
	// Those who wrote no separator are not told what became of it.
	if s.Env.Said("GOPROXY") && slices.ContainsFunc(d.Chosen, func(h *Candidate) bool { return h.Written == goenv.Comma && h.Sep == goenv.Pipe }) {
		d.Reasons = append(d.Reasons, "| after a mirror of the public catalogue (or under --fallback any): any failure falls back to the next mirror, not only 404 and 410")
	}
	return d
}

// regional says what the region of the job does to the order; "" for nothing.
func regional(region string, all []*Candidate) string {
	near := func(c *Candidate) bool { return c.Tier == session.Near }
	behind := func(c *Candidate) bool { return c.Tier == session.Somewhere || c.Tier == session.Far }
	switch {
	case region == "" || !slices.ContainsFunc(all, behind):
		return ""
	case !slices.ContainsFunc(all, near):
		return "no mirror is of the region " + region
	}
	return "mirrors of the region " + region + " stand first"
}

func unprobed(s *session.Session) []*Candidate {
	var all []*Candidate
	for _, h := range s.Chain.Hops {
		all = append(all, &Candidate{Hop: h, stays: s.Options.Stays})
	}
	return all
}

// choose decides on the chain from the verdicts, in words, too. It keeps the
// configured order but for public mirrors under auto and cn, which are ranked
// among themselves; it drops dead mirrors, but never one whose failures do not
// fall back, and never the last mirror of a group, which is those that some modules may
// be asked of. A listed chain is one of a configuration file, without separators.
func choose(how session.Choice, all []*Candidate, access session.Access, listed bool) ([]*Candidate, []string) {
	var reasons []string
	say := func(format string, args ...any) { reasons = append(reasons, fmt.Sprintf(format, args...)) }

	hops := slices.Clone(all)
	slices.SortStableFunc(hops, func(a, b *Candidate) int { return cmp.Compare(a.Tier, b.Tier) })

	kept := make([]*Candidate, 0, len(hops))
	groups := access.Groups()
	var dead []*Candidate
	for _, h := range hops {
		switch {
		case !h.Failing():
			if h.Added && h.Verdict != nil && h.Verdict.Has == 0 {
				say("%s is left out: it has none of the samples", h.Name())
				continue
			}
			kept = append(kept, h)
		case h.Protected() && !h.Added:
			kept = append(kept, h)
			say("%s is failing (%s) but stays: %s", h.Name(), h.Verdict.Class.Title(), whyItStays(h, all, access, listed))
		case h.stays && !h.Added:
			say("%s is failing (%s) but stays, for it may come back", h.Name(), h.Verdict.Class.Title())
			kept = append(kept, h)
		default:
			dead = append(dead, h)
		}
	}
	// With every mirror dead that some module may be asked of, the configured chain is
	// the best guess: a network that is down for a moment must not cost the job its
	// mirrors.
	for _, g := range groups {
		in := func(h *Candidate) bool { return g(h.Hop) }
		lost := func(h *Candidate) bool { return in(h) && !h.Added && slices.Contains(dead, h) }
		if !slices.ContainsFunc(dead, lost) || slices.ContainsFunc(kept, func(h *Candidate) bool { return in(h) && !h.Failing() }) {
			continue
		}
		if len(groups) == 1 {
			say("no mirror returned valid content; the configured chain is kept")
		} else {
			say("of the mirrors that some modules may be asked of, none returned valid content; they are kept")
		}
		kept = slices.DeleteFunc(slices.Clone(hops), func(h *Candidate) bool { return !slices.Contains(kept, h) && !lost(h) })
		dead = slices.DeleteFunc(dead, in)
	}
	for _, h := range dead {
		say("%s is left out: %s", h.Name(), h.Verdict.Class.Title())
	}
	behind(kept, say)
	if how != session.Configured {
		rank(kept, say)
	}
	return kept, reasons
}

// whyItStays says why a mirror that fails is asked first all the same, and what to
// write in a chain of this form where that is not meant.
func whyItStays(h *Candidate, all []*Candidate, access session.Access, listed bool) string {
	for _, r := range access.Rules {
		if r.Decides() && r.Allows(h.Hop) && !slices.ContainsFunc(all, func(c *Candidate) bool { return c != h && r.Allows(c.Hop) }) {
			return "the rule for " + r.Modules + " (" + r.Source + ") lets no other mirror be asked"
		}
	}
	switch refusal := h.Verdict.Class.Refusal(); {
	case h.Written == goenv.End:
		return "no other mirror follows it"
	case refusal && listed:
		return "without fall-through: any, a refusal is final"
	case refusal:
		return "behind its comma a refusal is final"
	case listed:
		return "only 404 and 410 fall back to the next mirror; if it guards nothing, give it fall-through: any"
	}
	return "behind its comma only 404 and 410 fall back; if it guards nothing, write | after it"
}

func boolCompare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// behind puts mirrors that had not answered, and those that fail, behind those that
// answered, as far as the separators fall back after their failures.
func behind(hops []*Candidate, say func(string, ...any)) {
	for i := 0; i < len(hops); {
		j := i + 1
		for j < len(hops) && !hops[j-1].Protected() {
			j++
		}
		waits := func(h *Candidate) bool { return (h.Late || h.Failing()) && !h.Protected() }
		if run := hops[i:j]; slices.ContainsFunc(run, (*Candidate).Usable) && slices.ContainsFunc(run, waits) {
			slices.SortStableFunc(run, func(a, b *Candidate) int { return boolCompare(waits(a), waits(b)) })
			for _, h := range run {
				if waits(h) && h.Late {
					say("%s stands behind the mirrors that answered sooner: it had not answered when the run did not need it any more", h.Name())
				}
			}
		}
		i = j
	}
}

// rank sorts each run of neighbouring public mirrors of one tier by the wait for a first
// byte, divided by the weight; a private mirror keeps its place, because what
// stands before and behind it is policy.
func rank(hops []*Candidate, say func(string, ...any)) {
	for i := 0; i < len(hops); {
		j := i
		for j < len(hops) && hops[j].Public && hops[j].Tier != session.Last && hops[j].Tier == hops[i].Tier {
			j++
		}
		if run := hops[i:j]; len(run) > 1 {
			slices.SortStableFunc(run, func(a, b *Candidate) int { return int(cost(a) - cost(b)) })
			var parts []string
			for _, h := range run {
				if h.Verdict == nil {
					parts = append(parts, h.Name()+" not known")
					continue
				}
				parts = append(parts, fmt.Sprintf("%s %d ms", h.Name(), cost(h).Milliseconds()))
			}
			say("ranked by the time to a first byte: %s", strings.Join(parts, ", "))
		}
		i = max(j, i+1)
	}
}

func cost(h *Candidate) time.Duration {
	if h.Verdict == nil {
		return time.Hour
	}
	return h.Verdict.Seen.Timing.Wait / time.Duration(max(h.Weight, 1))
}
