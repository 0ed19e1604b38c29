package ghatest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/modferry/modferry/internal/store/gha/ghatest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// client sends requests to a server.
type client struct {
	*testing.T
	s *ghatest.Server
}

// do returns the status and the body of the answer, and its header.
func (c client) do(method, url, body string, header ...string) (int, string, http.Header) {
	c.Helper()
	req, err := http.NewRequestWithContext(c.Context(), method, url, strings.NewReader(body))
	if err != nil {
		c.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := c.s.Transport().RoundTrip(req)
	if err != nil {
		c.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		c.Fatal(err)
	}
	return resp.StatusCode, string(data), resp.Header
}

// call makes a call of v2.
func (c client) call(method, body string) (int, map[string]any) {
	c.Helper()
	status, text, _ := c.do("POST", c.s.URL+"/twirp/github.actions.results.api.v1.CacheService/"+method, body,
		"Content-Type", "application/json", "Authorization", "Bearer "+c.s.Token())
	var out map[string]any
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		c.Fatalf("%s answers %d %q", method, status, text)
	}
	return status, out
}

// save makes an entry over v2.
func (c client) save(key, data string) {
	c.Helper()
	_, out := c.call("CreateCacheEntry", `{"key":"`+key+`","version":"v"}`)
	if status, text, _ := c.do("PUT", fmt.Sprint(out["signed_upload_url"]), data, "x-ms-blob-type", "BlockBlob"); status != 201 {
		c.Fatalf("PUT answers %d %s", status, text)
	}
	if status, out := c.call("FinalizeCacheEntryUpload", fmt.Sprintf(`{"key":%q,"version":"v","sizeBytes":%d}`, key, len(data))); status != 200 || out["ok"] != true {
		c.Fatalf("finalize answers %d %v", status, out)
	}
}

func start(t *testing.T, o ghatest.Options) client { return client{t, ghatest.Start(t, o)} }

func TestTheServiceFindsWhatGitHubFinds(t *testing.T) {
	t.Parallel()
	c := start(t, ghatest.Options{})
	for _, key := range []string{"go-2", "go-3", "go-1", "rust-1", "Go-Mixed"} {
		c.save(key, "data of "+key)
	}
	c.s.Put("go-9", "another version", nil)
	for _, tt := range []struct{ ask, want string }{
		{`{"key":"go-2","version":"v"}`, "go-2"},
		{`{"key":"go-","version":"v"}`, "Go-Mixed"},
		{`{"key":"go-mixed","version":"v"}`, "Go-Mixed"},
		{`{"key":"none","restore_keys":["rust-","go-"],"version":"v"}`, "rust-1"},
		{`{"key":"none","restoreKeys":["x","go-3"],"version":"v"}`, "go-3"},
		{`{"key":"none","version":"v"}`, ""},
		{`{"key":"go-9","version":"v"}`, ""},
		{`{"key":"go-2","version":"w"}`, ""},
	} {
		status, out := c.call("GetCacheEntryDownloadURL", tt.ask)
		if tt.want == "" {
			if status != 200 || out["ok"] != false {
				t.Errorf("%s answers %d %v", tt.ask, status, out)
			}
			continue
		}
		if out["matched_key"] != tt.want {
			t.Errorf("%s finds %v, expected %s", tt.ask, out["matched_key"], tt.want)
			continue
		}
		if _, body, _ := c.do("GET", fmt.Sprint(out["signed_download_url"]), ""); body != "data of "+tt.want {
			t.Errorf("%s holds %q", tt.want, body)
		}
	}
}

