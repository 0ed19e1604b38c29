package relay

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/download"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/fetch"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/sums"
)

// Answers is how many questions there were so far.
func (r *Relay) Answers() int64 { return r.answers.Load() }

// recorded is how much a result tells of.
func (r *Relay) recorded() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.items) + len(r.findings) + len(r.passed)
}

// Result is what the relay brought so far: files, and answers about versions, but each
// .info only if it had trouble. What nobody has is no part of it, and neither are failures
// for the shorter ones of the prefixes of an import path, since go commands try all.
func (r *Relay) Result() *report.Result {
	res, _ := fetch.Unprobed(r.s)
	res.Started = r.began.UTC().Format(time.RFC3339)
	r.preflight(res)
	r.mu.Lock()
	defer r.mu.Unlock()
	tried := r.prefixes()
	for _, it := range r.items {
		e := it.Entry()
		if e.Page() && e.Failed() && tried[it.Mod] {
			continue
		}
		if e.Source == report.FromFailed && e.Class == failure.HashMismatch && it.Sum.Line > 0 {
			e.File, e.Line = it.Sum.File, it.Sum.Line // that line, or the bytes, are wrong
		}
		if e.Path == sums.Toolchain && e.Kind == report.KindZip {
			e.Kind = report.KindToolchain
		}
		res.Modules = append(res.Modules, e)
	}
	slices.SortStableFunc(res.Modules, func(a, b report.Module) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Version, b.Version), -cmp.Compare(a.Kind, b.Kind))
	})
	res.Findings = append(res.Findings, r.findings...)
	if n := len(r.passed); n > 0 {
		slices.Sort(r.passed)
		res.Findings = append(res.Findings, finding.Finding{Check: "relay-unverified", Severity: finding.Info,
			Found:  fmt.Sprintf("%s, e.g. %s", report.Count(n, "file"), r.passed[0]),
			Effect: "They were passed on as they came; the relay refuses other bytes of them from then on."})
	}
	report.Settle(res)
	report.Aggregate(res)
	res.Totals.MS = download.Millis(time.Since(r.began))
	conclude(res)
	if r.lost > 0 {
		res.Message = strings.TrimPrefix(res.Message+"; "+report.Count(r.lost, "further file")+" not listed", "; ")
	}
	return res
}

// prefixes are what the go command tries beside a longer path, which it found or of which
// it tells (https://go.dev/issue/34094): some mirrors refuse what is no module, and those
// that are down everything. What the checkout requires is asked about for its own sake.
// The caller holds mu.
func (r *Relay) prefixes() map[module.Version]bool {
	required := map[string]bool{}
	for _, m := range r.s.List.Modules {
		required[m.Path] = true
	}
	tried := map[module.Version]bool{}
	for _, it := range r.items {
		for p := path.Dir(it.Mod.Path); p != "."; p = path.Dir(p) {
			if !required[p] {
				tried[module.Version{Path: p, Version: it.Mod.Version}] = true
			}
		}
	}
	return tried
}

// preflight puts what the preflight found into a result.
func (r *Relay) preflight(res *report.Result) {
	res.SumDB = r.sums.Report()
	if r.desk.begun.Load() == nil || r.desk.p == nil {
		return
	}
	d := r.desk.p.Final(false)
	res.Choice.Chain, res.Choice.Reasons = d.Chain().List().Redacted(), d.Reasons
	res.Settings.GOPROXY = res.Choice.Chain
	for i := range res.Mirrors {
		m := &res.Mirrors[i]
		m.Rank, m.Chosen, m.Reason = 0, false, ""
		for n, c := range d.Chosen {
			if c.Name() == m.URL {
				m.Rank, m.Chosen = n+1, true
			}
		}
	}
}

// conclude decides on the outcome by what could not be had.
func conclude(res *report.Result) {
	wrong, failed := 0, 0
	for _, m := range res.Modules {
		switch {
		case m.Source != report.FromFailed || m.Class == failure.Cancelled:
		case m.Class == failure.HashMismatch || m.Class == failure.UnsafeZip:
			wrong++
		default:
			failed++
		}
	}
	switch {
	case wrong > 0:
		res.Outcome = report.Integrity
		res.Message = fmt.Sprintf("%s did not have the bytes that go.sum or the checksum database names, and no source had the right ones", report.Count(wrong, "file"))
	case failed > 0:
		res.Outcome, res.Message = report.Incomplete, fmt.Sprintf("%s could not be obtained", report.Count(failed, "file"))
	}
}
