package export_test

import (
	"bytes"
	"encoding/json"
	"math"
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

// strictEvent is what a reader of the Trace Event Format may rely on: every field that
// its kind of event has, and no other.
type strictEvent struct {
	Name *string         `json:"name"`
	Ph   *string         `json:"ph"`
	Ts   *float64        `json:"ts"`
	Dur  *float64        `json:"dur"`
	Pid  *int            `json:"pid"`
	Tid  *int            `json:"tid"`
	Cat  string          `json:"cat"`
	Args json.RawMessage `json:"args"`
}

// The format is that of "Trace Event Format" (the JSON object form): times in
// microseconds, spans that are complete (X) and metadata (M) that names each process
// and thread.
func TestATraceIsAsPerfettoReadsIt(t *testing.T) {
	t.Parallel()
	for name, r := range reporttest.Fixtures() {
		d := json.NewDecoder(bytes.NewReader(reporttest.Rendered(t, export.Trace, r)))
		d.DisallowUnknownFields()
		var out struct {
			Events []strictEvent `json:"traceEvents"`
			Unit   string        `json:"displayTimeUnit"`
		}
		if err := d.Decode(&out); err != nil || d.More() {
			t.Fatalf("%s: %v, more follows: %v", name, err, d.More())
		}
		if out.Unit != "ms" && out.Unit != "ns" {
			t.Errorf("%s: the unit to show is %q", name, out.Unit)
		}
		named := map[[2]int]bool{}
		for i, e := range out.Events {
			if e.Name == nil || *e.Name == "" || e.Ph == nil || e.Ts == nil || e.Pid == nil || e.Tid == nil || *e.Pid <= 0 || *e.Tid < 0 {
				t.Fatalf("%s: event %d lacks a name, a kind, a time, a process or a thread: %+v", name, i, e)
			}
			thread := [2]int{*e.Pid, *e.Tid}
			switch *e.Ph {
			case "M":
				var args struct{ Name *string }
				if err := json.Unmarshal(e.Args, &args); err != nil || args.Name == nil || *e.Name != "process_name" && *e.Name != "thread_name" {
					t.Errorf("%s: event %d names nothing: %+v (%v)", name, i, e, err)
				}
				named[thread] = true
			case "X":
				if *e.Ts < 0 || e.Dur == nil || *e.Dur <= 0 || *e.Ts != math.Trunc(*e.Ts) || *e.Dur != math.Trunc(*e.Dur) {
					t.Errorf("%s: event %d has no time in whole microseconds: %v", name, i, *e.Name)
				}
				if !named[thread] || !named[[2]int{*e.Pid, 0}] {
					t.Errorf("%s: event %d is of a process or thread without a name: %v", name, i, thread)
				}
				if *e.Pid == 1 && *e.Tid == 1 && *e.Dur != math.Trunc(r.Totals.MS*1000) {
					t.Errorf("%s: the run takes %v µs, want %v ms", name, *e.Dur, r.Totals.MS)
				}
			default:
				t.Errorf("%s: event %d is of the kind %q", name, i, *e.Ph)
			}
		}
	}
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
