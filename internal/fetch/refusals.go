package fetch

import (
	"net/url"
	"slices"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/preflight"
	"github.com/modferry/modferry/internal/session"
)

// refusals explains by what this machine has set why mirrors wanted credentials or
// could not be reached.
func (r *run) refusals(d preflight.Decision) []finding.Finding {
	said := func(h *preflight.Candidate, code string, class failure.Class) bool {
		return h.Health.Counts().Codes[code] > 0 || h.Failing() && h.Verdict.Class == class
	}
	var out []finding.Finding
	if slices.ContainsFunc(d.All, func(h *preflight.Candidate) bool {
		return said(h, "401", failure.Unauthorized) || said(h, "403", failure.Forbidden)
	}) {
		out = r.UnusedCredentials()
	}
	out = append(out, r.RefusedCredentials(func(hop *session.Hop) bool {
		return slices.ContainsFunc(d.All, func(h *preflight.Candidate) bool {
			return h.Hop == hop && said(h, "401", failure.Unauthorized)
		})
	})...)
	return append(out, r.bypassed(d)...)
}

// bypassed tells of mirrors that cannot be reached where NO_PROXY keeps them from the
// forward proxy.
func (r *run) bypassed(d preflight.Decision) []finding.Finding {
	if r.Options.Getenv == nil {
		return nil
	}
	forward := goenv.ReadForward(r.Options.Getenv)
	var out []finding.Finding
	for _, h := range d.All {
		u, err := url.Parse(h.URL)
		if err != nil || !h.Failing() || !slices.Contains(unreached, h.Verdict.Class) {
			continue
		}
		for _, f := range forward.Check(goenv.Chain{{Kind: goenv.Mirror, URL: h.URL, Raw: h.URL}}) {
			if f.Check == "no-proxy-mirror" {
				f.Severity = finding.Warning
				f.Effect = "It keeps " + u.Host + " from the forward proxy, and without that the mirror cannot be reached (" + h.Verdict.Class.Title() + ")."
				f.Fix = f.Setting + " without what matches " + u.Hostname() + ", if the forward proxy can reach it"
				out = append(out, f)
			}
		}
	}
	return out
}

// unreached are the failures of a network that only a forward proxy leads out of.
var unreached = []failure.Class{failure.NameLookup, failure.Unreachable, failure.ConnectTimeout, failure.Refused}
