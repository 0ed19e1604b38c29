package export_test

import (
	"encoding/json"
	"testing"

	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/export"
	"github.com/modferry/modferry/internal/report/reporttest"
)

type traceEvent struct {
	Name, Ph string
	Ts, Dur  float64
	Pid, Tid int
}

func traceOf(t *testing.T, r *report.Result) []traceEvent {
	t.Helper()
	var out struct{ TraceEvents []traceEvent }
	if err := json.Unmarshal(reporttest.Rendered(t, export.Trace, r), &out); err != nil {
		t.Fatal(err)
	}
	return out.TraceEvents
}

func TestTracesAreAsInTheGoldenFiles(t *testing.T) {
	t.Parallel()
	reporttest.Golden(t, "testdata/dead-mirror.trace.json", reporttest.Rendered(t, export.Trace, reporttest.DeadMirror()))
}

// Spans of one thread lie one in another or one after another: viewers show nothing
// sensible of others.
func TestSpansOfAThreadDoNotCross(t *testing.T) {
	t.Parallel()
	for name, r := range reporttest.Fixtures() {
		if name == "hostile" {
			continue // its times are made up
		}
		var open []traceEvent
		key := func(e traceEvent) [2]int { return [2]int{e.Pid, e.Tid} }
		for _, e := range traceOf(t, r) {
			if e.Ph != "X" {
				continue
			}
			for len(open) > 0 && (key(open[len(open)-1]) != key(e) || open[len(open)-1].Ts+open[len(open)-1].Dur <= e.Ts) {
				open = open[:len(open)-1]
			}
			const rounding = 4 // µs, of phases that were rounded one by one
			if n := len(open); n > 0 && e.Ts+e.Dur > open[n-1].Ts+open[n-1].Dur+rounding {
				t.Errorf("%s: %q ends after %q, in which it begins", name, e.Name, open[n-1].Name)
			}
			open = append(open, e)
		}
	}
}

func TestATraceHasWhatTheRunWaitedFor(t *testing.T) {
	t.Parallel()
	names := map[string]int{}
	for _, e := range traceOf(t, reporttest.Cold()) {
		names[e.Name]++
	}
	for name, n := range map[string]int{"modferry: ok": 1, "attempt": 98, "body": 66, "verify and extract": 98, "TLS": 8, "transfer stalled": 1} {
		if names[name] != n {
			t.Errorf("%d spans %q, want %d", names[name], name, n)
		}
	}
	if n := traceOf(t, reporttest.Warm()); len(n) < 10 {
		t.Errorf("only %d events of a run with a cache", len(n))
	}
}

func TestNothingIsForgedInATrace(t *testing.T) {
	t.Parallel()
	reporttest.Harmless(t, "trace", reporttest.Rendered(t, export.Trace, reporttest.Hostile(reporttest.Evil)))
}
