package relay_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/relay"
	"github.com/modferry/modferry/internal/report"
)

// A run is over by the time that a mirror is back; a relay is not.
func TestAMirrorThatWasDownIsAskedAgain(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m")
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	network := new(mirrortest.Network)
	network.Refuse("mirror.example.test")
	bench := fetchtest.New(t, f, mirrortest.Checkout{})
	bench.Options.Dial = network.DialContext
	b := open(t, bench, "http://mirror.example.test")
	const path = "/example.test/m/@v/v1.0.0.zip"
	for range 12 { // more often than a breaker would bear
		if resp, body := b.get(path); resp.StatusCode != 502 || !strings.Contains(body, "refused") {
			t.Fatal(describe(resp, body))
		}
	}
	network.Route("mirror.example.test", s.Addr)
	for {
		resp, body := b.get(path)
		if resp.StatusCode == 200 {
			break
		}
		if t.Context().Err() != nil || resp.StatusCode != 502 {
			t.Fatal(describe(resp, body))
		}
	}
}

// One failed probe costs nobody a mirror for as long as a relay runs.
func TestAMirrorThatFailedItsProbeIsAskedAgain(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m", "example.test/n")
	first := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.Always("", mirrortest.Status(500))}})
	second := mirrortest.Start(t, mirrortest.Options{Fixtures: f.Without(module.Version{Path: "example.test/n", Version: "v1.0.0"})})
	b := openAs(t, fetchtest.New(t, f, mirrortest.Checkout{}), first.URL+"|"+second.URL, relay.Options{})
	if resp, body := b.get("/example.test/m/@v/v1.0.0.zip"); resp.StatusCode != 200 {
		t.Error(describe(resp, body))
	}
	first.Heal()
	for t.Context().Err() == nil {
		resp, body := b.get("/example.test/n/@v/v1.0.0.zip")
		if resp.StatusCode == 200 {
			break
		}
		if resp.StatusCode != 502 && resp.StatusCode != 404 {
			t.Fatal(describe(resp, body))
		}
	}
}

// A mirror that looks into version control first may take a minute for what no file
// takes so long for.
func TestCorner09ListsMayTakeLongerThanFiles(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m")
	release := make(chan struct{})
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{
		mirrortest.Always("*", mirrortest.SlowFirstByte(release))}})
	bench := fetchtest.New(t, f, mirrortest.Checkout{})
	bench.Values.FirstByteTimeout, bench.Values.NoHedge = 50*time.Millisecond, true
	b := open(t, bench, s.URL)
	var wg sync.WaitGroup
	for _, path := range []string{"/example.test/m/@v/list", "/example.test/m/@latest", "/example.test/m/@v/v1.0.0.info"} {
		wg.Go(func() {
			if resp, body := b.get(path); resp.StatusCode != 200 {
				t.Errorf("%s: %s", path, describe(resp, body))
			}
		})
	}
	<-s.Arrived("*", 3)
	if resp, body := b.get("/example.test/m/@v/v1.0.0.zip"); resp.StatusCode != 502 {
		t.Error(describe(resp, body))
	}
	close(release)
	wg.Wait()
	if n := s.Count("*list") + s.Count("*latest") + s.Count("*.info"); n != 3 {
		t.Errorf("%d requests for 3 pages", n)
	}
}

// An empty list says that there are no versions, which is not that there is no module.
func TestCorner07AnEmptyListIsOne(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m")
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{
		mirrortest.Always("/example.test/m/@v/list", mirrortest.Body("text/plain", nil)),
		mirrortest.Always("/example.test/n/@v/list", mirrortest.Body("text/plain", []byte("v1.0.0 2020-01-02T03:04:05Z\n")))}})
	b := open(t, fetchtest.New(t, f, mirrortest.Checkout{}), s.URL)
	if resp, body := b.get("/example.test/m/@v/list"); resp.StatusCode != 200 || body != "" {
		t.Error(describe(resp, body))
	}
	if resp, body := b.get("/example.test/n/@v/list"); body != "v1.0.0 2020-01-02T03:04:05Z\n" {
		t.Error(describe(resp, body))
	}
}

