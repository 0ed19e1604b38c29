package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"

	"github.com/modferry/modferry/internal/report"
)

// The ways to run a job until go test ./... has ended.
const (
	withSetupGo = "setup-go's cache"
	withRecipe  = "modferry, actions/cache"
	withoutKeys = "modferry, actions/cache without restore-keys"
)

// Keys as actions/setup-go and the README's step make them, the last word in place
// of a hash. What a measured job saves has a key that no other job looks for.
const (
	setupGoKey = "setup-go-Linux-x64-ubuntu24-go-1.26-"
	entryKey   = "go-build-Linux-X64-1.26-"
	unwanted   = "unwanted-"
)

// A workflow is a project whose jobs run in one directory, one after the other: the
// build cache knows modules and sources by their place.
type workflow struct {
	*suite
	r      *runner
	dir    string
	stored map[string]int64 // bytes of entries by key
	undo   func() error     // of what is edited
}

// recipe measures jobs with the steps of the README and with setup-go's cache: while
// nothing changes, after a change of one module, and after one of all sources.
func (s *suite) recipe(ctx context.Context, at *site) (err error) {
	defer serveFirst(at.thread)()
	p := hcl
	if s.project != nil {
		p = *s.project
	}
	service, err := serveCache(s.tmp)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, service.end()) }()
	shared := *at
	shared.latency = originLatency
	shared.listen = func() (net.Listener, error) {
		ln, err := at.listen()
		if err != nil {
			return nil, err
		}
		return service.server.Behind(ln), nil
	}
	r, err := s.prepare(ctx, &shared, p)
	if err != nil {
		return err
	}
	defer r.from.close()
	r.service = service
	w := &workflow{suite: s, r: r, dir: filepath.Join(s.tmp, "job"), stored: map[string]int64{}, undo: func() error { return nil }}
	defer func() { err = errors.Join(err, w.undo(), removeAll(w.dir)) }()
	if err := w.first(ctx); err != nil {
		return err
	}
	changed, what, err := r.checkout.change(filepath.Join(s.work, "mirror", "cache", "download"), filepath.Join(w.dir, "mod", "cache", "download"))
	if err != nil {
		return fmt.Errorf("change a module: %w", err)
	}
	for _, rate := range s.rates {
		r.service.limit(rate)
		if err := w.measure(ctx, rate, changed); err != nil {
			return err
		}
	}
	entry := func(key string) series { return series{samples: []sample{{cached: w.stored[key]}}} }
	for _, pair := range []struct {
		text, subject, baseline string
		atMost                  float64
	}{
		{"entry of the build cache against setup-go's", entryKey + "before", setupGoKey + "before", 1},
		{"the same, saved after the change of " + what, unwanted + entryKey, unwanted + setupGoKey, 1},
		{"entry of the build cache after that change against before", unwanted + entryKey, entryKey + "before", 1.2},
	} {
		s.claims = append(s.claims, claim{
			text:     fmt.Sprintf("%s, bytes, %s", r.checkout, pair.text),
			subject:  entry(pair.subject),
			baseline: entry(pair.baseline),
			atMost:   pair.atMost,
		})
	}
	return nil
}

// first runs the jobs that find no cache and save theirs. The module cache that the
// last one leaves holds what tests need.
func (w *workflow) first(ctx context.Context) error {
	for _, job := range []side{
		w.job(withSetupGo, nil, goTest(), w.setupGo("save", setupGoKey+"before")),
		w.job(withRecipe, nil, w.cached(), goTest("GOPROXY=off"), w.save(), w.entry("save", entryKey+"before")),
	} {
		fmt.Fprintf(w.log, "%-26s the first job: %s\n", w.r.place, job.name)
		if _, err := w.r.run(ctx, job); err != nil {
			return fmt.Errorf("the first job: %s: %w", job.name, err)
		}
	}
	w.count()
	return nil
}

// The situations that a job finds itself in, as parts of names.
const (
	asBefore       = "nothing changed: "
	changedModule  = "one module changed: "
	changedSources = "all sources changed: "
)

