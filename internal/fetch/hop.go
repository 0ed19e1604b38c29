package fetch

import (
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/mirror"
)

// hop is one mirror of the chain with what the policy says of it.
type hop struct {
	*mirror.Mirror
	url      string          // with credentials
	sep      goenv.Separator // effective
	written  goenv.Separator
	public   bool // in the public catalogue
	operator string
	weight   int             // of the configuration file; 1 by default
	last     bool            // fallback-only
	added    bool            // by --mirrors auto or cn, not named in the chain
	verdict  *mirror.Verdict // nil: not probed, or not yet
	asked    bool            // by the preflight
	late     bool            // had not answered the preflight a while after another mirror had
}

// passes reports whether a failure of this hop passes on to the next.
func (h *hop) passes(c failure.Class) bool { return passes(h.sep, c) }

// protected reports whether failures of the transfer stay with this hop.
func (h *hop) protected() bool { return h.sep != goenv.Pipe }

// failing reports whether the preflight found the mirror unusable. One that was
// only too slow for it, and then supplied files, is not.
func (h *hop) failing() bool {
	return h.verdict != nil && h.verdict.Class != "" && !(h.verdict.Limit != "" && h.Health.Counts().Files > 0)
}

// usable reports whether the preflight found the mirror in order.
func (h *hop) usable() bool { return h.verdict != nil && h.verdict.Class == "" }

// chain is the hops in order and the keyword that ends them.
type chain struct {
	hops []*hop
	end  goenv.Kind // Direct or Off; Mirror when nothing follows the last hop
}

// list renders the chain as a GOPROXY value with credentials.
func (c chain) list() goenv.Chain {
	var out goenv.Chain
	for i, h := range c.hops {
		sep := h.sep
		if i == len(c.hops)-1 && c.end == goenv.Mirror {
			sep = goenv.End
		} else if sep == goenv.End {
			sep = goenv.Comma // the last one as written, with others behind it now
			if h.public {
				sep = goenv.Pipe
			}
		}
		out = append(out, goenv.Entry{Kind: goenv.Mirror, URL: h.url, Raw: h.url, Sep: sep})
	}
	switch c.end {
	case goenv.Direct:
		out = append(out, goenv.Entry{Kind: goenv.Direct, Raw: "direct"})
	case goenv.Off:
		out = append(out, goenv.Entry{Kind: goenv.Off, Raw: "off"})
	}
	return out
}

// access is what the private patterns say of a module.
type access struct {
	noProxy string // effective GONOPROXY
	private string // GOPRIVATE
}

// route returns the hops that may be asked for a module. None means that it is
// private and left to the go command. With a GONOPROXY that lets a module of
// GOPRIVATE through (GONOPROXY=none before a company's mirror), the go command
// asks every mirror of the list; we never ask a public one for it.
func (a access) route(c chain, modulePath string) []*hop {
	if goenv.MatchPatterns(a.noProxy, modulePath) {
		return nil
	}
	if !goenv.MatchPatterns(a.private, modulePath) {
		return c.hops
	}
	var out []*hop
	for _, h := range c.hops {
		if !h.public {
			out = append(out, h)
		}
	}
	return out
}