func TestTheServiceRefusesWhatGitHubRefuses(t *testing.T) {
	t.Parallel()
	c := start(t, ghatest.Options{})
	c.save("taken", "x")
	c.call("CreateCacheEntry", `{"key":"pending","version":"v"}`)
	for _, tt := range []struct {
		method, body string
		status       int
		code         string
	}{
		{"CreateCacheEntry", `{"key":"taken","version":"v"}`, 409, "already_exists"},
		{"CreateCacheEntry", `{"key":"TAKEN","version":"v"}`, 409, "already_exists"},
		{"CreateCacheEntry", `{"key":"pending","version":"v"}`, 409, "already_exists"},
		{"CreateCacheEntry", `{"key":"a,b","version":"v"}`, 400, "invalid_argument"},
		{"CreateCacheEntry", `{"key":"` + strings.Repeat("x", 513) + `","version":"v"}`, 400, "invalid_argument"},
		{"CreateCacheEntry", `{`, 400, "malformed"},
		{"FinalizeCacheEntryUpload", `{"key":"pending","version":"v","size_bytes":"1"}`, 400, "invalid_argument"},
		{"FinalizeCacheEntryUpload", `{"key":"unknown","version":"v","size_bytes":"1"}`, 404, "not_found"},
	} {
		if status, out := c.call(tt.method, tt.body); status != tt.status || out["code"] != tt.code {
			t.Errorf("%s %.60s answers %d %v, expected %d %s", tt.method, tt.body, status, out, tt.status, tt.code)
		}
	}
	if status, _, _ := c.do("POST", c.s.URL+"/twirp/github.actions.results.api.v1.CacheService/CreateCacheEntry", `{}`, "Content-Type", "application/json", "Authorization", "Bearer x.y.z"); status != 401 {
		t.Errorf("a wrong token answers %d", status)
	}
	c.s.SetReadOnly(true)
	if _, out := c.call("CreateCacheEntry", `{"key":"new","version":"v"}`); out["ok"] != false || out["message"] != ghatest.Denied {
		t.Errorf("a read-only token answers %v", out)
	}
	if got := c.s.Pending(); !slices.Equal(got, []string{"pending"}) {
		t.Errorf("%q are being written", got)
	}
	c.s.Forget()
	if got := c.s.Pending(); len(got) > 0 {
		t.Errorf("%q are being written still", got)
	}
}

func TestBlobsBehaveLikeAzures(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"", t.TempDir()} {
		c := start(t, ghatest.Options{Dir: dir})
		_, out := c.call("CreateCacheEntry", `{"key":"a","version":"v"}`)
		up := fmt.Sprint(out["signed_upload_url"])
		for _, tt := range []struct {
			name   string
			query  string
			body   string
			header []string
			status int
		}{
			{"a second block first", "&comp=block&blockid=Mg%3D%3D", "world", nil, 201},
			{"the first block", "&comp=block&blockid=MQ%3D%3D", "helpo ", nil, 201},
			{"the first block again", "&comp=block&blockid=MQ%3D%3D", "hello ", nil, 201},
			{"a block without an id", "&comp=block", "x", nil, 400},
			{"a list with an unknown block", "&comp=blocklist", "<BlockList><Latest>MQ==</Latest><Latest>Mw==</Latest></BlockList>", nil, 400},
			{"a list that is none", "&comp=blocklist", "hello", nil, 400},
			{"the list", "&comp=blocklist", "<BlockList><Latest>MQ==</Latest><Latest>Mg==</Latest></BlockList>", nil, 201},
			{"a blob of no type", "", "x", nil, 400},
			{"something else", "&comp=lease", "", nil, 400},
		} {
			if status, text, _ := c.do("PUT", up+tt.query, tt.body, tt.header...); status != tt.status {
				t.Errorf("%s: %d %s, expected %d", tt.name, status, text, tt.status)
			}
		}
		if status, _, _ := c.do("GET", up, ""); status != 403 {
			t.Errorf("reading with the right to write: %d", status)
		}
		c.call("FinalizeCacheEntryUpload", `{"key":"a","version":"v","size_bytes":"11"}`)
		if got := string(c.s.Data("a")); got != "hello world" {
			t.Fatalf("holds %q", got)
		}
		_, out = c.call("GetCacheEntryDownloadURL", `{"key":"a","version":"v"}`)
		down := fmt.Sprint(out["signed_download_url"])
		_, _, header := c.do("GET", down, "")
		tag := header.Get("ETag")
		for _, tt := range []struct {
			name   string
			header []string
			status int
			body   string
		}{
			{"all", nil, 200, "hello world"},
			{"a range over both blocks", []string{"Range", "bytes=3-8"}, 206, "lo wor"},
			{"a range beyond the end", []string{"Range", "bytes=6-100"}, 206, "world"},
			{"of this version", []string{"Range", "bytes=0-0", "If-Match", tag}, 206, "h"},
			{"of another version", []string{"Range", "bytes=0-0", "If-Match", `"other"`}, 412, ""},
		} {
			if status, body, _ := c.do("GET", down, "", tt.header...); status != tt.status || body != tt.body {
				t.Errorf("%s: %d %q, expected %d %q", tt.name, status, body, tt.status, tt.body)
			}
		}
		c.s.Change("a", func(b []byte) []byte { return bytes.ToUpper(b) })
		if _, body, header := c.do("GET", down, ""); body != "HELLO WORLD" || header.Get("ETag") == tag {
			t.Errorf("changed: %q under %s", body, header.Get("ETag"))
		}
		c.s.Put("empty", "v", nil)
		_, out = c.call("GetCacheEntryDownloadURL", `{"key":"empty","version":"v"}`)
		if status, _, _ := c.do("GET", fmt.Sprint(out["signed_download_url"]), "", "Range", "bytes=0-9"); status != 416 {
			t.Errorf("a range of nothing: %d", status)
		}
		c.s.Expire()
		if status, _, header := c.do("GET", down, ""); status != 403 || header.Get("X-Ms-Error-Code") != "AuthenticationFailed" {
			t.Errorf("an expired URL: %d %s", status, header.Get("X-Ms-Error-Code"))
		}
		if !c.s.Delete("a") || c.s.Delete("a") || c.s.Data("a") != nil {
			t.Error("Delete does not delete once")
		}
	}
}

