package export

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/render"
)

// traceEvent is an event of the Trace Event Format, which Perfetto and the tracing
// pages of browsers read. Times are in microseconds.
type traceEvent struct {
	Name  string         `json:"name"`
	Kind  string         `json:"ph"` // X is a span, M names a process or a thread
	Start float64        `json:"ts"`
	Took  float64        `json:"dur,omitempty"`
	Pid   int            `json:"pid"`
	Tid   int            `json:"tid"`
	Class string         `json:"cat,omitempty"`
	Args  map[string]any `json:"args,omitempty"`
}

// The processes of a trace: what the run did, and what was brought for it.
const (
	traceRun = iota + 1
	traceFiles
)

// Trace writes r as a file of trace events: a span for the run, one for the restore
// from the cache, and for each file that a mirror was asked for one with its attempts
// and their phases in it. Files that were under way at the same time are on threads
// of their own.
func Trace(w io.Writer, r *report.Result) error {
	t := &tracer{}
	t.call(traceRun, 0, "process_name", "run")
	t.call(traceFiles, 0, "process_name", "downloads")
	t.call(traceRun, 1, "thread_name", "run")
	verdict, _ := render.Of(r).Verdict()
	t.span(traceRun, 1, "modferry: "+verdict, "run", 0, r.Totals.MS, map[string]any{"tool": failure.Plain(r.Tool), "project": r.Project.Name(), "commit": r.Project.ShortCommit()})
	t.restore(r)
	t.files(r)
	out := map[string]any{"traceEvents": t.events, "displayTimeUnit": "ms"}
	data, err := json.MarshalIndent(out, "", " ")
	if err == nil {
		_, err = w.Write(append(data, '\n'))
	}
	if err != nil {
		return fmt.Errorf("write the trace: %w", err)
	}
	return nil
}

type tracer struct{ events []traceEvent }

// call names a process or, with a thread, that.
func (t *tracer) call(pid, tid int, what, name string) {
	t.events = append(t.events, traceEvent{Name: what, Kind: "M", Pid: pid, Tid: tid, Args: map[string]any{"name": name}})
}

// span adds a span of milliseconds; one of no known length is left out, and one that is
// shorter than a reader can tell.
func (t *tracer) span(pid, tid int, name, class string, start, ms float64, args map[string]any) {
	if took := micros(ms); took > 0 && start >= 0 {
		t.events = append(t.events, traceEvent{Name: name, Kind: "X", Start: micros(start), Took: took, Pid: pid, Tid: tid, Class: class, Args: args})
	}
}

func micros(ms float64) float64 { return float64(int64(min(ms, 1e12) * 1000)) }

// restore is the time in which the cache brought files.
func (t *tracer) restore(r *report.Result) {
	from, to, n := 0.0, 0.0, 0
	for _, m := range r.Modules {
		if m.Source == report.FromCache && m.MS > 0 {
			if n == 0 || m.StartMS < from {
				from = m.StartMS
			}
			to = max(to, m.StartMS+m.MS)
			n++
		}
	}
	if n > 0 {
		t.call(traceRun, 2, "thread_name", "cache")
		t.span(traceRun, 2, "restore from the cache", "cache", from, to-from, map[string]any{"files": n, "bytes": r.Cache.Bytes})
	}
}

func (t *tracer) files(r *report.Result) {
	all := slices.DeleteFunc(slices.Clone(r.Modules), func(m report.Module) bool {
		return m.MS <= 0 || m.Source != report.FromMirror && !(m.Failed() && len(m.Attempts) > 0)
	})
	slices.SortStableFunc(all, func(a, b report.Module) int { return cmp.Compare(a.StartMS, b.StartMS) })
	var free []float64 // when each thread is free
	for _, m := range all {
		thread := slices.IndexFunc(free, func(at float64) bool { return at <= m.StartMS })
		if thread < 0 {
			thread = len(free)
			free = append(free, 0)
			t.call(traceFiles, thread+1, "thread_name", fmt.Sprintf("download %d", thread+1))
		}
		free[thread] = m.StartMS + m.MS
		t.file(m, thread+1)
	}
}

// file adds a file with its attempts, and of the attempts that came one after the
// other their phases.
func (t *tracer) file(m report.Module, thread int) {
	args := map[string]any{"bytes": m.Received(), "mirror": failure.Plain(m.Mirror)}
	if m.Failed() {
		args["failure"] = m.Class.Title()
	}
	t.span(traceFiles, thread, m.Name(), render.Word(m.Kind), m.StartMS, m.MS, args)
	at := m.StartMS
	for _, a := range m.Attempts {
		if a.Hedge || a.StartMS < at { // beside another one: spans of a thread must not cross
			continue
		}
		at = a.StartMS + a.MS
		name := "attempt"
		if a.Class != "" {
			name = a.Trouble().String()
		}
		t.span(traceFiles, thread, name, "attempt", a.StartMS, a.MS, map[string]any{"mirror": failure.Plain(a.Mirror), "status": a.Status, "bytes": a.Bytes, "detail": failure.Plain(a.Detail)})
		if a.Class != "" {
			continue
		}
		for _, p := range render.PhasesOf(a) {
			t.span(traceFiles, thread, p.Name, "phase", p.From, p.MS, nil)
		}
	}
}
