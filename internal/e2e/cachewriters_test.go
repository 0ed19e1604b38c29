package e2e

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// TestAKillDuringASaveLeavesAStoreThatWorks ends saves into a directory with
// SIGKILL, at instants spread over the time that a save takes.
func TestAKillDuringASaveLeavesAStoreThatWorks(t *testing.T) {
	t.Parallel()
	const instants = 40
	f := mirrortest.Generate(t, 24, 200_000)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	at := newPlace(t, s)
	at.dir = t.TempDir()
	f.WriteCheckout(t, at.dir, mirrortest.Checkout{})
	at.fetch(t, 0, "--no-probe")

	// How long one takes.
	began := time.Now()
	at.use(startDir(t, true))
	at.save(t)
	takes := time.Since(began)

	random := rand.New(rand.NewPCG(2026, 3))
	struck := 0
	for range instants {
		c := startDir(t, true)
		at.cache = c.cache
		after := time.Duration(random.Float64() * float64(takes))
		began := time.Now()
		cmd := at.command(t, "cache", "save", "-C", at.dir, "--modcache", at.modcache, "--cache", at.cache)
		var said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &said, &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		kill := time.AfterFunc(after, func() { cmd.Process.Kill() })
		if err := cmd.Wait(); err != nil {
			if cmd.ProcessState.Exited() {
				t.Fatalf("the save failed by itself: %v\n%s", err, tail(said.Bytes()))
			}
			struck++
		} else {
			takes = min(takes, time.Since(began)) // the machine was busy, or is no longer
		}
		kill.Stop()

		// A job finds a store that has it all or nothing,
		other := *at
		other.modcache = filepath.Join(memory(t), "mod")
		r := other.fetch(t, 0, "--no-probe")
		if len(r.Cache.Rejected) > 0 || r.Cache.Reason != "" {
			t.Errorf("killed after %v: the next job finds %+v", after, r.Cache)
		}
		other.verified(t)
		// the next save completes it,
		at.modferry(t, 0, "cache", "save")
		if n := len(c.kept.sizes(t)); n != 2 {
			t.Errorf("killed after %v: %d entries, expected an index and a layer", after, n)
		}
		// the one after it finds all of it, and no leftovers stay.
		other.wipe(t)
		s.Forget()
		fromCacheAlone(t, other.fetch(t, 0, "--no-probe"), s)
		if left := glob(t, string(c.kept.(keptDir)), "v1/.tmp-*"); len(left) > 0 {
			t.Errorf("killed after %v: %v stay", after, left)
		}
	}
	if struck < instants/3 {
		t.Errorf("only %d of %d kills struck a save", struck, instants)
	}
}

// TestSeveralSavesAtOnce lets jobs save into one store at the same time: some
// the same modules, some others.
func TestSeveralSavesAtOnce(t *testing.T) {
	f := mirrortest.Generate(t, 16, 300_000)
	all := f.Versions()
	eachStore(t, false, func(t *testing.T, c *counterpart) {
		t.Parallel()
		s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
		const jobs = 6
		places := make([]*place, jobs)
		for i := range places {
			at := newPlace(t, s)
			at.dir = t.TempDir()
			require := all
			if i%2 == 1 {
				require = all[i:]
			}
			f.WriteCheckout(t, at.dir, mirrortest.Checkout{Module: fmt.Sprintf("example.test/main%d", i%3), Require: require})
			at.fetch(t, 0, "--no-probe")
			at.use(c)
			places[i] = at
		}
		waits := make([]func() string, jobs)
		for i, at := range places {
			waits[i] = start(t, at.command(t, "cache", "save", "-C", at.dir, "--modcache", at.modcache, "--cache", at.cache))
		}
		said := make([]string, jobs)
		for i, wait := range waits {
			said[i] = wait()
		}
		for i, at := range places {
			at.wipe(t)
			s.Forget()
			r := at.fetch(t, 0, "--no-probe")
			fromCacheAlone(t, r, s)
			if r.Cache.Hit != "exact" {
				t.Errorf("hit %s, expected exact: %+v; its save said:\n%s", r.Cache.Hit, r.Cache, said[i])
			}
			at.verified(t)
		}
	})
}