// measure measures all ways at a rate.
func (w *workflow) measure(ctx context.Context, rate rate, changed *checkout) error {
	const before, after = "before", "after"
	offline := goTest("GOPROXY=off") // proves that nothing was missing
	restored := w.job(withSetupGo, w.brought(0, setupGoKey+before), w.setupGo("restore", setupGoKey+before), offline)
	recipe := w.job(withRecipe, w.brought(0, entryKey+before), w.cached(), w.entry("restore", entryKey+before), offline)
	in := func(situation string, sides ...side) []side {
		for i := range sides {
			sides[i].name = situation + sides[i].name
			switch situation {
			case changedModule:
				sides[i].checkout = changed
			case changedSources:
				sides[i].ready = w.fresh(true)
			}
		}
		return sides
	}
	sides := slices.Concat(
		in(asBefore, restored, recipe),
		in(changedModule,
			// A miss, so this is a job without any cache as well.
			w.job(withSetupGo, w.saves(ctx, changed, unwanted+setupGoKey, w.setupGo("save", unwanted+setupGoKey)), w.setupGo("miss", setupGoKey+after), goTest()),
			w.job(withoutKeys, w.brought(1), w.cached(), w.entry("miss", entryKey+after), offline),
			w.job(withRecipe, w.saves(ctx, changed, unwanted+entryKey, w.entry("save", unwanted+entryKey), entryKey+before),
				w.cached(), w.entry("restore", entryKey+after+","+entryKey), offline),
		),
		in(changedSources, restored, recipe),
	)
	w.r.place = "link of " + rate.String()
	measured, err := w.record(ctx, w.r, sides)
	if err != nil {
		return err
	}
	for _, situation := range []string{asBefore, changedModule, changedSources} {
		for _, other := range []string{withSetupGo, withoutKeys} {
			if baseline := measured[situation+other]; len(baseline.samples) > 0 {
				w.claims = append(w.claims, claim{
					text:     fmt.Sprintf("%s, %s, %s%s against %s", w.r.checkout, rate, situation, withRecipe, other),
					subject:  measured[situation+withRecipe],
					baseline: baseline,
				})
			}
		}
	}
	return nil
}

// job is a side that begins as a job does. A nil check is none.
func (w *workflow) job(name string, check func(string, *sample) error, steps ...step) side {
	return side{name: name, in: w.dir, steps: steps, ready: w.fresh(false), check: check}
}

// fresh is what is there when a job begins: nothing but a new checkout, with every
// source edited or as it was.
func (w *workflow) fresh(edited bool) func() error {
	return func() (err error) {
		if err = errors.Join(w.undo(), removeAll(w.dir), os.Mkdir(w.dir, 0o755)); err != nil {
			return err
		}
		w.undo = func() error { return nil }
		if edited {
			if w.undo, err = w.r.checkout.edit(); err != nil {
				return err
			}
		}
		return w.r.checkout.touch()
	}
}

// goTest is the step at which every job is done.
func goTest(env ...string) step { return step{args: []string{"go", "test", "./..."}, env: env} }

// setupGo is what actions/setup-go does with the official client.
func (w *workflow) setupGo(what, keys string) step {
	return w.client.step(what, keys, "~/mod", "~/build")
}

// entry is what actions/cache does with it for the build cache.
func (w *workflow) entry(what, keys string) step { return w.client.step(what, keys, "~/build") }

// count notes the size of every entry.
func (w *workflow) count() {
	for _, e := range w.r.service.server.Entries() {
		w.stored[e.Key] = e.Size
	}
}

// brought notes how much a job restored: entries by key, and what modferry's step says
// of itself. It refuses a run in which the mirror supplied more files than
// those of so many modules.
func (w *workflow) brought(modules int, keys ...string) func(string, *sample) error {
	return func(tmp string, got *sample) error {
		got.cached = 0
		for _, key := range keys {
			got.cached += w.stored[key]
		}
		result, err := readResult(tmp)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a job without modferry
		}
		if err != nil {
			return err
		}
		sources := result.Totals.BySource
		if n := sources[report.FromMirror] + sources[report.FromFailed]; n > 2*modules || len(result.Cache.Rejected) > 0 {
			return fmt.Errorf("found %d files not restored (cache: %s, %s; %d rejected), expected those of %d modules",
				n, result.Cache.Hit, result.Cache.Reason, len(result.Cache.Rejected), modules)
		}
		got.cached += result.Cache.Bytes
		return nil
	}
}

// saves is brought after a change of one module. The first time, the job saves as it
// would at its end.
func (w *workflow) saves(ctx context.Context, changed *checkout, key string, save step, keys ...string) func(string, *sample) error {
	return func(tmp string, got *sample) error {
		if w.stored[key] == 0 {
			r := *w.r
			r.checkout = changed
			defer r.service.limit(r.service.rate)
			r.service.limit(0)
			if _, err := r.step(ctx, save, tmp); err != nil {
				return err
			}
			w.count()
		}
		return w.brought(1, keys...)(tmp, got)
	}
}
