package render_test

import (
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/render"
)

// Answers about versions are no modules.
func TestWhatIsMissing(t *testing.T) {
	t.Parallel()
	of := func(path, version, kind, source string) report.Module {
		m := report.Module{Path: path, Version: version, Kind: kind, Source: source}
		if source == report.FromFailed {
			m.Class = failure.Refused
		}
		return m
	}
	there, zip := of("a.test/a", "v1.0.0", report.KindZip, report.FromMirror), of("a.test/b", "v1.0.0", report.KindZip, report.FromFailed)
	list, info := of("a.test/c", "v/list", report.KindList, report.FromFailed), of("a.test/c", "v1.0.0", report.KindInfo, report.FromFailed)
	mod, other := of("a.test/a", "v1.0.0", report.KindMod, report.FromFailed), of("a.test/d", "v1.0.0", report.KindMod, report.FromFailed)
	query := of("a.test/c", "main", report.KindQuery, report.FromFailed)
	for _, c := range []struct {
		modules     []report.Module
		interrupted bool
		want        string
	}{
		{nil, true, "nothing is there yet (4.0 s)"},
		{nil, false, "nothing is needed"},
		{[]report.Module{there}, true, "1 module in 4.0 s: downloaded, 1 file of no known hash, so not verified"},
		{[]report.Module{zip}, true, "nothing is there yet (4.0 s)"},
		{[]report.Module{there, mod}, true, "1 module is there, but not every go.mod file; the next run goes on from that (4.0 s)"},
		{[]report.Module{there, mod}, false, "connection refused; the one module needed is missing (4.0 s)"},
		{[]report.Module{there, other}, false, "connection refused; 1 of 2 modules is missing (4.0 s)"},
		{[]report.Module{there, zip, list}, true, "1 of 2 modules is there, the next run goes on from them (4.0 s)"},
		{[]report.Module{list}, false, "connection refused; 1 answer about versions is missing (4.0 s)"},
		{[]report.Module{list, query}, false, "connection refused; 2 answers about versions are missing (4.0 s)"},
		{[]report.Module{info}, false, "connection refused; the one module needed is missing (4.0 s)"},
		{[]report.Module{there, list}, false, "connection refused; 1 answer about versions is missing (4.0 s)"},
		{[]report.Module{there, zip, list}, false, "connection refused; 1 of 2 modules and 1 answer about versions are missing (4.0 s)"},
	} {
		r := &report.Result{Outcome: report.OK, Interrupted: c.interrupted, Modules: c.modules}
		r.Choice.Configured = "https://a.test"
		for _, m := range c.modules {
			if m.Failed() {
				r.Outcome = report.Incomplete
			}
		}
		report.Aggregate(r)
		r.Totals.MS = 4000
		if got, _ := render.Of(r).Says(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestAListOfVersionsIsNamedInWords(t *testing.T) {
	t.Parallel()
	r := &report.Result{Outcome: report.Incomplete, Modules: []report.Module{
		{Path: "a.test/c", Version: "v/list", Kind: report.KindList, Source: report.FromFailed, Class: failure.Refused}}}
	s := render.Of(r).Failures()
	if got := s.Groups[0].Affected.Plain(); got != "versions of a.test/c" {
		t.Errorf("missing: %q", got)
	}
}

// A cache that was not asked, since everything was there, is nothing to put in order.
func TestARunThatNeededNoCacheHasNoRemarkOnIt(t *testing.T) {
	t.Parallel()
	r := &report.Result{Outcome: report.OK, Modules: []report.Module{{Path: "a.test/a", Version: "v1.0.0", Kind: report.KindZip, Source: report.FromPresent}}}
	r.Choice.Configured, r.Cache = "https://a.test", report.Cache{Store: "gha", Hit: "off", Reason: "everything is in the module cache"}
	report.Aggregate(r)
	if s := render.Of(r).Remarks(true); s.Count != 0 {
		t.Errorf("remarks: %v", s.Groups[0].Rest)
	}
}
