// Package watch sees what a relay does: it counts for Prometheus, writes an access log,
// and has every request belong to a trace.
//
// Its main invariant: no name of a module gets into a metric. Who may read metrics need
// not know what a company builds, and names without end are labels without end.
package watch

import (
	"context"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/modferry/modferry/internal/httpx"
	"github.com/modferry/modferry/internal/report"
)

// Watch sees what a relay does. It is safe for concurrent use.
type Watch struct {
	*Metrics
	log, plain *slog.Logger
	writeLimit time.Duration
}

// New is a watch that logs to log; plain is a faster way to the same place for lines in
// which no text from outside can do or tell anything. A client that takes nothing
// for writeLimit loses its connection; 0 means that it may take as long as it likes.
func New(m *Metrics, log, plain *slog.Logger, writeLimit time.Duration) *Watch {
	return &Watch{Metrics: m, log: log, plain: plain, writeLimit: writeLimit}
}

// Handler watches next.
func (x *Watch) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		trace, _, ok := httpx.ParseTrace(r.Header.Get("Traceparent"))
		if !ok {
			trace = httpx.NewTrace()
		}
		span := httpx.NewSpan()
		w.Header().Set("Traceresponse", trace.Parent(span))
		a := &answer{ResponseWriter: w, limit: x.writeLimit}
		x.inFlight.Inc()
		defer func() {
			x.inFlight.Dec()
			x.answered(r, a, trace, span, time.Since(began))
		}()
		next.ServeHTTP(a, r.WithContext(httpx.WithTrace(r.Context(), trace)))
	})
}

// answered notes an answer. One without a status was not waited for.
func (x *Watch) answered(r *http.Request, a *answer, trace httpx.Trace, span httpx.Span, took time.Duration) {
	cache := a.Header().Get("X-Cache")
	kind := kindOf(r.URL.Path)
	x.count(kind, a, cache, took)
	if !x.log.Enabled(r.Context(), slog.LevelInfo) {
		return
	}
	log := x.log
	if r.Method == http.MethodGet && a.status < http.StatusBadRequest && plain(r.URL.Path) {
		log = x.plain
	}
	attrs := make([]slog.Attr, 0, 10)
	attrs = append(attrs,
		slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Int("status", a.status), slog.Int64("bytes", a.bytes),
		slog.Float64("ms", float64(took.Microseconds())/1000))
	if cache != "" {
		attrs = append(attrs, slog.String("cache", cache))
	}
	attrs = append(attrs, slog.String("remote", r.RemoteAddr), slog.String("trace", trace.ID()), slog.String("span", span.String()))
	log.LogAttrs(r.Context(), slog.LevelInfo, "request", attrs...)
}

// Brought notes a file or page that mirrors were asked for, as session.Options have
// it: a line for each attempt.
func (x *Watch) Brought(m report.Module) {
	x.upstream(m)
	for _, a := range m.Attempts {
		level, ctx := slog.LevelInfo, context.Background()
		if a.Class != "" {
			level = slog.LevelWarn
		}
		if !x.log.Enabled(ctx, level) {
			continue
		}
		attrs := []slog.Attr{slog.String("mirror", a.Mirror), slog.String("kind", m.Kind)}
		switch {
		case m.Path == "": // of the checksum database
		case kindOf("/@v/x."+m.Kind) == "other": // a list, whose version is none
			attrs = append(attrs, slog.String("module", m.Path))
		default:
			attrs = append(attrs, slog.String("module", m.Path+"@"+m.Version))
		}
		attrs = append(attrs, slog.Int("status", a.Status), slog.Int64("bytes", a.Bytes), slog.Float64("ms", math.Round(1000*a.MS)/1000))
		if a.Class != "" {
			attrs = append(attrs, slog.String("class", string(a.Class)), slog.String("detail", a.Detail))
		}
		if a.Hedge {
			attrs = append(attrs, slog.Bool("hedge", true))
		}
		if m.Trace != "" {
			attrs = append(attrs, slog.String("trace", m.Trace), slog.String("span", a.Span))
		}
		x.log.LogAttrs(ctx, level, "attempt", attrs...)
	}
}

// plain reports whether a path that was answered is that of a module, or of the checksum
// database, and nothing else.
func plain(path string) bool {
	for i := range len(path) {
		switch c := path[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("/.-_~!@+", c) >= 0:
		default:
			return false
		}
	}
	return true
}

// kindOf is what a path asks for, of a few words.
func kindOf(path string) string {
	switch {
	case strings.HasPrefix(path, "/sumdb/"):
		return "sumdb"
	case strings.HasSuffix(path, "/@latest"):
		return "latest"
	case !strings.Contains(path, "/@v/"):
	case strings.HasSuffix(path, ".mod"):
		return "mod"
	case strings.HasSuffix(path, ".zip"):
		return "zip"
	case strings.HasSuffix(path, ".info"):
		return "info"
	case strings.HasSuffix(path, "/list"):
		return "list"
	}
	return "other"
}
