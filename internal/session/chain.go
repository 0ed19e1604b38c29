package session

import (
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
	Last     bool // fallback-only
	Added    bool // by --mirrors auto or cn, not named in the chain
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

// Access is what the private patterns say of a module.
type Access struct {
	NoProxy string // effective GONOPROXY
	Private string // GOPRIVATE
}

// Route returns the hops that may be asked for a module. None means that it is
// private and left to the go command. With a GONOPROXY that lets a module of
// GOPRIVATE through (GONOPROXY=none before a company's mirror), the go command
// asks every mirror of the list; we never ask a public one for it.
func (a Access) Route(c Chain, modulePath string) []*Hop {
	if goenv.MatchPatterns(a.NoProxy, modulePath) {
		return nil
	}
	if !goenv.MatchPatterns(a.Private, modulePath) {
		return c.Hops
	}
	var out []*Hop
	for _, h := range c.Hops {
		if !h.Public {
			out = append(out, h)
		}
	}
	return out
}
