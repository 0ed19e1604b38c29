package relay_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

func TestAFileIsBroughtOnceHoweverManyAsk(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 3, 32<<10)
	release := make(chan struct{})
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.Always("*.zip", mirrortest.SlowFirstByte(release))}})
	bench := fetchtest.New(t, f, mirrortest.Checkout{})
	bench.Values.NoHedge = true
	b := open(t, bench, s.URL)
	const clients = 60
	// Over connections that are kept, as many clients share a relay.
	transport := &http.Transport{MaxIdleConnsPerHost: clients}
	defer transport.CloseIdleConnections()
	var wg sync.WaitGroup
	for i := range 3 * clients {
		wg.Go(func() {
			a := f.All()[i%3]
			resp, err := (&http.Client{Transport: transport}).Get(b.at.URL + "/" + a.Path + "/@v/" + a.Version.Version + ".zip")
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			if resp.StatusCode != 200 || resp.ContentLength != int64(len(a.Zip)) {
				t.Errorf("%d, %d bytes", resp.StatusCode, resp.ContentLength)
			}
		})
	}
	<-s.Arrived("*.zip", 3)
	close(release)
	wg.Wait()
	if n := s.Count("*.zip"); n != 3 {
		t.Errorf("%d requests for 3 zips", n)
	}
}

func TestCorner23AClientThatLeavesTakesNothingFromOthers(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 8<<10)
	release := make(chan struct{})
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.Always("*.zip", mirrortest.SlowFirstByte(release))}})
	bench := fetchtest.New(t, f, mirrortest.Checkout{})
	bench.Values.NoHedge = true
	b := open(t, bench, s.URL)
	path := "/" + f.All()[0].Path + "/@v/" + f.All()[0].Version.Version + ".zip"
	ctx, leave := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.at.URL+path, nil)
		if err != nil {
			t.Error(err)
			return
		}
		if resp, err := http.DefaultTransport.RoundTrip(req); err == nil {
			resp.Body.Close()
			t.Error("who left was answered")
		}
	})
	<-s.Arrived("*.zip", 1)
	wg.Go(func() {
		if resp, _ := b.get(path); resp.StatusCode != 200 {
			t.Errorf("who stayed was answered %d", resp.StatusCode)
		}
	})
	leave()
	close(release)
	wg.Wait()
	if resp, _ := b.get(path); resp.StatusCode != 200 || resp.Header.Get("X-Cache") != "HIT" {
		t.Errorf("answered %d %s", resp.StatusCode, resp.Header.Get("X-Cache"))
	}
}

func TestCorner21PartsAndValidators(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 8<<10)
	a := f.All()[0]
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := open(t, fetchtest.New(t, f, mirrortest.Checkout{}), s.URL)
	path := "/" + a.Path + "/@v/" + a.Version.Version + ".zip"
	resp, body := b.get(path)
	tag := resp.Header.Get("ETag")
	if resp.StatusCode != 200 || body != string(a.Zip) || !strings.HasPrefix(tag, `"`) || strings.Contains(tag, "h1") ||
		resp.Header.Get("X-Cache") != "MISS" || resp.Header.Get("Cache-Control") != "max-age=31536000, immutable" || resp.Header.Get("Content-Type") != "application/zip" {
		t.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	for _, test := range []struct {
		name, method string
		header       []string
		status       int
		body         string
	}{
		{"head", http.MethodHead, nil, 200, ""},
		{"part", http.MethodGet, []string{"Range", "bytes=100-199"}, 206, string(a.Zip[100:200])},
		{"rest of the same", http.MethodGet, []string{"Range", "bytes=100-", "If-Range", tag}, 206, string(a.Zip[100:])},
		{"rest of another", http.MethodGet, []string{"Range", "bytes=100-", "If-Range", `"other"`}, 200, string(a.Zip)},
		{"beyond the end", http.MethodGet, []string{"Range", "bytes=9999999-"}, 416, ""},
		{"the same", http.MethodGet, []string{"If-None-Match", tag}, 304, ""},
		{"another", http.MethodGet, []string{"If-None-Match", `"other"`}, 200, string(a.Zip)},
		{"posted", http.MethodPost, nil, 405, ""},
	} {
		resp, body := b.do(test.method, path, test.header...)
		if resp.StatusCode != test.status || test.body != "" && body != test.body {
			t.Errorf("%s: %d, %d bytes", test.name, resp.StatusCode, len(body))
		}
		if test.status < 300 && (resp.Header.Get("X-Cache") != "HIT" || resp.Header.Get("ETag") != tag) {
			t.Errorf("%s: %v", test.name, resp.Header)
		}
	}
	if s.Count("*.zip") != 1 {
		t.Errorf("the mirror was asked %d times", s.Count("*.zip"))
	}
}

