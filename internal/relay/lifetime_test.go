package relay_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// A mirror says how long an answer holds that may change, within bounds.
func TestMirrorsSayHowLongAnswersHold(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		said string
		life int64  // seconds for which it is not asked for again
		says string // of the relay, at once
	}{
		{"", 60, "max-age=60"},
		{"public", 60, "max-age=60"},
		{"max-age=nonsense", 60, "max-age=60"},
		{"public, max-age=5", 5, "max-age=5"},
		{"MAX-AGE=5, S-MaxAge=\"7\"", 7, "max-age=7"},
		{"s-maxage=7,max-age=5", 7, "max-age=7"},
		{"max-age=31536000, immutable", 600, "max-age=600"},
		{"max-age=0, must-revalidate", 0, "no-cache"},
		{"no-cache", 0, "no-cache"},
		{"private, max-age=300", 0, "no-cache"},
		{"no-store, max-age=300", 0, "no-store"},
	} {
		t.Run(test.said, func(t *testing.T) {
			t.Parallel()
			f := modules(t, "example.test/m")
			s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.Always("*", mirrortest.Header("Cache-Control", test.said))}})
			b := open(t, fetchtest.New(t, f, mirrortest.Checkout{}), s.URL)
			ask := func(cache, control string) {
				t.Helper()
				for _, path := range []string{"/@v/list", "/@latest"} {
					if resp, body := b.get("/example.test/m" + path); resp.Header.Get("X-Cache") != cache || resp.Header.Get("Cache-Control") != control {
						t.Errorf("%s: %s, %q; want %s, %q", path, describe(resp, body), resp.Header.Get("Cache-Control"), cache, control)
					}
				}
			}
			ask("MISS", test.says)
			if test.life > 0 {
				b.now.Add(test.life - 1)
				ask("HIT", "max-age=1")
			}
			b.now.Add(1)
			ask("MISS", test.says)
			// What may not be stored is not there when no mirror answers; the rest is.
			b.now.Add(601)
			s.Heal()
			s.Fault(mirrortest.Always("", mirrortest.Status(500)))
			if test.says == "no-store" {
				if resp, body := b.get("/example.test/m/@v/list"); resp.StatusCode != 502 {
					t.Error(describe(resp, body))
				}
			} else {
				ask("STALE", "no-cache")
			}
			// A version does not change, whatever is said of it.
			s.Heal()
			for range 2 {
				if resp, body := b.get("/example.test/m/@v/v1.0.0.info"); resp.StatusCode != 200 || !strings.HasSuffix(resp.Header.Get("Cache-Control"), "immutable") {
					t.Error(describe(resp, body))
				}
			}
			if n := s.Count("*.info"); n != 1 {
				t.Errorf("asked %d times for an .info", n)
			}
		})
	}
}

// A 304 need not repeat what it is about.
func TestAnAnswerThatIsStillTheSameKeepsItsLife(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m")
	var asked, same atomic.Int64
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.Always("*list", func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		asked.Add(1)
		if r.Header.Get("If-None-Match") == `"one"` {
			same.Add(1)
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("ETag", `"one"`)
		w.Header().Set("Cache-Control", "max-age=300")
		w.Write([]byte("v1.0.0\n"))
	})}})
	b := open(t, fetchtest.New(t, f, mirrortest.Checkout{}), s.URL)
	for i := range int64(4) {
		resp, body := b.get("/example.test/m/@v/list")
		if body != "v1.0.0\n" || resp.Header.Get("Cache-Control") != "max-age=300" || asked.Load() != i+1 || same.Load() != i {
			t.Errorf("%s, asked %d times", describe(resp, body), asked.Load())
		}
		b.now.Add(299)
		if resp, body := b.get("/example.test/m/@v/list"); resp.Header.Get("X-Cache") != "HIT" {
			t.Error(describe(resp, body))
		}
		b.now.Add(1)
	}
}
