package fetch

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/mirror"
)

// Choice of mirrors: whether the preflight ranks and which candidates join.
type Choice string

// The choices of --mirrors.
const (
	Configured Choice = "configured" // the chain as configured, without the dead
	Auto       Choice = "auto"       // and the whole public catalogue, ranked by measurement
	CN         Choice = "cn"         // and the catalogue's mirrors in China
)

// choose decides on the chain from the verdicts, in words, too. It keeps the
// configured order but for public mirrors under auto and cn, which are ranked
// among themselves; it drops dead mirrors, but never one whose failures do not
// pass on, and never the last mirror.
func choose(how Choice, c chain) (chain, []string) {
	var reasons []string
	say := func(format string, args ...any) { reasons = append(reasons, fmt.Sprintf(format, args...)) }

	hops := slices.Clone(c.hops)
	slices.SortStableFunc(hops, func(a, b *hop) int { return boolCompare(a.last, b.last) })

	kept := make([]*hop, 0, len(hops))
	var dead []*hop
	for _, h := range hops {
		switch {
		case !h.failing():
			if h.added && h.verdict != nil && h.verdict.Has == 0 {
				say("%s is left out: it has none of the samples", h.Name())
				continue
			}
			kept = append(kept, h)
		case h.protected() && !h.added:
			kept = append(kept, h)
			if h.written == goenv.End {
				say("%s is failing (%s) but stays: no other mirror follows it", h.Name(), h.verdict.Class.Title())
			} else {
				say("%s is failing (%s) but stays: behind its comma only 404 and 410 pass on; write | after it, or --fallback any, to let other failures pass on",
					h.Name(), h.verdict.Class.Title())
			}
		default:
			dead = append(dead, h)
		}
	}
	named := func(h *hop) bool { return !h.added }
	if !slices.ContainsFunc(kept, func(h *hop) bool { return !h.failing() }) && slices.ContainsFunc(dead, named) {
		// With every mirror dead, the configured chain is the best guess: a
		// network that is down for a moment must not cost the job its mirrors.
		say("no mirror answered rightly; the configured chain is kept")
		kept = slices.DeleteFunc(slices.Clone(hops), func(h *hop) bool { return h.added })
		dead = nil
	}
	for _, h := range dead {
		say("%s is left out: %s", h.Name(), h.verdict.Class.Title())
	}
	behind(kept, say)
	if how != Configured {
		rank(kept, say)
	}
	if slices.ContainsFunc(kept, func(h *hop) bool { return h.written == goenv.Comma && h.sep == goenv.Pipe }) {
		say("| after a mirror of the public catalogue (or under --fallback any): all its failures pass on, not only 404 and 410")
	}
	return chain{kept, c.end}, reasons
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

// behind puts mirrors that had not answered behind those that had, as far as
// the separators let their failures pass on.
func behind(hops []*hop, say func(string, ...any)) {
	for i := 0; i < len(hops); {
		j := i + 1
		for j < len(hops) && !hops[j-1].protected() {
			j++
		}
		waits := func(h *hop) bool { return h.late && !h.protected() }
		if run := hops[i:j]; slices.ContainsFunc(run, (*hop).usable) && slices.ContainsFunc(run, waits) {
			slices.SortStableFunc(run, func(a, b *hop) int { return boolCompare(waits(a), waits(b)) })
			for _, h := range run {
				if waits(h) {
					say("%s stands behind the mirrors that answered sooner: it had not answered when the run did not need it any more", h.Name())
				}
			}
		}
		i = j
	}
}

// rank sorts each run of neighbouring public mirrors by the wait for a first
// byte, divided by the weight; a private mirror keeps its place, because what
// stands before and behind it is policy.
func rank(hops []*hop, say func(string, ...any)) {
	for i := 0; i < len(hops); {
		j := i
		for j < len(hops) && hops[j].public && !hops[j].last {
			j++
		}
		if run := hops[i:j]; len(run) > 1 {
			slices.SortStableFunc(run, func(a, b *hop) int { return int(cost(a) - cost(b)) })
			var parts []string
			for _, h := range run {
				if h.verdict == nil {
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

// cost is what a mirror is ranked by: lower is better.
func cost(h *hop) time.Duration {
	if h.verdict == nil {
		return time.Hour
	}
	return h.verdict.Seen.Timing.Wait / time.Duration(max(h.weight, 1))
}

// candidates returns the chain with the catalogue's mirrors that a choice
// adds. They stand after the last mirror that the chain names (before direct),
// or with the first public one if there is one, so that they are ranked
// together. Nothing is added before off: that keyword says that there are no
// other sources.
func candidates(how Choice, configured goenv.Chain, catalogue mirror.Catalogue) []goenv.Entry {
	var add mirror.Catalogue
	switch how {
	case Auto:
		add = catalogue
	case CN:
		add = catalogue.Region("cn")
	}
	mirrors := configured.Mirrors()
	if len(add) == 0 || len(configured) == 0 || configured[len(configured)-1].Kind == goenv.Off {
		return mirrors
	}
	at := len(mirrors)
	for i, e := range mirrors {
		if _, ok := catalogue.Find(e.URL); ok {
			at = i + 1
			break
		}
	}
	var extra []goenv.Entry
	for _, p := range add {
		if !slices.ContainsFunc(mirrors, func(e goenv.Entry) bool { return e.URL == p.URL }) {
			extra = append(extra, goenv.Entry{Kind: goenv.Mirror, URL: p.URL, Sep: goenv.Pipe})
		}
	}
	return slices.Insert(slices.Clone(mirrors), at, extra...)
}