func TestV1HasTheMannersOfItsServer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		like                                  ghatest.Like
		reserved, again, short, missing, done int
		key                                   string
	}{
		{ghatest.GitHub, 201, 409, 400, 400, 204, "Key"},
		{ghatest.Act, 200, 200, 500, 400, 200, "key"},
	} {
		c := start(t, ghatest.Options{Protocol: "v1", Like: tt.like})
		base := c.s.Getenv("ACTIONS_CACHE_URL") + "_apis/artifactcache/"
		auth := []string{"Authorization", "Bearer " + c.s.Token()}
		status, body, _ := c.do("POST", base+"caches", `{"key":"Key","version":"v"}`, auth...)
		var reserved struct{ CacheID int }
		if err := json.Unmarshal([]byte(body), &reserved); err != nil || status != tt.reserved {
			t.Fatalf("reserve: %d %s", status, body)
		}
		one := fmt.Sprintf("%scaches/%d", base, reserved.CacheID)
		for _, chunk := range []struct{ where, data string }{{"bytes 6-10/*", "world"}, {"bytes 0-5/*", "hello "}} {
			if status, body, _ := c.do("PATCH", one, chunk.data, append(auth, "Content-Range", chunk.where)...); status/100 != 2 {
				t.Errorf("PATCH: %d %s", status, body)
			}
		}
		if status, _, _ := c.do("PATCH", one, "x", append(auth, "Content-Range", "bytes 0-5/*")...); status != 400 {
			t.Errorf("a chunk of another length: %d", status)
		}
		if status, _, _ := c.do("GET", base+"cache?keys=key&version=v", "", auth...); status != 204 {
			t.Errorf("before the commit: %d", status)
		}
		if status, _, _ := c.do("POST", one, `{"size":10}`, auth...); status != tt.short {
			t.Errorf("a commit of another size: %d, expected %d", status, tt.short)
		}
		if status, _, _ := c.do("POST", one+"99", `{"size":11}`, auth...); status != tt.missing {
			t.Errorf("a commit of nothing: %d, expected %d", status, tt.missing)
		}
		if status, _, _ := c.do("POST", one, `{"size":11}`, auth...); status != tt.done {
			t.Errorf("commit: %d, expected %d", status, tt.done)
		}
		if status, _, _ := c.do("POST", base+"caches", `{"key":"Key","version":"v"}`, auth...); status != tt.again {
			t.Errorf("the same name again: %d, expected %d", status, tt.again)
		}
		var hit struct{ CacheKey, ArchiveLocation string }
		_, body, _ = c.do("GET", base+"cache?keys=no%2CKEY&version=v", "", auth...)
		if err := json.Unmarshal([]byte(body), &hit); err != nil || hit.CacheKey != tt.key {
			t.Fatalf("found %s", body)
		}
		if status, body, _ := c.do("GET", hit.ArchiveLocation, "", "Range", "bytes=4-7"); status != 206 || body != "o wo" {
			t.Errorf("read: %d %q", status, body)
		}
		if tt.like == ghatest.Act {
			if status, _, _ := c.do("GET", strings.Replace(base, "5e0f", "0000", 1)+"cache?keys=key&version=v", ""); status != 404 {
				t.Errorf("a wrong secret: %d", status)
			}
		} else if status, _, _ := c.do("GET", base+"cache?keys=key&version=v", ""); status != 401 {
			t.Errorf("without a token: %d", status)
		}
	}
}

