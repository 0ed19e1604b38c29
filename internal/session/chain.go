package session

import (
	"slices"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/mirror"
)

// Hop is one mirror of the chain with what the policy says of it.
type Hop struct {
	*mirror.Mirror
	URL      string          // with credentials
	Sep      goenv.Separator // effective: what the go command of a later step is told
	Written  goenv.Separator
	Public   bool // in the public catalogue
	Operator string
	Weight   int  // of the configuration file; 1 by default
	Tier     Tier // those of a lower one are asked first
	Added    bool // by --mirrors auto or cn, not named in the chain
}

// Tier says how far behind others a mirror stands, whatever the order of the chain.
type Tier int

// The tiers.
const (
	Near      Tier = iota // of the job's region, or it names none
	Somewhere             // without a region, where the job names one
	Far                   // of another region
	Last                  // fallback-only
)

// tier is that of a mirror of a region.
func tier(job, region string, fallbackOnly bool) Tier {
	switch {
	case fallbackOnly:
		return Last
	case job == "" || region == job:
		return Near
	case region == "":
		return Somewhere
	}
	return Far
}

// Passes reports whether a failure of this hop falls back to the next.
func (h *Hop) Passes(c failure.Class) bool { return passes(h.Sep, c) }

// Protected reports whether failures of the transfer stay with this hop.
func (h *Hop) Protected() bool { return h.Sep != goenv.Pipe }

// Chain is the hops in order and the keyword that ends them.
type Chain struct {
	Hops []*Hop
	End  goenv.Kind // Direct or Off; Mirror when nothing follows the last hop
}

// List renders the chain as a GOPROXY value with credentials.
func (c Chain) List() goenv.Chain {
	var out goenv.Chain
	for i, h := range c.Hops {
		sep := h.Sep
		if i == len(c.Hops)-1 && c.End == goenv.Mirror {
			sep = goenv.End
		} else if sep == goenv.End {
			sep = goenv.Comma // the last one as written, with others behind it now
			if h.Public {
				sep = goenv.Pipe
			}
		}
		out = append(out, goenv.Entry{Kind: goenv.Mirror, URL: h.URL, Raw: h.URL, Sep: sep})
	}
	switch c.End {
	case goenv.Direct:
		out = append(out, goenv.Entry{Kind: goenv.Direct, Raw: "direct"})
	case goenv.Off:
		out = append(out, goenv.Entry{Kind: goenv.Off, Raw: "off"})
	}
	return out
}

// separateEnd gives the mirror that is written last the separator that it has where
// its tier puts it before another one.
func (c Chain) separateEnd(f Fallback, sep goenv.Separator) {
	for _, h := range c.Hops {
		if h.Sep == goenv.End && slices.ContainsFunc(c.Hops, func(o *Hop) bool { return o.Tier > h.Tier }) {
			h.Sep = f.Separator(sep, h.Public)
		}
	}
}

// Choice of mirrors: whether the preflight ranks and which candidates join.
type Choice string

// The choices of --mirrors.
const (
	Configured Choice = "configured" // the chain as configured, without the dead
	Auto       Choice = "auto"       // and the whole public catalogue, ranked by measurement
	CN         Choice = "cn"         // and the catalogue's mirrors in China
)

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

// Fallback says after which failures of a mirror the next one is asked.
type Fallback string

// The fallback policies.
const (
	// FallbackPolicy falls back after every failure of a mirror of the public catalogue
	// and obeys the user's separator after any other: a refusal by a
	// company's gatekeeper behind a comma is its policy, and asking elsewhere
	// would tell others the names it refused.
	FallbackPolicy Fallback = "policy"
	// FallbackAsWritten obeys every separator, as the go command does.
	FallbackAsWritten Fallback = "as-written"
	// FallbackAny falls back after every failure.
	FallbackAny Fallback = "any"
)

// Separator returns the separator that a mirror effectively has: what stands
// after it in the chain that the go command is given.
func (f Fallback) Separator(written goenv.Separator, public bool) goenv.Separator {
	if written == goenv.End {
		return goenv.End
	}
	if f == FallbackAny || (f != FallbackAsWritten && public) {
		return goenv.Pipe
	}
	return written
}

// passes reports whether a failure falls back behind an Effective separator:
// after a comma 404 and 410, after a pipe everything
// (cmd/go/internal/modfetch/proxy.go: TryProxies). Unlike the go command it
// lets wrong content pass a pipe, too: another mirror may have the right
// bytes, and the hash decides.
func passes(sep goenv.Separator, c failure.Class) bool {
	return c == failure.NotFound || c == failure.Gone || sep == goenv.Pipe
}
