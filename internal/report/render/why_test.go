package render_test

import (
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/render"
)

// Of requests at the same time only one is what the run waited for: the phases of a file
// never take longer than the file.
func TestTimeThatTwoAttemptsShareCountsOnce(t *testing.T) {
	t.Parallel()
	at := func(class failure.Class, start, ms float64) report.Attempt {
		return report.Attempt{Mirror: "https://a.test", Class: class, StartMS: start, MS: ms}
	}
	for _, c := range []struct {
		name     string
		attempts []report.Attempt
		want     string
	}{
		{"both cut short", []report.Attempt{at(failure.Cancelled, 100, 900), at(failure.Cancelled, 400, 600)}, "waiting for a turn, a connection or a redirect, 900 ms."},
		{"a hedge that was faster", []report.Attempt{at(failure.Reset, 100, 800), at("", 400, 600)}, "body, 600 ms."},
		{"a hedge that failed", []report.Attempt{at("", 100, 900), at(failure.Reset, 400, 300)}, "body, 900 ms."},
		{"one after the other", []report.Attempt{at(failure.Reset, 100, 500), at("", 700, 300)}, "failed attempts, 500 ms."},
		{"in the order of their ends", []report.Attempt{at(failure.Reset, 400, 100), at(failure.Stall, 100, 800), at("", 900, 100)}, "failed attempts, 800 ms."},
		{"a pause at the end", []report.Attempt{at(failure.Reset, 100, 200)}, "waiting after failed attempts, 700 ms."},
	} {
		m := report.Module{Path: "a.test/a", Version: "v1.0.0", Kind: report.KindZip, Source: report.FromMirror, StartMS: 100, MS: 900, Attempts: c.attempts}
		if c.attempts[len(c.attempts)-1].Class != "" && c.attempts[0].Class != "" {
			m.Source = report.FromFailed
		}
		v := render.Of(&report.Result{Outcome: report.OK, Modules: []report.Module{m}, Totals: report.Totals{MS: 1000}})
		if got := v.Why().Lines[0].Plain(); !strings.HasSuffix(got, "Most of it: "+c.want) {
			t.Errorf("%s: %q, want it to end with %q", c.name, got, c.want)
		}
	}
}

func TestTimesAreCountedAsPeopleDo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ms   float64
		want string
	}{
		{5, "0 ms, 1 ms, 2 ms, 3 ms, 4 ms, 5 ms"},
		{1200, "0 ms, 200 ms, 400 ms, 600 ms, 800 ms, 1 s, 1.2 s"},
		{100_000, "0 ms, 20 s, 40 s, 1 min, 1 min 20 s, 1 min 40 s"},
		{150_000, "0 ms, 30 s, 1 min, 1 min 30 s, 2 min, 2 min 30 s"},
		{1_210_000, "0 ms, 5 min, 10 min, 15 min, 20 min"},
		{7_200_000, "0 ms, 20 min, 40 min, 1 h, 1 h 20 min, 1 h 40 min, 2 h"},
		{400 * 3_600_000, "0 ms, 100 h, 200 h, 300 h, 400 h"},
	} {
		m := report.Module{Path: "a.test/a", Version: "v1.0.0", Kind: report.KindZip, Source: report.FromMirror, MS: c.ms}
		v := render.Of(&report.Result{Outcome: report.OK, Modules: []report.Module{m}, Totals: report.Totals{MS: c.ms}})
		var ticks []string
		for _, tick := range v.Why().Tables[0].Axis.Ticks {
			ticks = append(ticks, tick.Text)
		}
		if got := strings.Join(ticks, ", "); got != c.want {
			t.Errorf("the scale of %v ms is %q, want %q", c.ms, got, c.want)
		}
	}
}
