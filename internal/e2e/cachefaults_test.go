package e2e

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
)

// faultModules are enough bytes for a store to break off amid them.
func faultModules(t *testing.T) *mirrortest.Fixtures {
	t.Helper()
	return mirrortest.Generate(t, 24, 400_000)
}

// passing lets n bytes of answers pass, those of all requests together; from
// then on it does something with every request that has more to say.
func passing(n int64, then mirrortest.Fault) mirrortest.Rule {
	m := &meter{then: then}
	m.left.Store(n)
	return mirrortest.Always("", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(&metered{w, m, r}, r)
	})
}

type meter struct {
	left atomic.Int64
	then mirrortest.Fault
}

type metered struct {
	http.ResponseWriter
	meter *meter
	r     *http.Request
}

func (w *metered) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *metered) Write(p []byte) (int, error) {
	left := w.meter.left.Add(-int64(len(p)))
	if left >= 0 {
		return w.ResponseWriter.Write(p)
	}
	w.ResponseWriter.Write(p[:max(0, int64(len(p))+left)])
	http.NewResponseController(w.ResponseWriter).Flush()
	w.meter.then(w.ResponseWriter, w.r, nil)
	panic(http.ErrAbortHandler)
}

// allPresent is what every job must end with, whatever the store did.
func allPresent(t *testing.T, at *place, r *report.Result) {
	t.Helper()
	if r.Outcome != report.OK {
		t.Errorf("outcome %s: %s", r.Outcome, r.Message)
	}
	at.verified(t)
	at.goOffline(t, "list", "-deps", "./...")
}

// TestAStoreThatFailsAmidARestoreCostsNoModule breaks the way to the store, or
// the store itself, when 90 % of a restore have arrived.
func TestAStoreThatFailsAmidARestoreCostsNoModule(t *testing.T) {
	f := faultModules(t)
	for _, tt := range []struct {
		name string
		then func(c *counterpart) mirrortest.Fault
	}{
		{"the server dies", func(c *counterpart) mirrortest.Fault {
			return func(http.ResponseWriter, *http.Request, http.Handler) {
				c.kill()
				go c.Server.Close() // waits for this request, too
			}
		}},
		{"all goes silent", func(*counterpart) mirrortest.Fault { return mirrortest.SlowFirstByte(nil) }},
		{"every connection is reset", func(*counterpart) mirrortest.Fault { return mirrortest.ResetAfter(-1) }},
	} {
		for _, c := range counterparts {
			t.Run(tt.name+", "+c.name, func(t *testing.T) {
				t.Parallel()
				c := c.start(t, tt.name == "the server dies")
				at, s := savedJob(t, f, c)
				at.wipe(t)
				s.Forget()
				healthy := at.fetch(t, 0, "--no-probe")
				fromCacheAlone(t, healthy, s)

				at.wipe(t)
				c.Server.Fault(passing(healthy.Cache.Bytes*9/10, tt.then(c)))
				r := at.fetch(t, 0, "--no-probe", "--stall-timeout", "5s")
				allPresent(t, at, r)
				n := sources(r)
				if n["zip cache"] == 0 || n["zip mirror"] == 0 {
					t.Errorf("%v, expected some from the cache, as 90 %% of it arrived, and some from the mirror", n)
				}
				if r.Cache.Reason == "" {
					t.Errorf("the result does not say why the cache brought less than it might: %+v", r.Cache)
				}
				if len(r.Cache.Rejected) > 0 {
					t.Errorf("what did not arrive counts as rejected: %q", r.Cache.Rejected)
				}
			})
		}
	}
}