// Nobody waits for a large zip any more that has hardly begun: it is given up, and
// begun anew for who asks then.
func TestCorner23ALargeZipThatNobodyWaitsForIsGivenUp(t *testing.T) {
	t.Parallel()
	f := mirrortest.Build(t, mirrortest.Module{Path: "example.test/large", Version: "v1.0.0", Size: 12 << 20})
	given := make(chan struct{})
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{
		mirrortest.First(1, "*.zip", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			defer close(given)
			mirrortest.StallAfter(1<<20, nil)(w, r, next)
		})}})
	bench := fetchtest.New(t, f, mirrortest.Checkout{})
	bench.Values.NoHedge = true
	b := open(t, bench, s.URL)
	const path = "/example.test/large/@v/v1.0.0.zip"
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
	leave()
	wg.Wait()
	<-given // by the relay, or the test hangs
	if resp, _ := b.get(path); resp.StatusCode != 200 || resp.Header.Get("X-Cache") != "MISS" {
		t.Errorf("answered %d %s", resp.StatusCode, resp.Header.Get("X-Cache"))
	}
}

// Toolchains are verified whatever GONOSUMDB says.
func TestCorner13ToolchainsAreVerifiedByTheDatabase(t *testing.T) {
	t.Parallel()
	const version = "v0.0.1-go1.99.0.linux-amd64"
	f := modules(t, "golang.org/toolchain@"+version, "example.test/m")
	db := mirrortest.NewSumDB(t, f)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, SumDB: db})
	bench := unsummed(t, f, db.Key)
	bench.Env["GONOSUMDB"] = "*"
	b := open(t, bench, s.URL)
	resp, body := b.get("/golang.org/toolchain/@v/" + version + ".zip")
	if resp.StatusCode != 200 || resp.Header.Get("X-Modferry-Verified") != "" || s.Count("*lookup/golang.org/toolchain@*") != 1 {
		t.Errorf("%d %v %.100q", resp.StatusCode, resp.Header, body)
	}
	if resp, body := b.get("/sumdb/" + db.Name + "/lookup/golang.org/toolchain@" + version); resp.StatusCode != 200 {
		t.Error(describe(resp, body))
	}
	if res := b.relay.Result(); len(res.Modules) != 1 || res.Modules[0].Kind != report.KindToolchain {
		t.Errorf("%+v", res.Modules)
	}
}

// A command may end while its children still ask, and a mirror may never answer.
func TestARelayEndsWhateverIsUnderWay(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 4, 8<<10)
	db := mirrortest.NewSumDB(t, f)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, SumDB: db, Faults: []mirrortest.Rule{
		mirrortest.Always("*.zip", mirrortest.StallAfter(100, nil)), mirrortest.Always("*list", mirrortest.SlowFirstByte(nil)),
		mirrortest.Always("*lookup*", mirrortest.SlowFirstByte(nil))}})
	bench := fetchtest.New(t, f, mirrortest.Checkout{})
	bench.Env["GOSUMDB"] = db.Key
	b := open(t, bench, s.URL)
	var wg sync.WaitGroup
	for _, a := range f.All() {
		for _, path := range []string{"/" + a.Path + "/@v/" + a.Version.Version + ".zip", "/" + a.Path + "/@v/list", "/sumdb/" + db.Name + "/lookup/" + a.Path + "@v1.0.0"} {
			wg.Go(func() {
				resp, err := http.Get(b.at.URL + path)
				if err == nil {
					resp.Body.Close()
					t.Errorf("%s was answered %d", path, resp.StatusCode)
				}
			})
		}
	}
	<-s.Arrived("*.zip", 4)
	<-s.Arrived("*list", 4)
	<-s.Arrived("*lookup*", 4)
	if err := b.at.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait() // the rest of the end is that of every test
}
