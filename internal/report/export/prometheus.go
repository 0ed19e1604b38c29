package export

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/render"
)

// durations are the upper bounds of the histogram's buckets, in seconds: from
// a mirror next door to the longest download that is not given up.
func durations() []float64 { return []float64{0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120} }

// latencies are the upper bounds for the phases before the first byte.
func latencies() []float64 { return []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10} }

// Prometheus renders r as metrics in the Prometheus text exposition format,
// version 0.0.4, as node_exporter's textfile collector, a Pushgateway and
// GitLab's metrics reports read it. Counters count within the run. A download
// is one request for a file; its class is "ok" when it brought the file.
// Samples are sorted, no series stands twice.
func Prometheus(w io.Writer, r *report.Result) error {
	var p metrics
	p.run(r)
	p.files(r)
	p.downloads(r)
	p.mirrors(r)
	p.cache(r.Cache)
	if _, err := io.WriteString(w, p.b.String()); err != nil {
		return fmt.Errorf("write metrics: %w", err)
	}
	return nil
}

type metrics struct{ b strings.Builder }

// family is the samples of one metric by their labels. Two mirrors whose
// addresses look alike once they are redacted are one.
type family map[string]float64

// family writes a metric, unless it has no samples.
func (p *metrics) family(name, kind, help string, samples family) {
	if len(samples) == 0 {
		return
	}
	p.head(name, kind, help)
	for _, labels := range slices.Sorted(maps.Keys(samples)) {
		p.sample(name, labels, samples[labels])
	}
}