func TestCorner07ListsGrowOldAndAreServedStale(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m@v1.0.0", "example.test/m@v1.1.0")
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := open(t, fetchtest.New(t, f, mirrortest.Checkout{}), s.URL)
	paths := map[string]string{"/example.test/m/@v/list": "v1.0.0\nv1.1.0\n", "/example.test/m/@latest": string(f.Get("example.test/m", "v1.1.0").Info)}
	ask := func(want string, cache string) {
		t.Helper()
		for path, text := range paths {
			resp, body := b.get(path)
			if resp.StatusCode != 200 || body != text || resp.Header.Get("X-Cache") != cache {
				t.Errorf("%s, %s: %s, want %s", want, path, describe(resp, body), cache)
			}
		}
	}
	conditional := func(r mirrortest.Request) bool { return r.Header.Get("If-None-Match") != "" }
	ask("new", "MISS")
	ask("young", "HIT")
	if n := s.Count("*"); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
	b.now.Add(61)
	ask("old", "MISS")
	asked := 0
	for _, r := range s.Requests() {
		if conditional(r) {
			asked++
		}
	}
	if asked != 2 {
		t.Errorf("%d conditional requests, want 2", asked)
	}
	b.now.Add(61)
	s.Fault(mirrortest.Always("", mirrortest.Status(500)))
	ask("old and no mirror", "STALE")
	s.Heal()
	b.now.Add(1)
	ask("old and the mirror is back", "MISS")

	// A gatekeeper's word is no failure to be hidden.
	b.now.Add(61)
	s.Fault(mirrortest.Always("", mirrortest.Status(403)))
	for path := range paths {
		if resp, body := b.get(path); resp.StatusCode != 403 {
			t.Error(describe(resp, body))
		}
	}
	if resp, body := b.get("/example.test/m/@v/list", "Disable-Module-Fetch", "true"); resp.StatusCode != 404 || resp.Header.Get("Cache-Control") != "no-store" {
		t.Error(describe(resp, body))
	}
}

// A go command probes every prefix of an import path.
func TestCorner11WhatNobodyHasIsNotAskedForAgainAtOnce(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m")
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := open(t, fetchtest.New(t, f, mirrortest.Checkout{}), s.URL+",direct")
	for range 3 {
		for _, path := range []string{"/example.test/@v/list", "/example.test/@latest", "/example.test/m/pkg/@v/list", "/example.test/m/@v/v9.9.9.info"} {
			if resp, body := b.get(path); resp.StatusCode != 404 {
				t.Error(describe(resp, body))
			}
		}
	}
	if n := s.Count("*"); n != 4 {
		t.Errorf("%d requests, want 4", n)
	}
	b.now.Add(61)
	b.get("/example.test/@v/list")
	if n := s.Count("*"); n != 5 {
		t.Errorf("%d requests, want 5", n)
	}
	if res := b.relay.Result(); len(res.Modules) != 0 {
		t.Errorf("in the result: %+v", res.Modules)
	}
}

func TestCorner06InfoIsVerbatimAndKept(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m")
	const info = `{"Version":"v1.0.0","Time":"2020-01-02T03:04:05Z","Origin":{"VCS":"git","URL":"https://example.test/m","TagSum":"t1:abc"},"Extra":1}`
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{
		mirrortest.Always("*.info", mirrortest.Body("application/json", []byte(info)))}})
	b := open(t, fetchtest.New(t, f, mirrortest.Checkout{}), s.URL)
	for i := range 3 {
		if resp, body := b.get("/example.test/m/@v/v1.0.0.info"); body != info {
			t.Error(describe(resp, body))
		}
		if resp, body := b.get("/example.test/m/@v/main.info"); body != info {
			t.Error(describe(resp, body))
		}
		if n := s.Count("*/v1.0.0.info"); n != 1 {
			t.Errorf("asked %d times", n)
		}
		if n := s.Count("*/main.info"); n != i+1 {
			t.Errorf("the branch was asked for %d times, want %d", n, i+1)
		}
		b.now.Add(61)
	}
	// One that names another version is none.
	if resp, body := b.get("/example.test/m/@v/v1.0.1.info"); resp.StatusCode != 502 || !strings.Contains(body, `names version "v1.0.0"`) {
		t.Error(describe(resp, body))
	}
}

func TestCorner10PathsOutsideOfTheProtocolAskNobody(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m")
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := open(t, fetchtest.New(t, f, mirrortest.Checkout{}), s.URL)
	for _, path := range []string{
		"/", "/example.test/m", "/example.test/m/@v/", "/example.test/m/@v/v1.0.0", "/example.test/m/@v/v1.0.0.exe", "/example.test/m/@v/v1.zip",
		"/example.test/m/@v/main.mod", "/example.test/M/@v/list", "/example.test/../m/@v/list", "/example.test//m/@v/list", "/example.test/m%00/@v/list",
		"/example.test/m/@v/..%2f..%2fx.info", "/example.test/m/@v/V1.0.0.zip", "/@v/list", "/@latest", "/example.test/m/@v/%2e%2e.info",
		"/sumdb/", "/sumdb/sum.example.test", "/sumdb/other.test/supported", "/sumdb/other.test/lookup/example.test/m@v1.0.0",
	} {
		if resp, body := b.get(path); resp.StatusCode != 404 {
			t.Errorf("%s: %s", path, describe(resp, body))
		}
	}
	if n := s.Count("*"); n != 0 {
		t.Errorf("%d requests: %v", n, s.Requests())
	}
}