// TestAStoreThatRefusesCostsNoModule lets the store answer every request with
// an error, at a restore and at a save.
func TestAStoreThatRefusesCostsNoModule(t *testing.T) {
	f := faultModules(t)
	for _, tt := range []struct {
		name string
		do   mirrortest.Fault
		// waits says that a client may well try again for a while, on the cache
		// service for 20 s.
		waits bool
	}{
		{"401", mirrortest.Status(401), false},
		{"403", mirrortest.Status(403), false},
		{"404", mirrortest.Status(404), false},
		{"409", mirrortest.Status(409), false},
		{"429 for an hour", mirrortest.RetryAfter(429, "3600"), false},
		{"500", mirrortest.Status(500), true},
		{"503 for an hour", mirrortest.RetryAfter(503, "3600"), false},
		{"a login page", mirrortest.HTML(), false},
		{"nothing", mirrortest.Empty(), true},
		{"silence", mirrortest.SlowFirstByte(nil), true},
		{"a reset", mirrortest.ResetAfter(-1), true},
	} {
		for _, c := range counterparts {
			t.Run(tt.name+", "+c.name, func(t *testing.T) {
				t.Parallel()
				if tt.waits && c.name == "gha v1 on act" && !everything() {
					t.Skip("waits as v2 does: set MODFERRY_E2E_ALL=1")
				}
				c := c.start(t, false)
				at, _ := savedJob(t, f, c)
				at.wipe(t)
				c.Server.Fault(mirrortest.Always("", tt.do))
				r := at.fetch(t, 0, "--no-probe", "--stall-timeout", "2s", "--first-byte-timeout", "2s")
				allPresent(t, at, r)
				if r.Cache.Reason == "" && r.Cache.Hit != "miss" {
					t.Errorf("the result does not say why the cache brought nothing: %+v", r.Cache)
				}
				if tt.waits && !everything() {
					return
				}
				r = at.modferry(t, 0, "cache", "save", "--first-byte-timeout", "2s")
				switch saved := r.Cache.Saved; {
				case saved == nil || saved.Bytes > 0:
					t.Errorf("a store that refuses everything was given %+v", saved)
				case saved.Reason == "" && tt.name != "409": // that says: it is there already
					t.Errorf("the result does not say why nothing was saved: %+v", saved)
				}
			})
		}
	}
}

// TestASaveThatWasKilledBlocksNothing kills a save to the cache service amid an
// upload. What it had reserved stays taken on GitHub, without an entry.
func TestASaveThatWasKilledBlocksNothing(t *testing.T) {
	t.Parallel()
	f := faultModules(t)
	c := startTwirp(t, false)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	at := newPlace(t, s)
	at.dir = t.TempDir()
	f.WriteCheckout(t, at.dir, mirrortest.Checkout{})
	at.use(c)
	at.fetch(t, 0, "--no-probe")

	c.Server.Fault(mirrortest.Always("/"+blobAccount+"/*", mirrortest.SlowFirstByte(nil)))
	cmd := at.command(t, "cache", "save", "-C", at.dir, "--modcache", at.modcache, "--cache", at.cache)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-c.Server.Arrived("/"+blobAccount+"/*", 1)
	cmd.Process.Kill()
	cmd.Wait()
	c.Server.Heal()

	// The second job finds nothing, and its save the name taken; the third
	// cannot use what the second saved; the fourth can use what the third did.
	for range 2 {
		at.wipe(t)
		r := at.fetch(t, 0, "--no-probe")
		allPresent(t, at, r)
		at.modferry(t, 0, "cache", "save")
	}
	at.wipe(t)
	s.Forget()
	fromCacheAlone(t, at.fetch(t, 0, "--no-probe"), s)
}

// TestAStoreThatIsNotThereCostsNoModule is a job whose store nobody serves.
func TestAStoreThatIsNotThereCostsNoModule(t *testing.T) {
	f := faultModules(t)
	for _, c := range counterparts {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c := c.start(t, false)
			c.Server.Close()
			s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
			at := newPlace(t, s)
			at.dir = t.TempDir()
			f.WriteCheckout(t, at.dir, mirrortest.Checkout{})
			at.use(c)
			r := at.fetch(t, 0, "--no-probe")
			allPresent(t, at, r)
			if r.Cache.Reason == "" {
				t.Errorf("the result does not say that there was no cache: %+v", r.Cache)
			}
			at.modferry(t, 0, "cache", "save")
		})
	}
}

// TestABusyStoreIsWaitedFor answers the first questions with 429.
func TestABusyStoreIsWaitedFor(t *testing.T) {
	f := faultModules(t)
	for _, c := range counterparts {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c := c.start(t, false)
			at, s := savedJob(t, f, c)
			at.wipe(t)
			s.Forget()
			c.Server.Fault(mirrortest.First(2, "", mirrortest.RetryAfter(429, "1")))
			fromCacheAlone(t, at.fetch(t, 0, "--no-probe"), s)
		})
	}
}