func (p *metrics) head(name, kind, help string) {
	fmt.Fprintf(&p.b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

func (p *metrics) sample(name, labels string, value float64) {
	if labels != "" {
		labels = "{" + labels + "}"
	}
	p.b.WriteString(name + labels + " " + strconv.FormatFloat(value, 'g', -1, 64) + "\n")
}

// labels makes pairs of names and texts into labels. The texts are neutral, so
// that there are no line ends to be escaped.
func labels(pairs ...string) string {
	var list []string
	for l := range slices.Chunk(pairs, 2) {
		list = append(list, l[0]+`="`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(l[1])+`"`)
	}
	return strings.Join(list, ",")
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func (p *metrics) run(r *report.Result) {
	p.family("modferry_info", "gauge", "The tool that made the run.", family{labels("tool", failure.Plain(r.Tool)): 1})
	outcomes := family{}
	for _, o := range report.Outcomes {
		outcomes[labels("outcome", string(o))] = truth(r.Outcome == o)
	}
	p.family("modferry_outcome", "gauge", "1 for the outcome of the run, 0 for the others.", outcomes)
	p.family("modferry_interrupted", "gauge", "1 when the run was interrupted.", family{"": truth(r.Interrupted)})
	p.family("modferry_run_duration_seconds", "gauge", "How long the run took.", family{"": r.Totals.MS / 1000})
	p.family("modferry_received_bytes", "gauge", "Bytes received from mirrors and cache, failed attempts included.", family{"": float64(r.Totals.Bytes)})
	if t, err := time.Parse(time.RFC3339, r.Started); err == nil {
		p.family("modferry_run_start_timestamp_seconds", "gauge", "When the run began.", family{"": float64(t.Unix())})
	}
}

func (p *metrics) files(r *report.Result) {
	files := family{}
	for _, s := range []string{report.FromPresent, report.FromCache, report.FromMirror, report.FromDeferred, report.FromFailed} {
		files[labels("source", s)] = 0
	}
	for _, m := range r.Modules {
		source := m.Source
		if m.Failed() {
			source = report.FromFailed
		}
		files[labels("source", source)]++
	}
	p.family("modferry_files", "gauge", "Files of the work list by where they came from.", files)
	findings := family{}
	for _, f := range r.Findings {
		findings[labels("severity", failure.Neutral(string(f.Severity)))]++
	}
	p.family("modferry_findings", "gauge", "Remarks on the configuration.", findings)
}

// histogram counts durations up to each of its bounds, in seconds; its last
// bucket is unbounded.
type histogram struct {
	bounds  []float64
	buckets []int
	sum     float64
}

func newHistogram(bounds []float64) *histogram {
	return &histogram{bounds: bounds, buckets: make([]int, len(bounds)+1)}
}

func (h *histogram) observe(seconds float64) {
	i := slices.IndexFunc(h.bounds, func(bound float64) bool { return seconds <= bound })
	if i < 0 {
		i = len(h.bounds)
	}
	h.buckets[i]++
	h.sum += seconds
}

func (p *metrics) downloads(r *report.Result) {
	total, bytes := family{}, family{}
	whole, phases := map[string]*histogram{}, map[string]*histogram{}
	for _, m := range r.Modules {
		for _, a := range m.Attempts {
			mirror := failure.Plain(a.Mirror)
			class := "ok"
			if a.Class != "" {
				class = failure.Neutral(string(a.Class))
			}
			total[labels("mirror", mirror, "class", class)]++
			bytes[labels("mirror", mirror)] += float64(max(a.Bytes, 0))
			for i, s := range render.Stages {
				by, bounds, series := phases, latencies(), labels("mirror", mirror, "phase", s.Key)
				if i == len(render.Stages)-1 {
					by, bounds, series = whole, durations(), labels("mirror", mirror)
				}
				ms := s.Of(a)
				if ms == nil {
					continue
				}
				if by[series] == nil {
					by[series] = newHistogram(bounds)
				}
				by[series].observe(max(*ms, 0) / 1000)
			}
		}
	}
	p.family("modferry_downloads_total", "counter", "Requests for files by mirror and failure class, ok for success.", total)
	p.family("modferry_download_bytes_total", "counter", "Bytes of files that a mirror sent, failed attempts included.", bytes)
	p.histograms("modferry_download_duration_seconds", "How long a successful request for a file took.", whole)
	p.histograms("modferry_download_phase_duration_seconds", "How long the phases of requests for files took, where they were measured.", phases)
	codes := family{}
	for _, mirror := range slices.Sorted(maps.Keys(r.StatusCodes)) {
		for code, n := range r.StatusCodes[mirror] {
			codes[labels("mirror", failure.Plain(mirror), "code", failure.Neutral(code))] += float64(max(n, 0))
		}
	}
	p.family("modferry_http_responses_total", "counter", "Responses by mirror and status code.", codes)
}

// histograms writes a metric of histograms by their labels, unless there are
// none.
func (p *metrics) histograms(name, help string, all map[string]*histogram) {
	if len(all) > 0 {
		p.head(name, "histogram", help)
	}
	for _, series := range slices.Sorted(maps.Keys(all)) {
		h, n := all[series], 0
		for i, in := range h.buckets {
			n += in
			bound := "+Inf"
			if i < len(h.bounds) {
				bound = strconv.FormatFloat(h.bounds[i], 'g', -1, 64)
			}
			p.sample(name+"_bucket", series+","+labels("le", bound), float64(n))
		}
		p.sample(name+"_sum", series, h.sum)
		p.sample(name+"_count", series, float64(n))
	}
}

func (p *metrics) mirrors(r *report.Result) {
	states, ranks, times := family{}, family{}, family{}
	for _, m := range r.Mirrors {
		url := failure.Plain(m.URL)
		states[labels("mirror", url, "state", failure.Neutral(m.State))] = 1
		ranks[labels("mirror", url)] = float64(m.Rank)
		for _, p := range render.Phases {
			if ms := p.OfProbe(m); ms != nil {
				times[labels("mirror", url, "phase", p.Key)] = *ms / 1000
			}
		}
	}
	p.family("modferry_mirror_state", "gauge", "1 for the state that a mirror was in over the whole run.", states)
	p.family("modferry_mirror_rank", "gauge", "Place of a mirror in the chosen chain, 0 when it is left out.", ranks)
	p.family("modferry_mirror_phase_seconds", "gauge", "Time of the phases of the preflight's request.", times)
	if r.SumDB != nil {
		p.family("modferry_sumdb_reachable", "gauge", "1 when the checksum database could be reached.",
			family{labels("name", failure.Plain(r.SumDB.Name)): truth(r.SumDB.Reachable)})
	}
}

func (p *metrics) cache(c report.Cache) {
	store := labels("store", failure.Plain(c.Store))
	p.family("modferry_cache_hit", "gauge", "1 for what the cache brought: exact, partial, miss, or off.",
		family{labels("store", failure.Plain(c.Store), "hit", failure.Neutral(c.Hit)): 1})
	if !c.Used() {
		return
	}
	p.family("modferry_cache_files", "gauge", "Files that came from the cache.", family{store: float64(c.Files)})
	p.family("modferry_cache_received_bytes", "gauge", "Bytes received from the cache.", family{store: float64(c.Bytes)})
	p.family("modferry_cache_restore_duration_seconds", "gauge", "How long the restore took.", family{store: c.MS / 1000})
	p.family("modferry_cache_rejected", "gauge", "Parts of the cache that were not let in.", family{store: float64(len(c.Rejected))})
	if c.Saved != nil {
		p.family("modferry_cache_saved_bytes", "gauge", "Bytes that the save wrote.", family{store: float64(c.Saved.Bytes)})
	}
}
