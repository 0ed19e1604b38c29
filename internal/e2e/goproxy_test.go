package e2e

import (
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/goproxy/goproxy"
	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// TestGoproxyAsMirror fetches from goproxy/goproxy, a module proxy that we did
// not write: with its own fetcher, cache and checks, in front of a mirror of
// ours that serves only what it is asked for.
func TestGoproxyAsMirror(t *testing.T) {
	t.Parallel()
	f := mirrortest.Build(t,
		mirrortest.Module{Path: "example.test/Upper/one", Version: "v1.2.3", Size: 2 << 20},
		mirrortest.Module{Path: "example.test/two/v2", Version: "v2.0.0-20240102030405-0123456789ab"},
		mirrortest.Module{Path: "example.test/three", Version: "v3.0.0+incompatible", GoMod: "module example.test/three\n"},
		mirrortest.Module{Path: "example.test/graph", Version: "v0.0.1"},
		mirrortest.Module{Path: "example.test/many/a", Version: "v0.1.0", Size: 10_000},
		mirrortest.Module{Path: "example.test/many/b", Version: "v0.1.0", Size: 100_000},
	)
	db := mirrortest.NewSumDB(t, f)
	for _, p := range mirrortest.Protocols() {
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			origin := mirrortest.Start(t, mirrortest.Options{Fixtures: f, SumDB: db})
			s := mirrortest.Start(t, mirrortest.Options{Protocol: p, Handler: &goproxy.Goproxy{
				Fetcher: &goproxy.GoFetcher{
					Env:     []string{"GOPROXY=" + origin.URL, "GOSUMDB=" + db.Key, "GOENV=off", "PATH=", "HOME=" + t.TempDir(), "GOMODCACHE=" + t.TempDir()},
					TempDir: t.TempDir(),
				},
				ProxiedSumDBs: []string{db.Name + " " + origin.URL + "/sumdb/" + db.Name},
				Cacher:        goproxy.DirCacher(t.TempDir()),
				TempDir:       t.TempDir(),
				Logger:        slog.New(slog.NewTextHandler(io.Discard, nil)),
			}})
			at := newPlace(t, s)
			at.dir = t.TempDir()
			f.WriteCheckout(t, at.dir, mirrortest.Checkout{ModOnly: []module.Version{{Path: "example.test/graph", Version: "v0.0.1"}}})

			at.env = append(at.env, "GOSUMDB="+db.Key) // the proxy offers it
			r := at.fetch(t, 0)
			if n := sources(r); n["zip mirror"] != 5 {
				t.Errorf("fetched %v, expected 5 zips", n)
			}
			if s.Count("/sumdb/"+db.Name+"/supported") == 0 {
				t.Error("the preflight did not ask for the checksum database")
			}
			if m := r.Mirrors[0]; m.SumDB == nil || !*m.SumDB {
				t.Error("the result does not say that goproxy serves the checksum database")
			}
			if out := at.goOffline(t, "mod", "verify"); !strings.Contains(out, "all modules verified") {
				t.Errorf("go mod verify says:\n%s", out)
			}
			at.goOffline(t, "list", "-deps", "./...")
		})
	}
}
