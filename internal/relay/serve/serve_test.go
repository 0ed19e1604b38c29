package serve_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/relay/serve"
	"github.com/modferry/modferry/internal/report"
)

func modules(t *testing.T, paths ...string) *mirrortest.Fixtures {
	t.Helper()
	var all []mirrortest.Module
	for _, p := range paths {
		all = append(all, mirrortest.Module{Path: p, Version: "v1.0.0", Size: 2000})
	}
	return mirrortest.Build(t, all...)
}

// A server knows no go.sum: the checksum database says what is right, to it and, through
// it, to the go command.
// In a job whose variables are also its services', GOPROXY of the relay is the relay.
func TestARelayThatAsksItselfSaysSo(t *testing.T) {
	t.Parallel()
	var b *bench
	front := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = "http", strings.TrimPrefix(b.url, "http://")
	}})
	t.Cleanup(front.Close)
	b = newBench(t, front.URL)
	b.flags["retries"] = "0"
	b.start()
	resp, err := b.client.Get(b.url + "/example.test/m/@v/v1.0.0.zip")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode == http.StatusOK || !strings.Contains(string(body), "asks itself") {
		t.Errorf("%s, %v:\n%s", resp.Status, err, body)
	}
}

func TestAGoCommandDownloadsThroughAServer(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 12, 4<<10)
	db := mirrortest.NewSumDB(t, f)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, SumDB: db, Faults: []mirrortest.Rule{
		mirrortest.FirstOfEach(1, "*.zip", mirrortest.Status(503))}})
	b := newBench(t, s.URL)
	b.env["GOSUMDB"], b.token = db.Key, token
	b.start()
	dir := t.TempDir()
	f.WriteCheckout(t, dir, mirrortest.Checkout{})
	if err := os.Remove(filepath.Join(dir, "go.sum")); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time from what is kept
		if out, err := b.gocmd(b.url+"/"+token+",direct", dir, []string{"GOFLAGS=-modcacherw -mod=mod"}, "list", "-deps", "./..."); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	if n := s.Count("*.zip"); n != 24 { // one failure each
		t.Errorf("%d requests for 12 zips", n)
	}
	_, body := b.get("/" + token + "/result?format=json")
	var res report.Result
	if err := json.Unmarshal([]byte(body), &res); err != nil || res.Outcome != report.OK || res.SumDB == nil || !res.SumDB.Reachable {
		t.Errorf("%v %s %+v", err, res.Outcome, res.SumDB)
	}
	if strings.Contains(b.log.String(), token) {
		t.Error("the log shows the token")
	}
	if out, err := b.gocmd(b.url+",direct", dir, []string{"GOFLAGS=-modcacherw -mod=mod"}, "list", "-deps", "./..."); err == nil || !strings.Contains(out, "a token is needed") {
		t.Errorf("without a token: %v\n%s", err, out)
	}
}

func TestReadinessComesLastAndGoesFirst(t *testing.T) {
	t.Parallel()
	mirror := mirrortest.Start(t, mirrortest.Options{Fixtures: modules(t, "example.test/m")})
	b := newBench(t, mirror.URL)
	before, err := serve.NotBegun(b.options())
	if err != nil {
		t.Fatal(err)
	}
	s, _, end, err := serve.Begun(t.Context(), b.options())
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	check := func(what string, h http.Handler, path string, want int) {
		t.Helper()
		if w := record(h, path); w.Code != want {
			t.Errorf("%s: %s answers %d, want %d", what, path, w.Code, want)
		}
	}
	check("not begun", before, "/readyz", 503)
	check("not begun", before, "/healthz", 200)
	check("not begun", before, "/metrics", 200)
	check("begun", s, "/readyz", 200)
	serve.Leave(s)
	check("about to stop", s, "/readyz", 503)
	check("about to stop", s, "/healthz", 200)
	check("about to stop", s, "/example.test/m/@v/v1.0.0.mod", 200)
}

// What is being answered when the server is asked to stop, is answered.
func TestAnswersUnderWayAreFinished(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	f := modules(t, "example.test/m")
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.FirstOfEach(1, "*.mod", mirrortest.SlowFirstByte(release))}})
	b := newBench(t, s.URL).start()
	answered := make(chan string)
	go func() {
		resp, body := b.get("/example.test/m/@v/v1.0.0.mod")
		answered <- fmt.Sprint(resp.StatusCode, " ", body)
	}()
	<-s.Arrived("*.mod", 1)
	b.stop()
	close(release)
	if got := <-answered; got != "200 "+string(f.Get("example.test/m", "v1.0.0").Mod) {
		t.Errorf("answered %q", got)
	}
	if err := <-b.stopped; err != nil {
		t.Error(err)
	}
	b.stopped <- nil
}

