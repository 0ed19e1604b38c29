package fetch_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
)

// What the cache brings is trees without zips; the go command needs no more.
func TestTheGoCommandBuildsWithWhatTheCacheBrought(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command on PATH")
	}
	f := mirrortest.Build(t,
		mirrortest.Module{Path: "example.test/Upper/one", Version: "v1.2.3-RC.1", Size: 5000},
		mirrortest.Module{Path: "example.test/two/v2", Version: "v2.0.0", Files: map[string]string{"m_test.go": "package m\n", "sub/dir/x.go": "package dir\n"}},
		mirrortest.Module{Path: "example.test/gopher", Version: "v0.0.0-20240301120000-abcdefabcdef"},
		mirrortest.Module{Path: "example.test/pruned", Version: "v0.1.0"})
	s := fetchtest.Start(t, nil, mirrortest.HTTP1, f)
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	b.WithCache()
	fetchtest.WantOutcome(t, b.Run(s.URL), report.OK)
	if saved := b.Save(); saved.Layers != 1 || saved.Files != 12 {
		t.Fatalf("saved %+v", saved)
	}
	b.Afresh()
	r := b.Run("off")
	fetchtest.WantOutcome(t, r, report.OK)
	if r.Cache.Hit != "exact" || r.Cache.Files != 8 {
		t.Errorf("cache %+v", r.Cache)
	}
	b.Complete()
	for _, v := range f.Versions() {
		if _, err := os.Stat(b.File(v, "zip")); err == nil {
			t.Errorf("there is a zip of %s", v)
		}
	}
	tmp := t.TempDir()
	for _, args := range [][]string{{"list", "-deps", "-test", "./..."}, {"list", "-deps", "-test", "all"}, {"mod", "verify"}} {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = b.Dir
		cmd.Env = []string{
			"PATH=" + os.Getenv("PATH"), "GOMODCACHE=" + b.ModCache, "GOPROXY=off", "GOSUMDB=off", "GOTOOLCHAIN=local", "GOENV=off", "GOWORK=off", "CGO_ENABLED=0",
			"GOFLAGS=-mod=readonly", "GOCACHE=" + filepath.Join(tmp, "build"), "GOPATH=" + filepath.Join(tmp, "path"), "TMPDIR=" + tmp,
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("go %v: %v\n%s", args, err, out)
		}
	}
	// The next save has nothing to add, with trees alone.
	if saved := b.Save(); saved.Reason != "the cache already has everything" {
		t.Errorf("saved %+v", saved)
	}
}

// A tree that was changed behind the go command's back is found and replaced,
// also where there is no zip to extract it from again.
func TestAChangedTreeWithoutAZipIsFetchedAgain(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 3, 1000)
	s := fetchtest.Start(t, nil, mirrortest.HTTP1, f)
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	b.WithCache()
	fetchtest.WantOutcome(t, b.Run(s.URL), report.OK)
	b.Save()
	b.Afresh()
	fetchtest.WantOutcome(t, b.Run("off"), report.OK)
	name := filepath.Join(b.ModCache, filepath.FromSlash(f.Versions()[0].String()), "m.go")
	fetchtest.Remove(t, name)
	fetchtest.Write(t, name, "package evil\n")
	b.Values.VerifyPresent = true
	r := b.Run("off")
	fetchtest.WantOutcome(t, r, report.OK)
	if n := r.Totals.BySource[report.FromCache]; n != 1 {
		t.Errorf("sources %v, want the changed module from the cache", r.Totals.BySource)
	}
	b.Complete()
}
