package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/modferry/modferry/internal/report"
)

// The ways to fill, save and restore a module cache. Restoring ends with
// "go list -deps ./..." without network, which proves that nothing was missing.
const (
	// What actions/setup-go does after "go mod download".
	officialAll = "official client, module cache"
	// What it does when only builds have filled the module cache.
	officialList = "official client, module cache of a build"
	// The same client used well: the go command extracts again.
	officialFiles = "official client, cache/download"

	saveAsIs     = "modferry cache save" // what imports need
	saveBuild    = saveAsIs + " --scope build"
	fetchBuild   = fetchAsIs + " --scope build"
	fetchRebuild = fetchAsIs + " --zips rebuild"

	saving    = "save: "
	restoring = "restore: "
)

// cacheWant are the ratios of times wanted against officialAll, 0 for none.
type cacheWant struct{ build, imports, save float64 }

// cacheWants are those wanted at a rate, saving aside, of the usual projects.
var cacheWants = map[rate]cacheWant{
	0:   {build: 1},
	400: {build: 2, imports: 3},
	40:  {build: 2, imports: 4},
}

// cache measures saving and restoring through GitHub's cache service, against
// the official client on the same service.
func (s *suite) cache(ctx context.Context, at *site) error {
	defer serveFirst(at.thread)()
	projects := []project{hugo, kubernetes}
	if s.project != nil {
		projects = []project{*s.project}
	}
	for _, p := range projects {
		if err := s.cacheOf(ctx, at, p); err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
	}
	return nil
}

func (s *suite) cacheOf(ctx context.Context, at *site, p project) (err error) {
	r, err := s.prepare(ctx, at, p)
	if err != nil {
		return err
	}
	defer r.from.close()
	if r.service, err = serveCache(s.tmp); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.service.end()) }()
	// One of their own for the jobs with --scope build: the same go.sum has one
	// index.
	other, err := serveCache(s.tmp)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, other.end()) }()
	filled, err := s.fillCaches(ctx, r)
	defer func() {
		for _, dir := range filled {
			err = errors.Join(err, removeAll(dir))
		}
	}()
	if err != nil {
		return err
	}
	for _, rate := range s.rates {
		if err := s.cacheAt(ctx, r, other, rate, filled); err != nil {
			return err
		}
	}
	r.service.limit(0)
	return s.oneChanged(ctx, r, filled[saveAsIs])
}

// fillCaches fills module caches as the jobs that save them would and returns
// the directories by the name of what is saved.
func (s *suite) fillCaches(ctx context.Context, r *runner) (map[string]string, error) {
	filled := make(map[string]string)
	download := step{args: []string{"go", "mod", "download"}}
	for _, job := range []struct {
		steps []step
		saves []string
	}{
		{[]step{download, listing()}, []string{officialAll, officialFiles}},
		{[]step{listing()}, []string{officialList}},
		{[]step{s.fetch("--cache", "gha"), listing()}, []string{saveAsIs}},
		{[]step{s.fetch("--cache", "gha", "--scope", "build"), listing()}, []string{saveBuild}},
	} {
		dir, err := os.MkdirTemp(r.tmp, "filled-")
		if err != nil {
			return filled, err
		}
		for _, name := range job.saves {
			filled[name] = dir
		}
		if _, err := r.run(ctx, side{steps: job.steps, in: dir}); err != nil {
			return filled, fmt.Errorf("fill a module cache: %w", err)
		}
	}
	return filled, nil
}

// cacheAt measures every way at a rate.
func (s *suite) cacheAt(ctx context.Context, r *runner, other *service, rate rate, filled map[string]string) error {
	r.service.limit(rate)
	other.limit(rate)
	r.place = "cache service, " + rate.String()
	saves, err := s.record(ctx, r, s.saves(r, other, filled))
	if err != nil {
		return err
	}
	// What the last round saved is what is restored.
	restores, err := s.record(ctx, r, s.restores(saves, other))
	if err != nil {
		return err
	}
	want := cacheWants[rate]
	want.save = 3
	if usual := []project{hugo, kubernetes}; !slices.Contains(usual, r.checkout.project) {
		want = cacheWant{}
	}
	for _, pair := range []struct {
		of                map[string]series
		prefix            string
		subject, baseline string
		atLeast           float64
	}{
		{restores, restoring, fetchAsIs, officialAll, want.imports},
		{restores, restoring, fetchBuild, officialAll, want.build},
		{restores, restoring, fetchRebuild, officialAll, 0},
		{restores, restoring, fetchAsIs, officialList, 0},
		{restores, restoring, fetchBuild, officialFiles, 0},
		{saves, saving, saveBuild, officialAll, want.save},
		{saves, saving, saveBuild, officialFiles, 0},
		{saves, saving, saveAsIs, officialList, 0},
	} {
		s.claims = append(s.claims, claim{
			text:     fmt.Sprintf("%s, %s, %s`%s` against %s", r.checkout, rate, pair.prefix, pair.subject, pair.baseline),
			subject:  pair.of[pair.prefix+pair.subject],
			baseline: pair.of[pair.prefix+pair.baseline],
			atLeast:  pair.atLeast,
		})
	}
	if rate != s.rates[0] {
		return nil // bytes are the same at every rate
	}
	for _, pair := range []struct {
		text    string
		subject series
		atMost  float64
	}{
		{"stored by `" + saveBuild + "`", saves[saving+saveBuild], 0.6},
		{"restored by `" + fetchAsIs + "`", restores[restoring+fetchAsIs], 0.3},
	} {
		s.claims = append(s.claims, claim{
			text:     fmt.Sprintf("%s, bytes %s against %s", r.checkout, pair.text, officialAll),
			subject:  pair.subject,
			baseline: saves[saving+officialAll],
			atMost:   pair.atMost,
		})
	}
	return nil
}

