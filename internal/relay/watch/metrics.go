package watch

import (
	"bytes"
	"cmp"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/prometheus/common/expfmt"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/relay/keep"
	"github.com/modferry/modferry/internal/report"
)

// Mirror is how a mirror is doing when metrics are read.
type Mirror struct {
	Name string // redacted
	Up   bool   // others are not asked first
}

// State is what is read when metrics are.
type State struct {
	Keep    keep.Stats
	Mirrors []Mirror
}

// Metrics are those of a relay. They are safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry

	requests *prometheus.CounterVec // kind, code
	seconds  *prometheus.HistogramVec
	caches   *prometheus.CounterVec
	sent     prometheus.Counter
	refused  *prometheus.CounterVec
	inFlight prometheus.Gauge

	asked      *prometheus.CounterVec // mirror, code
	failures   *prometheus.CounterVec // mirror, class
	phases     *prometheus.HistogramVec
	received   *prometheus.CounterVec
	retries    prometheus.Counter
	hedges     prometheus.Counter
	unverified prometheus.Counter

	reloads  *prometheus.CounterVec
	reloaded prometheus.Gauge
	last     prometheus.Gauge

	gather sync.Mutex // a scrape at a time
}

// seconds of answers: from memory, from disk, over a network, after failures.
var buckets = []float64{.001, .005, .02, .1, .3, 1, 3, 10, 30, 100}

// NewMetrics are metrics of a program, e.g. "modferry 1.2.3". state is read at each scrape.
func NewMetrics(tool string, state func() State) *Metrics {
	const ns = "modferry"
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: ns, Name: name, Help: help}, labels)
	}
	histogram := func(name, help string, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: ns, Name: name, Help: help, Buckets: buckets}, labels)
	}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: ns, Name: name, Help: help})
	}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: ns, Name: name, Help: help})
	}
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: counters("requests_total", "Requests answered, by what they ask for and status; 0 for clients that did not wait.", "kind", "code"),
		seconds:  histogram("request_seconds", "Time to the end of an answer, by X-Cache.", "cache"),
		caches:   counters("cache_total", "Answers by X-Cache: HIT, MISS, STORE, STALE.", "cache"),
		sent:     counter("response_bytes_total", "Bytes of bodies sent to clients."),
		refused:  counters("refused_total", "Requests refused before they were looked at.", "reason"),
		inFlight: gauge("in_flight", "Requests being answered."),

		asked:      counters("upstream_requests_total", "Attempts at mirrors and the checksum database, by status; none where no response came.", "mirror", "code"),
		failures:   counters("upstream_failures_total", "Requests that failed, by failure class.", "mirror", "class"),
		phases:     histogram("upstream_seconds", "Time of the phases of a request to a mirror.", "phase"),
		received:   counters("upstream_bytes_total", "Bytes of bodies received.", "mirror"),
		retries:    counter("upstream_retries_total", "Further requests for a file or page after one that failed."),
		hedges:     counter("upstream_hedges_total", "Second requests that won because the first was slow."),
		unverified: counter("unverified_total", "Answers with files that nobody knows a hash of."),

		reloads:  counters("config_reloads_total", "Attempts to take over changed files, by result.", "result"),
		reloaded: gauge("config_last_reload_successful", "1 if the files are in use as they are now."),
		last:     gauge("config_last_reload_success_timestamp_seconds", "When files were taken over last."),
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: ns, Name: "build_info", Help: "Always 1.", ConstLabels: prometheus.Labels{"version": tool}})
	info.Set(1)
	m.registry.MustRegister(m.requests, m.seconds, m.caches, m.sent, m.refused, m.inFlight, m.asked, m.failures, m.phases, m.received,
		m.retries, m.hedges, m.unverified, m.reloads, m.reloaded, m.last, info, newStates(state),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))

	return m
}

// ServeHTTP answers with the metrics as text. promhttp would do it as well, and make
// the program larger by all compressions that it knows.
func (m *Metrics) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	m.gather.Lock()
	defer m.gather.Unlock()
	families, err := m.registry.Gather()
	var text bytes.Buffer
	for _, f := range families {
		if _, werr := expfmt.MetricFamilyToText(&text, f); err == nil {
			err = werr
		}
	}
	if err != nil {
		http.Error(w, "metrics cannot be gathered: "+failure.Plain(err.Error()), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", string(expfmt.NewFormat(expfmt.TypeTextPlain)))
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(text.Bytes()) // a client that is gone is no concern of ours
}

func (m *Metrics) count(kind string, a *answer, cache string, took time.Duration) {
	m.requests.WithLabelValues(kind, strconv.Itoa(a.status)).Inc()
	m.seconds.WithLabelValues(cmp.Or(cache, "none")).Observe(took.Seconds())
	if cache != "" {
		m.caches.WithLabelValues(cache).Inc()
	}
	if a.bytes > 0 {
		m.sent.Add(float64(a.bytes))
	}
	if a.Header().Get("X-Modferry-Verified") == "no" {
		m.unverified.Inc()
	}
}

// upstream counts the attempts at a file or page.
func (m *Metrics) upstream(f report.Module) {
	for i, a := range f.Attempts {
		code := "none"
		if a.Status != 0 {
			code = strconv.Itoa(a.Status)
		}
		m.asked.WithLabelValues(a.Mirror, code).Inc()
		if a.Class != "" {
			m.failures.WithLabelValues(a.Mirror, string(a.Class)).Inc()
		}
		m.received.WithLabelValues(a.Mirror).Add(float64(a.Bytes))
		if i > 0 {
			m.retries.Inc()
		}
		if a.Hedge {
			m.hedges.Inc()
		}
		for phase, ms := range map[string]*float64{"lookup": a.DNSMS, "connect": a.ConnectMS, "tls": a.TLSMS, "first-byte": a.FirstByteMS, "total": &a.MS} {
			if ms != nil {
				m.phases.WithLabelValues(phase).Observe(*ms / 1000)
			}
		}
	}
}

// Refused counts a request that was refused for a reason of a few words.
func (m *Metrics) Refused(reason string) { m.refused.WithLabelValues(reason).Inc() }

// Reloaded notes whether changed files were taken over.
func (m *Metrics) Reloaded(ok bool, now time.Time) {
	result, up := "failed", 0.0
	if ok {
		result, up = "ok", 1
		m.last.Set(float64(now.UnixMilli()) / 1000)
	}
	m.reloads.WithLabelValues(result).Inc()
	m.reloaded.Set(up)
}