// TestASignedURLThatHasRunOutIsRenewed gives out stale URLs of blobs.
func TestASignedURLThatHasRunOutIsRenewed(t *testing.T) {
	f := faultModules(t)
	c := startTwirp(t, false)
	at, s := savedJob(t, f, c)
	t.Run("once", func(t *testing.T) {
		at.wipe(t)
		s.Forget()
		c.expire(1)
		fromCacheAlone(t, at.fetch(t, 0, "--no-probe"), s)
	})
	t.Run("always", func(t *testing.T) {
		at.wipe(t)
		c.expire(1_000_000)
		r := at.fetch(t, 0, "--no-probe")
		allPresent(t, at, r)
		if r.Cache.Reason == "" {
			t.Errorf("the result does not say why the cache brought nothing: %+v", r.Cache)
		}
	})
	c.expire(0)
}

// TestATokenThatMayLessIsNoError is what a pull request from a fork gets.
func TestATokenThatMayLessIsNoError(t *testing.T) {
	f := faultModules(t)
	t.Run("read-only", func(t *testing.T) {
		t.Parallel()
		c := startTwirp(t, false)
		at, s := savedJob(t, f, c)
		at.env = append(at.env, "ACTIONS_RUNTIME_TOKEN="+token(canRead))
		at.wipe(t)
		s.Forget()
		fromCacheAlone(t, at.fetch(t, 0, "--no-probe"), s)

		next := f.Without(f.Versions()[0])
		next.WriteCheckout(t, at.dir, mirrortest.Checkout{})
		before := len(c.kept.sizes(t))
		r := at.modferry(t, 0, "cache", "save")
		if r.Cache.Saved == nil || r.Cache.Saved.Reason == "" {
			t.Errorf("the result does not say why nothing was saved: %+v", r.Cache.Saved)
		}
		if after := len(c.kept.sizes(t)); after != before {
			t.Errorf("%d entries were added with a read-only token", after-before)
		}
	})
	t.Run("write-only", func(t *testing.T) {
		t.Parallel()
		c := startTwirp(t, false)
		at, _ := savedJob(t, f, c)
		at.env = append(at.env, "ACTIONS_RUNTIME_TOKEN="+token(canWrite))
		at.wipe(t)
		r := at.fetch(t, 0, "--no-probe")
		allPresent(t, at, r)
		if n := sources(r); n["zip cache"] > 0 {
			t.Errorf("%v came from a cache that may not be read", n)
		}
	})
	// The mode is said by a variable, too: then the server need not be asked.
	t.Run("cache mode none", func(t *testing.T) {
		t.Parallel()
		c := startTwirp(t, false)
		at, _ := savedJob(t, f, c)
		at.env = append(at.env, "ACTIONS_CACHE_MODE=none")
		at.wipe(t)
		c.Server.Forget()
		r := at.fetch(t, 0, "--no-probe")
		allPresent(t, at, r)
		at.modferry(t, 0, "cache", "save")
		if n := c.Server.Count(""); n > 0 {
			t.Errorf("%d requests although the cache is switched off", n)
		}
	})
}

// TestASlowStoreIsLeftForTheMirrors restores from a store whose throughput is
// below the floor.
func TestASlowStoreIsLeftForTheMirrors(t *testing.T) {
	t.Parallel()
	f := faultModules(t)
	c := startVersity(t, false)
	at, _ := savedJob(t, f, c)
	at.wipe(t)
	slow := *at
	slow.cache = strings.Replace(c.cache, c.Server.URL, startToxic(t, c.Server, `{"type":"bandwidth","attributes":{"rate":200}}`), 1)
	r := slow.fetch(t, 0, "--no-probe", "--cache-floor", "1MiB")
	allPresent(t, &slow, r)
	if !strings.Contains(r.Cache.Reason, "less than the minimum") || sources(r)["zip mirror"] == 0 {
		t.Errorf("a restore below the floor was not given up: %+v", r.Cache)
	}
}
