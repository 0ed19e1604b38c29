package export_test

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/export"
	"github.com/modferry/modferry/internal/report/reporttest"
)

// scrape reads the text exposition format as strictly as it is specified:
// HELP and TYPE before the samples of a metric, which stand together, every
// series once. It returns the samples by name and labels.
func scrape(t *testing.T, text []byte) map[string]float64 {
	t.Helper()
	var (
		comment = regexp.MustCompile(`^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$`)
		sample  = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\]|\\[\\"n])*",?)*)\})? (\S+)$`)
		suffix  = regexp.MustCompile(`_(bucket|sum|count)$`)
		samples = map[string]float64{}
		done    = map[string]bool{}
		current string
		kind    string
	)
	if !strings.HasSuffix(string(text), "\n") {
		t.Error("no line end at the end")
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if m := comment.FindStringSubmatch(line); m != nil {
			if m[1] == "HELP" {
				if done[m[2]] {
					t.Errorf("%s stands in two places", m[2])
				}
				done[m[2]], current, kind = true, m[2], ""
			} else if kind = m[3]; m[2] != current {
				t.Errorf("the type of %s stands with %s", m[2], current)
			}
			continue
		}
		m := sample.FindStringSubmatch(line)
		if m == nil {
			t.Errorf("not in the format: %q", line)
			continue
		}
		base := m[1]
		if kind == "histogram" {
			base = suffix.ReplaceAllString(base, "")
		}
		if base != current || kind == "" {
			t.Errorf("the sample %q stands with %s (%s)", line, current, kind)
		}
		value, err := strconv.ParseFloat(m[3], 64)
		if err != nil || math.IsNaN(value) {
			t.Errorf("the value of %q is none", line)
		}
		if kind == "counter" && (value < 0 || !strings.HasSuffix(m[1], "_total")) {
			t.Errorf("%q is no counter", line)
		}
		series := m[1] + "{" + m[2] + "}"
		if _, twice := samples[series]; twice {
			t.Errorf("the series %s stands twice", series)
		}
		samples[series] = value
	}
	return samples
}

func TestPrometheusIsAsInTheGoldenFiles(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"good", "gatekeeper", "nothing-needed"} {
		reporttest.Golden(t, "testdata/"+name+".prom", reporttest.Rendered(t, export.Prometheus, reporttest.Fixtures()[name]))
	}
}

func TestPrometheusIsInTheFormat(t *testing.T) {
	t.Parallel()
	all := reporttest.Fixtures()
	all["evil"] = reporttest.Hostile(reporttest.Evil)
	for name, r := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := reporttest.Rendered(t, export.Prometheus, r)
			reporttest.Harmless(t, name, text)
			if n := len(scrape(t, text)); n < 10 {
				t.Errorf("%d samples, want at least the outcome and the files", n)
			}
		})
	}
}

func TestPrometheusCountsDownloadsByMirrorAndClass(t *testing.T) {
	t.Parallel()
	got := scrape(t, reporttest.Rendered(t, export.Prometheus, reporttest.Good()))
	for series, want := range map[string]float64{
		`modferry_downloads_total{mirror="` + reporttest.Goproxy + `",class="ok"}`:                 25,
		`modferry_downloads_total{mirror="` + reporttest.Goproxy + `",class="server_error"}`:       1,
		`modferry_downloads_total{mirror="` + reporttest.Goproxy + `",class="stall"}`:              1,
		`modferry_downloads_total{mirror="` + reporttest.Company + `",class="ok"}`:                 3,
		`modferry_download_duration_seconds_count{mirror="` + reporttest.Goproxy + `"}`:            25,
		`modferry_download_duration_seconds_bucket{mirror="` + reporttest.Goproxy + `",le="+Inf"}`: 25,
		`modferry_download_duration_seconds_bucket{mirror="` + reporttest.Company + `",le="0.05"}`: 3,
		`modferry_files{source="mirror"}`:                                                          28,
		`modferry_files{source="failed"}`:                                                          0,
		`modferry_outcome{outcome="ok"}`:                                                           1,
		`modferry_outcome{outcome="integrity"}`:                                                    0,
		`modferry_cache_hit{store="gha",hit="partial"}`:                                            1,
		`modferry_cache_files{store="gha"}`:                                                        20,
		`modferry_http_responses_total{mirror="` + reporttest.Goproxy + `",code="503"}`:            1,
		`modferry_mirror_state{mirror="` + reporttest.Company + `",state="slow"}`:                  1,
		`modferry_mirror_phase_seconds{mirror="` + reporttest.Company + `",phase="first_byte"}`:    1.204,
		`modferry_run_duration_seconds{}`:                                                          4.912,
		`modferry_sumdb_reachable{name="sum.example.test"}`:                                        1,
	} {
		if value, there := got[series]; !there || value != want {
			t.Errorf("%s is %v (there: %v), want %v", series, value, there, want)
		}
	}
}

func TestPrometheusHistogramsAreCumulative(t *testing.T) {
	t.Parallel()
	r := &report.Result{Outcome: report.OK}
	for i, ms := range []float64{10, 50, 51, 700, 1e6} {
		r.Modules = append(r.Modules, report.Module{Path: fmt.Sprintf("example.test/m%d", i), Version: "v1.0.0", Source: report.FromMirror,
			Attempts: []report.Attempt{{Mirror: reporttest.Goproxy, Status: 200, MS: ms}}})
	}
	got := scrape(t, reporttest.Rendered(t, export.Prometheus, r))
	const name = `modferry_download_duration_seconds_bucket{mirror="` + reporttest.Goproxy + `",le=`
	for bound, want := range map[string]float64{"0.05": 2, "0.1": 3, "0.5": 3, "1": 4, "120": 4, "+Inf": 5} {
		if value := got[name+`"`+bound+`"}`]; value != want {
			t.Errorf("%v downloads took up to %s s, want %v", value, bound, want)
		}
	}
	if sum := got[`modferry_download_duration_seconds_sum{mirror="`+reporttest.Goproxy+`"}`]; math.Abs(sum-1000.811) > 1e-9 {
		t.Errorf("the sum is %v s, want 1000.811", sum)
	}
}

func TestPrometheusAddsMirrorsUpThatLookAlikeWhenRedacted(t *testing.T) {
	t.Parallel()
	r := &report.Result{Outcome: report.OK}
	for _, password := range []string{"one", "two"} {
		r.Modules = append(r.Modules, report.Module{Path: "example.test/" + password, Source: report.FromMirror,
			Attempts: []report.Attempt{{Mirror: "https://u:" + password + "@m.example.test", Bytes: 5}}})
	}
	var sum float64
	for series, value := range scrape(t, reporttest.Rendered(t, export.Prometheus, r)) {
		if strings.HasPrefix(series, "modferry_download_bytes_total") {
			sum += value
		}
	}
	if sum != 10 {
		t.Errorf("%v bytes, want 10", sum)
	}
}