func TestRulesAndRecordsKnowTheKindsOfRequests(t *testing.T) {
	t.Parallel()
	c := start(t, ghatest.Options{Faults: []ghatest.Rule{
		ghatest.Nth(2, ghatest.Whole, ghatest.Status(503)),
		ghatest.First(1, ghatest.Whole, ghatest.RetryAfter(429, "7")),
	}})
	put := func() (int, string) {
		status, _, header := c.do("PUT", c.s.URL+"/blob/1?sig=x", "")
		return status, header.Get("Retry-After")
	}
	for i, want := range []int{429, 503, 403} {
		if status, after := put(); status != want || (after == "7") != (i == 0) {
			t.Errorf("request %d: %d, Retry-After %q; expected %d", i+1, status, after, want)
		}
	}
	c.s.Fault(ghatest.From(2, "", ghatest.Status(418)))
	if status, _ := put(); status != 403 {
		t.Errorf("before From: %d", status)
	}
	if status, _ := put(); status != 418 {
		t.Errorf("after From: %d", status)
	}
	c.s.Heal()
	if status, _ := put(); status != 403 {
		t.Errorf("healed: %d", status)
	}
	if n := c.s.Count(ghatest.Whole); n != 6 || c.s.Count("") != 6 || c.s.Count(ghatest.Read) != 0 {
		t.Errorf("counted %d", n)
	}
	if r := c.s.Requests()[1]; r.Status != 503 || r.Bytes == 0 || r.Path != "/blob/1" || r.Seq != 2 {
		t.Errorf("recorded %+v", r)
	}
}

func TestABodyStopsWhereTheFaultSays(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	c := start(t, ghatest.Options{Faults: []ghatest.Rule{
		ghatest.Nth(1, ghatest.Read, ghatest.CutAfter(100_000)),
		ghatest.First(1, ghatest.Read, ghatest.StallAfter(100_000, release)),
	}})
	data := bytes.Repeat([]byte("0123456789"), 100_000)
	c.s.Put("a", "v", data)
	_, out := c.call("GetCacheEntryDownloadURL", `{"key":"a","version":"v"}`)
	get := func() *http.Response {
		req, err := http.NewRequestWithContext(t.Context(), "GET", fmt.Sprint(out["signed_download_url"]), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.s.Transport().RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	resp := get()
	got, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if len(got) != 100_000 || err != io.ErrUnexpectedEOF {
		t.Errorf("cut: %d bytes, %v", len(got), err)
	}
	resp = get()
	if _, err := io.ReadFull(resp.Body, make([]byte, 100_000)); err != nil {
		t.Error(err)
	}
	close(release)
	got, err = io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || !bytes.Equal(got, data[100_000:]) {
		t.Errorf("after the stall: %d bytes, %v", len(got), err)
	}
}

func TestCloseEndsEverythingAndRemovesTheFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	reached := make(chan struct{})
	s, err := ghatest.New(ghatest.Options{Dir: dir, Faults: []ghatest.Rule{ghatest.Always(ghatest.Read, ghatest.Signal(reached, ghatest.Wait(nil)))}})
	if err != nil {
		t.Fatal(err)
	}
	client{t, s}.save("a", "data")
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("%d files, %v", len(files), err)
	}
	done := make(chan error)
	go func() {
		req, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+"/blob/1", nil)
		if err == nil {
			var resp *http.Response
			if resp, err = s.Transport().RoundTrip(req); err == nil {
				resp.Body.Close()
			}
		}
		done <- err
	}()
	<-reached
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; err == nil {
		t.Error("the request that waited was answered")
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
		t.Errorf("%d files are left, %v", len(files), err)
	}
}

func TestTheEnvironmentIsThatOfAJob(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		o    ghatest.Options
		want []string
	}{
		{ghatest.Options{}, []string{"ACTIONS_CACHE_SERVICE_V2", "ACTIONS_RESULTS_URL", "ACTIONS_RUNTIME_TOKEN", "GITHUB_ACTIONS", "GITHUB_SERVER_URL"}},
		{ghatest.Options{Protocol: "v1"}, []string{"ACTIONS_CACHE_URL", "ACTIONS_RUNTIME_TOKEN", "GITHUB_ACTIONS", "GITHUB_SERVER_URL"}},
		{ghatest.Options{Protocol: "v1", Like: ghatest.Act}, []string{"ACT", "ACTIONS_CACHE_URL", "ACTIONS_RUNTIME_TOKEN", "GITHUB_ACTIONS", "GITHUB_SERVER_URL"}},
	} {
		s := ghatest.Start(t, tt.o)
		var names []string
		for _, v := range s.Environ() {
			name, value, _ := strings.Cut(v, "=")
			if value == "" || s.Getenv(name) != value {
				t.Errorf("%s is %q and %q", name, value, s.Getenv(name))
			}
			names = append(names, name)
		}
		if !slices.Equal(names, tt.want) {
			t.Errorf("%q are set, expected %q", names, tt.want)
		}
	}
}
