package fetch_test

import (
	"strings"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/store/gha/ghatest"
)

// Whatever the cache service does, the job ends with every module, and its
// result says what was the matter.
func TestAJobEndsWithEveryModuleWhateverTheCacheServiceDoes(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 8, 60_000)
	s := fetchtest.Start(t, nil, mirrortest.HTTP1, f)
	// The index is a few hundred bytes, the layer half a megabyte.
	// The first body is the index's.
	bodies := func(fault ghatest.Fault) func(*ghatest.Server) {
		return func(g *ghatest.Server) { g.Fault(ghatest.From(2, ghatest.Read, fault)) }
	}
	lookups := func(fault ghatest.Fault) func(*ghatest.Server) {
		return func(g *ghatest.Server) { g.Fault(ghatest.Always(ghatest.Lookup, fault)) }
	}
	tests := []struct {
		name   string
		fault  func(*ghatest.Server)
		hit    string
		reason string // part of the reason, "" for none
		all    bool   // every file comes from the cache all the same
	}{
		{"nothing is wrong", nil, "exact", "", true},
		{"the service does not answer", lookups(ghatest.Wait(nil)), "miss", "", false},
		{"the service resets connections", lookups(ghatest.Reset()), "miss", " ", false},
		{"403", lookups(ghatest.Twirp(403, "permission_denied", "cache read denied: not this token")), "miss", "", false},
		{"403 of something else", lookups(ghatest.Status(403)), "miss", "403", false},
		{"404", lookups(ghatest.Status(404)), "miss", "404", false},
		{"429 for ever", lookups(ghatest.RetryAfter(429, "3600")), "miss", "429", false},
		{"500 for ever", lookups(ghatest.Status(500)), "miss", "500", false},
		{"a page instead of an answer", lookups(ghatest.Answer(200, "text/html", "<html>log in</html>")), "miss", "", false},
		{"one 429, then as usual", func(g *ghatest.Server) {
			g.Fault(ghatest.First(1, ghatest.Lookup, ghatest.RetryAfter(429, "0")))
		}, "exact", "", true},
		{"the URL has expired once", func(g *ghatest.Server) {
			g.Fault(ghatest.First(1, ghatest.Read, ghatest.Expired()))
		}, "exact", "", true},
		{"the URL is always expired", bodies(ghatest.Expired()), "miss", "403", false},
		{"the layer is cut off once", func(g *ghatest.Server) {
			g.Fault(ghatest.Nth(2, ghatest.Read, ghatest.CutAfter(100_000)))
		}, "exact", "", true},
		{"the layer stalls at nine tenths", bodies(ghatest.StallAfter(450_000, nil)), "partial", "sent nothing for", false},
		{"the server dies in the middle", bodies(ghatest.Reset()), "miss", "the store", false},
		{"the layer is gone", bodies(ghatest.Status(404)), "miss", "gone", false},
		{"other bytes", bodies(ghatest.Answer(200, "application/octet-stream", strings.Repeat("garbage", 10_000))), "miss", "", false},
	}
	for _, protocol := range []string{"v2", "v1"} {
		for _, tt := range tests {
			t.Run(protocol+" "+tt.name, func(t *testing.T) {
				t.Parallel()
				g := ghatest.Start(t, ghatest.Options{Protocol: protocol})
				b := fetchtest.New(t, f, mirrortest.Checkout{})
				b.Values.Cache = "gha:" + protocol
				b.Options.Getenv = g.Getenv
				b.Options.Patience = 3 * time.Second
				fetchtest.WantOutcome(t, b.Run(s.URL), report.OK)
				if saved := b.Save(); saved.Reason != "" {
					t.Fatalf("saved %+v", saved)
				}
				if tt.fault != nil {
					tt.fault(g)
				}
				b.Afresh()
				b.Hasten(failure.Stall)
				r := b.Run(s.URL)
				fetchtest.WantOutcome(t, r, report.OK)
				b.Complete()
				c := r.Cache
				if c.Hit != tt.hit {
					t.Errorf("hit %s, want %s: %+v", c.Hit, tt.hit, c)
				}
				if !strings.Contains(c.Reason, tt.reason) || (tt.reason == "" && tt.all && c.Reason != "") {
					t.Errorf("reason %q, want something about %q", c.Reason, tt.reason)
				}
				if n := r.Totals.BySource[report.FromCache]; (n == 16) != tt.all {
					t.Errorf("%d files of 16 from the cache", n)
				}
				for _, secret := range g.Secrets() {
					if strings.Contains(c.Reason, secret) {
						t.Errorf("the reason tells a secret: %s", c.Reason)
					}
				}
			})
		}
	}
}

