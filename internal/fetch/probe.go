package fetch

import (
	"context"
	"slices"

	"github.com/modferry/modferry/internal/preflight"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
)

// Probe runs the preflight alone. Beside the result is the chain that was chosen.
func Probe(ctx context.Context, s *session.Session) (*report.Result, session.Chain) {
	r, res := begin(s, nil)
	res.Preflight = true
	defer r.close()
	if len(s.Chain.Hops) == 0 {
		res.Message = "the chain has no mirror to probe"
		r.fill(res, preflight.AsConfigured(s))
		return res, s.Chain
	}
	p := preflight.Start(ctx, s)
	p.Wait()
	chosen := p.Final(true)
	res.SumDB = p.Database()
	r.fill(res, chosen, r.refusals(chosen)...)
	switch {
	case ctx.Err() != nil:
		res.Outcome, res.Interrupted = report.Incomplete, true
		res.Message = "interrupted: " + context.Cause(ctx).Error()
	case !slices.ContainsFunc(chosen.Chosen, func(c *preflight.Candidate) bool { return !c.Failing() }):
		res.Outcome, res.Message = report.Incomplete, "no mirror returned valid content"
	}
	res.Totals.MS = r.elapsed()
	return res, chosen.Chain()
}

// Unprobed chooses the chain as Run does without a preflight, and asks nobody.
func Unprobed(s *session.Session) (*report.Result, session.Chain) {
	r, res := begin(s, nil)
	defer r.close()
	chosen := preflight.Unprobed(s)
	r.fill(res, chosen)
	return res, chosen.Chain()
}

// Nothing is the result of a run that did nothing: it has the settings, the
// machine and the findings.
func Nothing(s *session.Session) *report.Result {
	r, res := begin(s, nil)
	r.fill(res, preflight.Decision{})
	return res
}