func TestMetricsHaveNoNamesOfModules(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/secretly", "example.test/other")
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{
		mirrortest.FirstOfEach(1, "*secretly*.zip", mirrortest.Status(503))}})
	b := newBench(t, s.URL).start()
	for _, path := range []string{"/example.test/secretly/@v/v1.0.0.zip", "/example.test/secretly/@v/v1.0.0.zip", "/example.test/secretly/@v/list",
		"/example.test/secretly/@latest", "/example.test/other/@v/v1.0.0.info", "/example.test/missing/@v/v1.0.0.mod", "/secretly", "/sumdb/secretly/supported"} {
		b.get(path)
	}
	resp, body := b.get("/metrics")
	if resp.StatusCode != 200 || strings.Contains(body, "secretly") || strings.Contains(body, "v1.0.0") {
		t.Errorf("%d\n%s", resp.StatusCode, body)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	value := func(name string, labels ...string) float64 {
		for _, m := range families[name].GetMetric() {
			found := 0
			for i := 0; i < len(labels); i += 2 {
				for _, l := range m.GetLabel() {
					if l.GetName() == labels[i] && l.GetValue() == labels[i+1] {
						found++
					}
				}
			}
			if found == len(labels)/2 {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
		return 0
	}
	for _, want := range []struct {
		name   string
		labels []string
		least  float64
	}{
		{"modferry_requests_total", []string{"kind", "zip", "code", "200"}, 2},
		{"modferry_requests_total", []string{"kind", "mod", "code", "404"}, 1},
		{"modferry_cache_total", []string{"cache", "HIT"}, 1},
		{"modferry_cache_total", []string{"cache", "MISS"}, 4},
		{"modferry_request_seconds", []string{"cache", "HIT"}, 1},
		{"modferry_response_bytes_total", nil, 4000},
		{"modferry_unverified_total", nil, 2},
		{"modferry_upstream_requests_total", []string{"mirror", s.URL, "code", "200"}, 4},
		{"modferry_upstream_requests_total", []string{"mirror", s.URL, "code", "503"}, 1},
		{"modferry_upstream_failures_total", []string{"mirror", s.URL, "class", "server_error"}, 1},
		{"modferry_upstream_failures_total", []string{"mirror", s.URL, "class", "not_found"}, 1},
		{"modferry_upstream_retries_total", nil, 1},
		{"modferry_upstream_bytes_total", []string{"mirror", s.URL}, 2000},
		{"modferry_upstream_seconds", []string{"phase", "first-byte"}, 5},
		{"modferry_mirror_up", []string{"mirror", s.URL}, 1},
		{"go_goroutines", nil, 1},
		{"modferry_kept_files", nil, 1},
		{"modferry_config_last_reload_successful", nil, 1},
		{"modferry_build_info", []string{"version", "modferry test"}, 1},
	} {
		if got := value(want.name, want.labels...); got < want.least {
			t.Errorf("%s %v is %v, want %v at least", want.name, want.labels, got, want.least)
		}
	}
	if got := value("modferry_in_flight"); got != 0 {
		t.Errorf("in flight: %v", got)
	}
}

func TestTheResultSoFar(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m")
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := newBench(t, s.URL)
	b.token = token
	b.start()
	b.get("/" + token + "/example.test/m/@v/v1.0.0.zip")
	for _, test := range []struct {
		path, accept, contentType, has string
		status                         int
	}{
		{"/result", "", "text/plain; charset=utf-8", "a token is needed", 401},
		{"/" + token + "/result", "", "application/json", `"path": "example.test/m"`, 200},
		{"/" + token + "/result", "text/html,*/*", "text/html; charset=utf-8", "example.test/m", 200},
		{"/" + token + "/result?format=html", "", "text/html; charset=utf-8", "<!DOCTYPE html>", 200},
		{"/" + token + "/result?format=json", "text/html", "application/json", `"schema"`, 200},
		{"/" + token + "/result?format=pdf", "", "text/plain; charset=utf-8", "format=html", 400},
	} {
		resp, body := b.get(test.path, "Accept", test.accept)
		if resp.StatusCode != test.status || resp.Header.Get("Content-Type") != test.contentType || !strings.Contains(strings.ToLower(body), strings.ToLower(test.has)) || strings.Contains(body, token) {
			t.Errorf("%s as %q: %d %s\n%.300s", test.path, test.accept, resp.StatusCode, resp.Header.Get("Content-Type"), body)
		}
	}
}

func TestARequestCanBeFollowed(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m")
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.FirstOfEach(1, "*.mod", mirrortest.Status(502))}})
	b := newBench(t, s.URL).start()
	const id = "0af7651916cd43dd8448eb211c80319c"
	resp, _ := b.get("/example.test/m/@v/v1.0.0.mod", "Traceparent", "00-"+id+"-b7ad6b7169203331-01")
	if got := resp.Header.Get("Traceresponse"); !strings.HasPrefix(got, "00-"+id) {
		t.Errorf("answered with %q", got)
	}
	spans := map[string]bool{}
	for _, r := range s.Requests() {
		parent := r.Header.Get("Traceparent")
		if len(parent) != 55 || parent[3:35] != id || spans[parent[36:52]] {
			t.Errorf("%s was asked with %q", r.Path, parent)
			continue
		}
		spans[parent[36:52]] = true
		if lines := b.log.lines("msg=attempt", "trace="+id, "span="+parent[36:52], "mirror="+s.URL); len(lines) != 1 {
			t.Errorf("in the log: %q", lines)
		}
	}
	if len(spans) != 2 {
		t.Errorf("%d attempts", len(spans))
	}
	if lines := b.log.lines("msg=request", "trace="+id, "status=200", "cache=MISS", "path=/example.test/m/@v/v1.0.0.mod"); len(lines) != 1 {
		t.Errorf("in the log: %q", lines)
	}
	// Without one, a trace begins here.
	if resp, _ := b.get("/example.test/m/@v/list"); len(resp.Header.Get("Traceresponse")) != 55 || strings.Contains(resp.Header.Get("Traceresponse"), id) {
		t.Errorf("answered with %q", resp.Header.Get("Traceresponse"))
	}
}