// A save that could not be is told as that, with what to do; one that was
// needless is not.
func TestASaveThatFailsSaysWhatToDo(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 2, 1000)
	s := fetchtest.Start(t, nil, mirrortest.HTTP1, f)
	for _, tt := range []struct {
		name   string
		o      ghatest.Options
		rules  []ghatest.Rule
		reason string
		fix    string
	}{
		{"a token that may only read", ghatest.Options{ReadOnly: true}, nil, "not allowed by the store", "pull requests from forks"},
		{"every name is taken and holds nothing", ghatest.Options{}, []ghatest.Rule{ghatest.Always(ghatest.Reserve, ghatest.Twirp(409, "already_exists", "taken"))},
			"its names are taken, but empty", "the next job tries again"},
		{"the upload is refused", ghatest.Options{}, []ghatest.Rule{ghatest.Always(ghatest.Whole, ghatest.Status(403))}, "403", "the next job tries again"},
		{"the end of the upload is refused", ghatest.Options{}, []ghatest.Rule{ghatest.Always(ghatest.Commit, ghatest.Status(403))}, "403", "pull requests from forks"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := ghatest.Start(t, tt.o)
			b := fetchtest.New(t, f, mirrortest.Checkout{})
			b.Values.Cache, b.Options.Getenv, b.Options.Patience = "gha:v2", g.Getenv, 3*time.Second
			fetchtest.WantOutcome(t, b.Run(s.URL), report.OK)
			for _, r := range tt.rules {
				g.Fault(r)
			}
			saved := b.Save()
			if !saved.Failed || !strings.Contains(saved.Reason, tt.reason) || !strings.Contains(saved.Fix, tt.fix) || saved.Index != "" {
				t.Errorf("saved %+v, want a failure about %q", saved, tt.reason)
			}
			b.Afresh()
			if r := b.Run(s.URL); r.Cache.Hit != "miss" {
				t.Errorf("after a save that failed: cache %+v", r.Cache)
			}
		})
	}
}

// A job that was stopped while it saved leaves a name that holds nothing. The
// next save goes round it, and the job after that has everything.
func TestANameThatHoldsNothingCostsNoFurtherJob(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 4, 1000)
	s := fetchtest.Start(t, nil, mirrortest.HTTP1, f)
	for what, rule := range map[string]ghatest.Rule{
		"layer": ghatest.First(1, ghatest.Commit, ghatest.Status(403)),
		"index": ghatest.Nth(2, ghatest.Commit, ghatest.Status(403)),
	} {
		for _, protocol := range []string{"v2", "v1"} {
			t.Run(what+" "+protocol, func(t *testing.T) {
				t.Parallel()
				g := ghatest.Start(t, ghatest.Options{Protocol: protocol})
				b := fetchtest.New(t, f, mirrortest.Checkout{})
				b.Values.Cache, b.Options.Getenv, b.Options.Patience = "gha:"+protocol, g.Getenv, 3*time.Second
				fetchtest.WantOutcome(t, b.Run(s.URL), report.OK)
				g.Fault(rule)
				if saved := b.Save(); !saved.Failed {
					t.Fatalf("saved %+v, want a failure", saved)
				}
				if saved := b.Save(); saved.Reason != "" || saved.Index == "" {
					t.Fatalf("saved %+v", saved)
				}
				b.Afresh()
				r := b.Run(s.URL)
				if r.Cache.Hit != "exact" || r.Totals.BySource[report.FromCache] != 8 {
					t.Errorf("cache %+v, files %v", r.Cache, r.Totals.BySource)
				}
				b.Complete()
			})
		}
	}
}