// officialKey is a key as actions/setup-go makes it. The paths are part of what
// an entry is found by, too.
const officialKey = "setup-go-Linux-x64-go-go.sum"

// saves are the sides that save the filled module caches, those with --scope build
// into the other service. The first one empties the services.
func (s *suite) saves(r *runner, other *service, filled map[string]string) []side {
	before := map[*service]int64{}
	saved := func(name string, to *service, empty bool, st step) side {
		return side{
			name: saving + name, in: filled[name], service: to, steps: []step{st},
			ready: func() (err error) {
				if empty {
					err = to.empty()
				}
				before[to] = to.stored()
				return err
			},
			check: func(_ string, got *sample) error {
				if got.cached = to.stored() - before[to]; got.cached <= 0 {
					return errors.New("found nothing new in the cache service, expected what was saved")
				}
				return nil
			},
		}
	}
	return []side{
		saved(officialAll, r.service, true, s.client.step("save", officialKey, "~/mod")),
		saved(officialFiles, r.service, false, s.client.step("save", officialKey, "~/mod/cache/download")),
		// Another key: the path is the first one's.
		saved(officialList, r.service, false, s.client.step("save", officialKey+"-build", "~/mod")),
		saved(saveAsIs, r.service, false, s.save()),
		saved(saveBuild, other, true, s.save("--scope", "build")),
	}
}

// restores are the sides that restore into an empty module cache what was saved.
func (s *suite) restores(saves map[string]series, other *service) []side {
	official := func(name, key, path string) side {
		return side{
			name:  restoring + name,
			steps: []step{s.client.step("restore", key, path), listing("GOPROXY=off")},
			check: func(_ string, got *sample) error {
				got.cached = saves[saving+name].cached()
				return nil
			},
		}
	}
	ours := func(name string, from *service, more ...string) side {
		return side{
			name:    restoring + name,
			service: from,
			steps:   []step{s.cached(more...), listing("GOPROXY=off")},
			check:   checkRestored,
		}
	}
	return []side{
		official(officialAll, officialKey, "~/mod"),
		official(officialFiles, officialKey, "~/mod/cache/download"),
		official(officialList, officialKey+"-build", "~/mod"),
		ours(fetchAsIs, nil),
		ours(fetchBuild, other, "--scope", "build"),
		ours(fetchRebuild, nil, "--zips", "rebuild"),
	}
}

// save is the step that saves the module cache with modferry.
func (s *suite) save(more ...string) step {
	return step{args: append([]string{s.modferry, "cache", "save", "-C", "{checkout}", "--modcache", "{modcache}", "--cache", "gha"}, more...)}
}

// cached is the step that fetches through the cache service and leaves the
// result for checkRestored.
func (s *suite) cached(more ...string) step {
	return s.fetch(append([]string{"--cache", "gha", "--json", "{tmp}/result.json"}, more...)...)
}

// listing is the step at which every way is done.
func listing(env ...string) step {
	return step{args: []string{"go", "list", "-deps", "./..."}, env: env}
}

// checkRestored refuses a run of modferry in which the mirror supplied anything:
// that would be the mirror's time. It notes what came from the cache service.
func checkRestored(tmp string, got *sample) error {
	result, err := readResult(tmp)
	if err != nil {
		return err
	}
	sources := result.Totals.BySource
	if n := sources[report.FromMirror] + sources[report.FromFailed]; n > 0 || len(result.Cache.Rejected) > 0 {
		return fmt.Errorf("found %d of %d modules not restored (cache: %s, %s; %d rejected), expected all from the cache service",
			n, result.Totals.Modules, result.Cache.Hit, result.Cache.Reason, len(result.Cache.Rejected))
	}
	got.cached = result.Cache.Bytes
	return nil
}

// readResult reads the result that cached left.
func readResult(tmp string) (*report.Result, error) {
	f, err := os.Open(filepath.Join(tmp, "result.json"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return report.Decode(f)
}
