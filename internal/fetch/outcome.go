package fetch

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/modferry/modferry/internal/download"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/preflight"
	"github.com/modferry/modferry/internal/report"
)

// fill puts the chain, the mirrors and the findings into the result; about are
// further findings about the chain. Every candidate has an entry, the chosen ones
// first and in order.
func (r *run) fill(res *report.Result, d preflight.Decision, about ...finding.Finding) {
	res.Settings.GOPROXY = d.Chain().List().Redacted()
	res.Choice = report.Choice{Configured: r.Configured.Redacted(), Chain: res.Settings.GOPROXY, Reasons: d.Reasons}
	if len(d.All) > 0 {
		res.Findings = slices.Concat(r.About, about)
	}
	res.Findings = slices.Concat(res.Findings, r.Findings, r.rec.noted())
	for i, c := range d.Chosen {
		res.Mirrors = append(res.Mirrors, mirrorEntry(c, i+1))
	}
	for _, c := range d.All {
		if !slices.Contains(d.Chosen, c) {
			res.Mirrors = append(res.Mirrors, mirrorEntry(c, 0))
		}
		if codes := c.Health.Counts().Codes; len(codes) > 0 {
			res.StatusCodes[c.Name()] = codes
		}
	}
	r.FillHosts(res)
}

// fillChainless fills in the result of a run that asks no mirror.
func (r *run) fillChainless(res *report.Result) {
	r.fill(res, preflight.Decision{})
	res.Choice, res.Uncontacted = report.Choice{}, nil
}

func mirrorEntry(h *preflight.Candidate, rank int) report.Mirror {
	c := h.Health.Counts()
	e := report.Mirror{URL: h.Name(), Label: h.Operator, State: report.Skipped, Chosen: rank > 0, Rank: rank,
		Files: c.Files, Bytes: c.Bytes, Failures: c.Failures}
	if c.BPS > 0 {
		e.ThroughputBPS = &c.BPS
	}
	v := h.Verdict
	if v == nil {
		e.Reason = "not probed"
		if h.Asked {
			e.Reason = "not waited for: it had not answered the preflight when the run was over"
		}
		return e
	}
	e.State, e.SumDB, e.HTTP = report.Healthy, v.SumDB, v.Seen.Proto
	t := v.Seen.Timing
	e.DNSMS, e.ConnectMS, e.TLSMS, e.FirstByteMS = download.Measured(t.DNS), download.Measured(t.Connect), download.Measured(t.TLS), download.Measured(t.Wait)
	switch {
	case v.Class != "" && !h.Failing():
		e.State, e.Reason = report.Slow, "too slow for the preflight: "+v.Limit
	case v.Class != "":
		e.State, e.Class, e.Reason, e.Issuer = report.Failing, v.Class, v.Reason, v.Issuer
	case t.Wait >= mirror.SlowFirstByte:
		e.State, e.Reason = report.Slow, "the first byte took "+report.Millis(download.Millis(t.Wait))
	case v.Has == 0:
		e.Reason = "answers, but has none of the samples"
	}
	return e
}

// elapsed is the time since the start of the run in milliseconds.
func (r *run) elapsed() float64 { return download.Millis(time.Since(r.began)) }

// collect adds the fate of the items to the result.
func (r *run) collect(res *report.Result, items []*download.Item) {
	lacking := 0
	var example string
	r.misplaced(res, items)
	for _, it := range items {
		if it.Record.Source == "" {
			// The run ended before its turn.
			it.Record.Source, it.Record.Class, it.Record.Message = report.FromFailed, failure.Cancelled, "not tried: the run ended before"
		}
		if it.Record.Source == report.FromFailed && it.Record.Class == failure.HashMismatch && it.Sum.Line > 0 {
			it.Record.File, it.Record.Line = it.Sum.File, it.Sum.Line // that line, or the bytes, are wrong
		}
		if it.Kind != download.KindInfo {
			res.Modules = append(res.Modules, it.Entry())
		} else if it.Record.Source == report.FromFailed {
			lacking++
			example = it.Mod.String()
		}
	}
	if lacking > 0 {
		res.Findings = append(res.Findings, finding.Finding{Check: "info-missing", Severity: finding.Info,
			Found:  fmt.Sprintf("%d .info files could not be obtained, e.g. of %s", lacking, example),
			Effect: "builds work without them; go list -m -json shows an error for these modules while it is offline"})
	}
	slices.SortFunc(res.Modules, byModule)
}

// misplaced tells of the mirrors that have none of the files they were asked
// for: the wrong URL of a repository manager answers so, and then the modules
// are not what to look at. URLs of the public catalogue are right.
func (r *run) misplaced(res *report.Result, items []*download.Item) {
	const advice = "check the mirror's URL: that of a repository manager needs the path of the repository"
	empty := map[string]bool{}
	for _, h := range r.Chain.Hops {
		empty[h.Name()] = !h.Public
	}
	asked := map[string]int{}
	for _, it := range items {
		for _, a := range it.Record.Attempts {
			asked[a.Mirror]++
			empty[a.Mirror] = empty[a.Mirror] && (a.Class == failure.NotFound || a.Class == failure.Gone)
		}
	}
	for i, m := range res.Mirrors {
		if empty[m.URL] = empty[m.URL] && asked[m.URL] > 0; empty[m.URL] {
			res.Mirrors[i].Reason = "has none of the " + report.Count(asked[m.URL], "file") + " it was asked for; " + advice
		}
	}
	for _, it := range items {
		if n := len(it.Record.Attempts); n > 0 && it.Record.Source != report.FromMirror && empty[it.Record.Attempts[n-1].Mirror] {
			it.Record.Message += ". The mirror has nothing of what it was asked for: " + advice
		}
	}
}

// conclude decides on the outcome.
func (r *run) conclude(ctx context.Context, res *report.Result) {
	report.Settle(res)
	report.Aggregate(res)
	res.Totals.MS = r.elapsed()
	// Of the mirrors and the cache, not of the modules: .info files and
	// given-up requests count, too.
	res.Totals.Bytes = res.Cache.Bytes
	for _, m := range res.Mirrors {
		res.Totals.Bytes += m.Bytes
	}
	cause := context.Cause(ctx)
	wrong, failed, low := 0, 0, 0
	for _, m := range res.Modules {
		if m.Source != report.FromFailed {
			continue
		}
		switch {
		case m.Class == failure.HashMismatch || m.Class == failure.UnsafeZip:
			wrong++
		case m.Optional:
			low++
		default:
			failed++
		}
	}
	switch fe := failure.As(cause); {
	case wrong > 0:
		res.Outcome = report.Integrity
		names := "go.sum names"
		if r.List != r.Session.List || r.Values.Toolchain {
			names = "go.sum or the checksum database names"
		}
		res.Message = fmt.Sprintf("%s did not have the bytes that %s, and no source had the right ones", report.Count(wrong, "file"), names)
	case cause != nil && download.Local(fe.Class):
		res.Outcome, res.Message = report.Settings, fe.Error()
	case cause != nil:
		res.Outcome, res.Interrupted = report.Incomplete, true
		res.Message = "interrupted: " + cause.Error()
	case failed > 0:
		res.Outcome = report.Incomplete
		res.Message = fmt.Sprintf("%s could not be obtained", report.Count(failed, "file"))
	case len(r.List.Modules) == 0 && len(r.List.Vendored) > 0 && len(r.List.Vendored) == len(r.List.Mains):
		res.Message = "builds take every package from the vendor directory"
	case low > 0:
		res.Message = fmt.Sprintf("%s that only go mod download, graph and verify read could not be obtained", report.Count(low, "go.mod file"))
	}
}