func TestCorner10SpellingsOfOneFileAreOne(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/Upper/m/v2@v2.0.0-RC.1", "gopkg.in/yaml.v3@v3.0.1", "example.test/old@v3.0.0+incompatible", "example.test/p@v0.0.0-20200102030405-0123456789ab")
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := open(t, fetchtest.New(t, f, mirrortest.Checkout{}), s.URL)
	for _, path := range []string{
		"/example.test/!upper/m/v2/@v/v2.0.0-!r!c.1.zip", "/example.test/%21upper/m/v2/@v/v2.0.0-%21r%21c.1.zip",
		"/gopkg.in/yaml.v3/@v/v3.0.1.zip", "/example.test/old/@v/v3.0.0+incompatible.zip", "/example.test/old/@v/v3.0.0%2Bincompatible.zip",
		"/example.test/p/@v/v0.0.0-20200102030405-0123456789ab.zip",
	} {
		if resp, body := b.get(path); resp.StatusCode != 200 {
			t.Errorf("%s: %s", path, describe(resp, body))
		}
	}
	if n := s.Count("*.zip"); n != 4 {
		t.Errorf("%d requests for 4 zips", n)
	}
}

func TestCorner18OnlyTheSecretOpensTheRelay(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m")
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := open(t, fetchtest.New(t, f, mirrortest.Checkout{}), s.URL)
	right := b.at.URL
	host, _, _ := strings.Cut(strings.TrimPrefix(right, "http://"), "/")
	if !strings.HasPrefix(host, "127.0.0.1:") && !strings.HasPrefix(host, "[::1]:") || len(b.at.Secret) != 32 {
		t.Errorf("the relay is at %s", right)
	}
	for _, prefix := range []string{"", "/" + strings.Repeat("0", 32), "/" + b.at.Secret[:31], "//" + b.at.Secret} {
		b.at.URL = "http://" + host + prefix
		if resp, body := b.get("/example.test/m/@v/list"); resp.StatusCode != 404 || strings.Contains(body, "modferry") {
			t.Errorf("%q: %s", prefix, describe(resp, body))
		}
	}
	if s.Count("*") != 0 {
		t.Error("somebody without the secret had the mirror asked")
	}
	b.at.URL = right
}

func TestCredentialsAreInNoAnswer(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m")
	authority := mirrortest.NewAuthority(t)
	var echo atomic.Value
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Protocol: mirrortest.HTTP1TLS, Authority: authority, Faults: []mirrortest.Rule{
		mirrortest.Always("", func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
			user, password, _ := r.BasicAuth()
			echo.Store(password)
			http.Error(w, fmt.Sprintf("no access for %s with %s, %s", user, password, r.Header.Get("Authorization")), http.StatusForbidden)
		})}})
	bench := fetchtest.New(t, f, mirrortest.Checkout{})
	bench.Trust(authority)
	b := open(t, bench, s.WithUser("ci-bot:Sup3r-S3cr3t-Value")+",direct")
	for _, path := range []string{"/example.test/m/@v/v1.0.0.zip", "/example.test/m/@v/list"} {
		resp, body := b.get(path)
		if resp.StatusCode != 403 || strings.Contains(body, "Sup3r") || strings.Contains(body, "Basic Y") {
			t.Error(describe(resp, body))
		}
	}
	if echo.Load() != "Sup3r-S3cr3t-Value" {
		t.Error("the mirror got no credentials")
	}
	if text := fmt.Sprintf("%+v", b.relay.Result()); strings.Contains(text, "Sup3r") {
		t.Error("the result holds credentials")
	}
}

// A version is served from here to who wants no download, and nothing else is.
func TestDisableModuleFetch(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m")
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := open(t, fetchtest.New(t, f, mirrortest.Checkout{}), s.URL)
	const path = "/example.test/m/@v/v1.0.0.zip"
	if resp, body := b.get(path, "Disable-Module-Fetch", "true"); resp.StatusCode != 404 || resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("Vary") != "Disable-Module-Fetch" {
		t.Error(describe(resp, body))
	}
	if s.Count("*") != 0 {
		t.Error("the mirror was asked")
	}
	b.get(path)
	if resp, body := b.get(path, "Disable-Module-Fetch", "true"); resp.StatusCode != 200 {
		t.Error(describe(resp, body))
	}
}
