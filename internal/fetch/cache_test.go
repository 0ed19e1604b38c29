package fetch_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/fetch"
	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/layer"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/store"
)

// sources counts the module entries by source.
func sources(r *report.Result) map[string]int { return r.Totals.BySource }

func TestTheNextJobAsksNoMirrorForWhatTheCacheHas(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 10, 30_000)
	s := fetchtest.Start(t, nil, mirrortest.HTTP1, f)
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	b.WithCache()
	r := b.Run(s.URL)
	fetchtest.WantOutcome(t, r, report.OK)
	if c := r.Cache; c.Hit != "miss" || c.Key == "" || c.Files != 0 || c.Reason != "" || !strings.HasPrefix(c.Store, "dir:") {
		t.Errorf("first run: cache %+v", c)
	}
	if saved := b.Save(); saved.Layers != 1 || saved.Files != 30 || saved.Bytes == 0 || saved.Index == "" {
		t.Errorf("saved %+v", saved)
	}
	b.Afresh()
	b.Values.NoProbe = true
	asked := len(s.Requests())
	r = b.Run(s.URL)
	fetchtest.WantOutcome(t, r, report.OK)
	b.Complete()
	if c := r.Cache; c.Hit != "exact" || c.Files != 20 || c.Layers != 1 || c.Bytes == 0 || c.MS == 0 || len(c.Rejected) > 0 || c.Reason != "" {
		t.Errorf("second run: cache %+v", c)
	}
	if n := sources(r)[report.FromCache]; n != 20 {
		t.Errorf("%d files from the cache, want 20", n)
	}
	if r.Totals.Bytes != r.Cache.Bytes {
		t.Errorf("%d bytes in all, %d of them from the cache, want the same", r.Totals.Bytes, r.Cache.Bytes)
	}
	if got := s.Requests()[asked:]; len(got) > 0 {
		t.Errorf("the mirror was asked for %v", got)
	}
	// A third run has nothing to do and does not even look.
	if r := b.Run(s.URL); r.Cache.Hit != "off" || r.Cache.Reason == "" {
		t.Errorf("third run: cache %+v", r.Cache)
	}
	if saved := b.Save(); saved.Reason != "the cache already has everything" || saved.Failed {
		t.Errorf("saved %+v", saved)
	}
}

func TestWhatTheCacheLacksIsFetched(t *testing.T) {
	t.Parallel()
	all := mirrortest.Generate(t, 10, 10_000)
	s := fetchtest.Start(t, nil, mirrortest.HTTP1, all)
	few := all.Without(all.Versions()[8:]...)
	b := fetchtest.New(t, few, mirrortest.Checkout{})
	dir := b.WithCache()
	fetchtest.WantOutcome(t, b.Run(s.URL), report.OK)
	b.Save()

	c := fetchtest.New(t, all, mirrortest.Checkout{})
	c.Values.Cache = "dir:" + dir
	r := c.Run(s.URL)
	fetchtest.WantOutcome(t, r, report.OK)
	c.Complete()
	if r.Cache.Hit != "partial" || sources(r)[report.FromCache] != 16 || sources(r)[report.FromMirror] != 4 {
		t.Errorf("cache %+v, sources %v", r.Cache, sources(r))
	}
	if saved := c.Save(); saved.Layers != 1 || saved.Files != 6 || saved.Kept != 1 {
		t.Errorf("saved %+v", saved)
	}
}

// A poisoned cache costs a fetch and never more; the next save leaves the
// poison behind.
func TestAPoisonedCacheIsToldAndHealed(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 4, 50_000)
	s := fetchtest.Start(t, nil, mirrortest.HTTP1, f)
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	b.Values.Extract = "none" // so that the zip is all there is
	dir := b.WithCache()
	fetchtest.WantOutcome(t, b.Run(s.URL), report.OK)
	// What somebody put into the module cache behind the go command's back is
	// not saved: the zip of another module under the name of the first.
	name := b.File(f.Versions()[0], "zip")
	fetchtest.Remove(t, name)
	fetchtest.Write(t, name, string(f.All()[1].Zip))
	if saved := b.Save(); !saved.Failed || !strings.Contains(saved.Reason, f.Versions()[0].Path) || saved.Index != "" {
		t.Errorf("saved %+v", saved)
	}
	fetchtest.Remove(t, name)
	fetchtest.Write(t, name, string(f.All()[0].Zip))
	b.Save()
	spoil(t, dir, func(data []byte) { data[25_000] ^= 1 }) // in the frame of one module

	b.Afresh()
	r := b.Run(s.URL)
	fetchtest.WantOutcome(t, r, report.OK)
	b.Complete()
	if c := r.Cache; len(c.Rejected) != 1 || c.Hit != "partial" || c.Files != 6 {
		t.Errorf("cache %+v", c)
	}
	if saved := b.Save(); saved.Layers != 1 || saved.Kept != 0 {
		t.Errorf("saved %+v, want all of it anew", saved)
	}
	b.Afresh()
	if r := b.Run("off"); r.Outcome != report.OK || len(r.Cache.Rejected) > 0 {
		t.Errorf("after healing: %s, cache %+v", r.Outcome, r.Cache)
	}
	b.Complete()

	// The second half of every layer is garbage.
	spoil(t, dir, func(data []byte) {
		for i := len(data) / 2; i < len(data); i++ {
			data[i] ^= 0x5a
		}
	})
	b.Afresh()
	r = b.Run(s.URL)
	fetchtest.WantOutcome(t, r, report.OK)
	b.Complete()
	if r.Cache.Reason == "" {
		t.Errorf("cache %+v", r.Cache)
	}
}

