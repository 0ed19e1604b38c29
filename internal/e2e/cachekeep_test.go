package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// entries runs `modferry cache list` or prune and returns the sizes of what it
// names.
func (p *place) entries(t *testing.T, args ...string) map[string]int64 {
	t.Helper()
	out := filepath.Join(t.TempDir(), "entries.json")
	cmd := p.command(t, append(append([]string{"cache"}, args...), "-C", p.dir, "--cache", p.cache, "--json", out)...)
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("modferry cache %s: %v\n%s", args, err, tail(said))
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var list []struct {
		Name  string
		Bytes int64
	}
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatalf("modferry cache %s wrote %s: %v", args, data, err)
	}
	sizes := map[string]int64{}
	for _, e := range list {
		sizes[e.Name] = e.Bytes
	}
	return sizes
}

// TestAStoreIsListedRestoredAndPrunedByHand goes through the commands that a
// person would use.
func TestAStoreIsListedRestoredAndPrunedByHand(t *testing.T) {
	f := mirrortest.Generate(t, 8, 100_000)
	eachStore(t, false, func(t *testing.T, c *counterpart) {
		t.Parallel()
		at, s := savedJob(t, f, c)
		at.wipe(t)
		s.Close() // cache restore asks no mirror
		r := at.modferry(t, 0, "cache", "restore")
		if n := sources(r); n["zip cache"] != 8 || n["mod cache"] != 8 || r.Cache.Hit != "exact" {
			t.Errorf("restored %v, cache %+v; expected 8 modules", n, r.Cache)
		}
		at.verified(t)
		at.goOffline(t, "list", "-deps", "./...")

		if strings.HasPrefix(c.cache, "gha") {
			// A job's token can neither list nor remove.
			for _, verb := range []string{"list", "prune"} {
				said, err := at.command(t, "cache", verb, "-C", at.dir, "--cache", at.cache).CombinedOutput()
				if err == nil || !strings.Contains(string(said), "gh cache") {
					t.Errorf("cache %s: %v, and it does not say what to do instead:\n%s", verb, err, said)
				}
			}
			return
		}
		kept := c.kept.sizes(t)
		same := func(what string, got map[string]int64) {
			t.Helper()
			if len(got) != len(kept) || total(got) != total(kept) {
				t.Errorf("%s: %v, expected %v", what, got, kept)
			}
		}
		same("list", at.entries(t, "list"))
		if removed := at.entries(t, "prune"); len(removed) > 0 {
			t.Errorf("pruned %v although there is little and it is new", removed)
		}
		same("prune to nothing", at.entries(t, "prune", "--cache-max-size", "1B"))
		if left := c.kept.sizes(t); len(left) > 0 {
			t.Errorf("%v are left", left)
		}
		if left := at.entries(t, "list"); len(left) > 0 {
			t.Errorf("%v are listed", left)
		}
	})
}
