package relay_test

import (
	"net/http"
	"path/filepath"
	"sync"
	"testing"

	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/relay"
)

// zips are the zips that the relay has on disk.
func (b *bench) zips() []string {
	b.t.Helper()
	names, err := filepath.Glob(filepath.Join(b.ModCache, "cache", "modferry", "relay-*", "cache", "download", "*", "*", "@v", "*.zip"))
	if err != nil {
		b.t.Fatal(err)
	}
	return names
}

// A job has one module cache, mostly: what went there is not needed here any more.
func TestWhatWasDeliveredIsGivenUp(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 3, 100<<10)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := openWith(t, fetchtest.New(t, f, mirrortest.Checkout{}), s.URL, relay.Options{Once: true})
	zip := func(i int) string { return "/" + f.All()[i].Path + "/@v/" + f.All()[i].Version.Version + ".zip" }
	ask := func(method, path string, status int, cache string, kept int, header ...string) {
		t.Helper()
		w := b.serve(method, path, header...)
		if w.Code != status || w.Header().Get("X-Cache") != cache || len(b.zips()) != kept {
			t.Errorf("%s of %s: %s %d, %d bytes; %d zips are kept, want %s %d and %d", method, path,
				w.Header().Get("X-Cache"), w.Code, w.Body.Len(), len(b.zips()), cache, status, kept)
		}
	}
	// A part is not all of it, and neither is none of it.
	ask(http.MethodHead, zip(0), 200, "MISS", 1)
	ask(http.MethodGet, zip(0), 206, "HIT", 1, "Range", "bytes=100-")
	ask(http.MethodGet, zip(0), 200, "HIT", 0)
	ask(http.MethodGet, zip(1), 200, "MISS", 0)
	// Another module cache wants what is gone: from now on everything stays.
	ask(http.MethodGet, zip(0), 200, "MISS", 1)
	ask(http.MethodGet, zip(0), 200, "HIT", 1)
	ask(http.MethodGet, zip(2), 200, "MISS", 2)
	ask(http.MethodGet, zip(2), 200, "HIT", 2)
	if n := s.Count("*.zip"); n != 4 {
		t.Errorf("%d requests, want 4", n)
	}
}

// A small zip needs no disk, and is there for who asks next.
func TestSmallZipsAreServedFromMemory(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m")
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := openWith(t, fetchtest.New(t, f, mirrortest.Checkout{}), s.URL, relay.Options{Once: true})
	for _, cache := range []string{"MISS", "HIT", "HIT"} {
		resp, body := b.get("/example.test/m/@v/v1.0.0.zip")
		if resp.StatusCode != 200 || resp.Header.Get("X-Cache") != cache || body != string(f.All()[0].Zip) {
			t.Errorf("%d %s, want %s", resp.StatusCode, resp.Header.Get("X-Cache"), cache)
		}
	}
}

// Whoever waits for a zip gets it, though the first ones are done with it already.
func TestNobodyWaitsForWhatIsGivenUp(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 2, 200<<10)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	bench := fetchtest.New(t, f, mirrortest.Checkout{})
	bench.Values.NoHedge = true
	b := openWith(t, bench, s.URL, relay.Options{Once: true})
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			a := f.All()[i%2]
			header := []string{"Range", "bytes=1000-"}
			want := string(a.Zip[1000:])
			if i%3 > 0 {
				header, want = nil, string(a.Zip)
			}
			if resp, body := b.get("/"+a.Path+"/@v/"+a.Version.Version+".zip", header...); body != want {
				t.Errorf("%d, %d bytes, want %d", resp.StatusCode, len(body), len(want))
			}
		})
	}
	wg.Wait()
}