// spoil changes the bytes of every layer in a directory.
func spoil(t *testing.T, dir string, edit func([]byte)) {
	t.Helper()
	found := 0
	err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || !strings.Contains(name, layer.LayerPrefix) {
			return err
		}
		found++
		data, err := os.ReadFile(name)
		if err != nil || len(data) < 50_000 {
			return err
		}
		edit(data)
		fetchtest.Remove(t, name)
		fetchtest.Write(t, name, string(data))
		return nil
	})
	if err != nil || found == 0 {
		t.Fatalf("%d layers spoilt, %v", found, err)
	}
}

// What nobody but version control has comes from the cache once it is there.
func TestPrivateModulesComeFromTheCache(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 3, 1000)
	s := fetchtest.Start(t, nil, mirrortest.HTTP1, f)
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	b.WithCache()
	fetchtest.WantOutcome(t, b.Run(s.URL), report.OK)
	b.Save()
	b.Afresh()
	b.Env["GOPRIVATE"], b.Env["GONOPROXY"], b.Env["GONOSUMDB"] = "example.*", "example.*", "example.*"
	asked := len(s.Requests())
	r := b.Run(s.URL + ",direct")
	fetchtest.WantOutcome(t, r, report.OK)
	b.Complete()
	if sources(r)[report.FromCache] != 6 {
		t.Errorf("sources %v", sources(r))
	}
	for _, q := range s.Requests()[asked:] {
		if strings.Contains(q.Path, "example.") {
			t.Errorf("a private name was told to the mirror: %s", q.Path)
		}
	}
}

func TestACacheThatCannotBeUsedIsAReasonAndNoFailure(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 2, 1000)
	s := fetchtest.Start(t, nil, mirrortest.HTTP1, f)
	file := filepath.Join(t.TempDir(), "file")
	fetchtest.Write(t, file, "not a directory")
	for _, tt := range []struct{ name, cache, reason string }{
		{"a file in the place of the directory", "dir:" + file, "directory"},
		{"no cache service here", "gha", "ACTIONS_RUNTIME_TOKEN"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := fetchtest.New(t, f, mirrortest.Checkout{})
			b.Values.Cache = tt.cache
			r := b.Run(s.URL)
			fetchtest.WantOutcome(t, r, report.OK)
			b.Complete()
			if r.Cache.Hit != "off" || !strings.Contains(r.Cache.Reason, tt.reason) {
				t.Errorf("cache %+v, want a reason about %q", r.Cache, tt.reason)
			}
			if saved := b.Save(); !strings.Contains(saved.Reason, tt.reason) || !saved.Failed {
				t.Errorf("saved %+v", saved)
			}
		})
	}
}

func TestRestoreAloneAsksNoMirror(t *testing.T) {
	t.Parallel()
	all := mirrortest.Generate(t, 4, 1000)
	s := fetchtest.Start(t, nil, mirrortest.HTTP1, all)
	few := all.Without(all.Versions()[3:]...)
	b := fetchtest.New(t, few, mirrortest.Checkout{})
	dir := b.WithCache()
	fetchtest.WantOutcome(t, b.Run(s.URL), report.OK)
	b.Save()

	c := fetchtest.New(t, all, mirrortest.Checkout{})
	c.Values.Cache = "dir:" + dir
	j, err := c.Open(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	asked := len(s.Requests())
	r := fetch.Restore(t.Context(), j, nil)
	fetchtest.WantOutcome(t, r, report.OK)
	if n := len(s.Requests()) - asked; n > 0 {
		t.Errorf("%d requests to the mirror", n)
	}
	if sources(r)[report.FromCache] != 6 || r.Message != "1 file is not in the cache; modferry fetch brings what is missing" {
		t.Errorf("sources %v, message %q", sources(r), r.Message)
	}
	c.Clean()
}

func TestACacheSettingThatCannotBeMeantIsRefused(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"s4://bucket": `found "s4://bucket", which is no store; write off, dir:PATH, gha, or s3://BUCKET/PREFIX?endpoint=https://HOST`,
		"dir:":        `found "dir:", which names no directory; write dir:PATH, e.g. dir:.modferry/cache`,
		"gha:v3":      `found "gha:v3", which is no version of the cache service; write gha, gha:v1 or gha:v2`,
		"s3://u:p@b/": `found "s3://u:xxxxx@b/", which holds credentials, and a setting is no place for them; write the URL without them, and set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY`,
		"s3://b?a=1":  `found "s3://b?a=1", whose option "a" is unknown; write endpoint, region or path-style`,
	} {
		b := fetchtest.New(t, mirrortest.Generate(t, 1, 10), mirrortest.Checkout{})
		b.Values.Cache = value
		b.Values.Sources["cache"] = "flag --cache"
		_, err := b.Open("off")
		if err == nil || err.Error() != "flag --cache: "+want {
			t.Errorf("%s\n got %v\nwant flag --cache: %s", value, err, want)
		}
	}
}

func TestListAndPrune(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 2, 1000)
	s := fetchtest.Start(t, nil, mirrortest.HTTP1, f)
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	b.WithCache()
	fetchtest.WantOutcome(t, b.Run(s.URL), report.OK)
	b.Save()
	j, err := b.Open("off")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := fetch.List(t.Context(), j)
	if err != nil || len(entries) != 2 || !slices.ContainsFunc(entries, func(e store.Entry) bool { return strings.HasPrefix(e.Name, layer.IndexPrefix) }) {
		t.Fatalf("listed %v, %v", entries, err)
	}
	b.Values.CacheMaxSize = 1
	if j, err = b.Open("off"); err != nil {
		t.Fatal(err)
	}
	removed, err := fetch.Prune(t.Context(), j)
	if err != nil || len(removed) != 2 {
		t.Errorf("removed %v, %v", removed, err)
	}
}