// More requests than are allowed at a time wait for each other.
func TestRequestsWaitForAPlace(t *testing.T) {
	t.Parallel()
	var paths []string
	for i := range 8 {
		paths = append(paths, fmt.Sprintf("example.test/m%d", i))
	}
	f := modules(t, paths...)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := newBench(t, s.URL)
	b.flags["max-requests"] = "1"
	b.start()
	var wg sync.WaitGroup
	for _, p := range paths {
		wg.Go(func() {
			if resp, body := b.get("/" + p + "/@v/v1.0.0.zip"); resp.StatusCode != http.StatusOK {
				t.Errorf("%d %.100s", resp.StatusCode, body)
			}
		})
	}
	wg.Wait()
	if n := s.Peak(); n > 1 {
		t.Errorf("%d requests to the mirror at a time", n)
	}
}

// One replica downloads, and goes; another one has it all from the store, with every
// mirror down.
func TestReplicasServeWhatTheOthersDownloaded(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m")
	db := mirrortest.NewSumDB(t, f)
	dead := mirrortest.Always("*/@v/*", mirrortest.Status(500))
	up := mirrortest.Start(t, mirrortest.Options{Fixtures: f, SumDB: db})
	down := mirrortest.Start(t, mirrortest.Options{Fixtures: f, SumDB: db, Faults: []mirrortest.Rule{dead}})
	shared := "dir:" + t.TempDir()
	for _, s := range []*mirrortest.Server{up, down} {
		b := newBench(t, s.URL)
		b.flags["shared-store"], b.env["GOSUMDB"] = shared, db.Key
		b.start()
		for _, kind := range []string{"mod", "zip"} {
			want := map[*mirrortest.Server]string{up: "MISS", down: "STORE"}[s]
			resp, body := b.get("/example.test/m/@v/v1.0.0." + kind)
			if resp.StatusCode != 200 || resp.Header.Get("X-Cache") != want || body != string(f.Get("example.test/m", "v1.0.0").File(kind)) {
				t.Errorf("%s: %d %s, want %s", kind, resp.StatusCode, resp.Header.Get("X-Cache"), want)
			}
		}
		b.stop()
		if err := <-b.stopped; err != nil {
			t.Error(err)
		}
		b.stopped <- nil
	}
}
