package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"time"
)

// The usual projects.
var (
	hugo       = project{module: "github.com/gohugoio/hugo", version: "v0.140.0"}
	terraform  = project{module: "github.com/hashicorp/terraform", version: "v1.10.0", manifest: true}
	kubernetes = project{module: "k8s.io/kubernetes", version: "v1.32.0", manifest: true}
)

// A suite measures cases and collects what they show.
type suite struct {
	options
	client *officialClient // nil without the case cache
	log    io.Writer
	claims []claim
	series []series
}

// measure measures one of caseNames.
func (s *suite) measure(ctx context.Context, name string) error {
	if name == "wire" {
		for _, roundTrip := range s.roundTrips {
			if err := s.wire(ctx, roundTrip); err != nil {
				return err
			}
		}
		return nil
	}
	at, err := newLoopback(s.cores)
	if err != nil {
		return err
	}
	defer at.close()
	switch name {
	case "loopback":
		return s.compare(ctx, at, wants{none: 6, all: 3, list: 3})
	case "present":
		return s.present(ctx, at)
	case "cache":
		return s.cache(ctx, at)
	default:
		return s.memory(ctx, at)
	}
}

// wire measures over a wire with the given round trip.
func (s *suite) wire(ctx context.Context, roundTrip time.Duration) error {
	at, err := newWire(s.cores, roundTrip)
	if err != nil {
		return err
	}
	defer at.close()
	want := wants{}
	if roundTrip == 100*time.Millisecond {
		want = wants{none: 10, none64: 2}
	}
	return s.compare(ctx, at, want)
}

// wants are the ratios wanted of a comparison, 0 for none.
type wants struct {
	none, none64 float64 // fetch, against go mod download as it is and with GOMAXPROCS=64
	all          float64 // fetch --extract all, against go mod download
	list         float64 // fetch and go list, against go list
}

// compare measures fetching and listing a project, cold.
func (s *suite) compare(ctx context.Context, at *site, want wants) error {
	const (
		fetch      = "modferry fetch"
		fetchAll   = "modferry fetch --extract all"
		fetchList  = "modferry fetch; go list -deps ./..."
		download   = "go mod download"
		download64 = "GOMAXPROCS=64 go mod download"
		list       = "go list -deps ./..."
	)
	listArgs := []string{"go", "list", "-deps", "./..."}
	if s.project != nil {
		want = wants{} // they hold for the usual project
	}
	c, samples, err := s.alternate(ctx, at, hugo, []side{
		{name: fetch, steps: []step{s.fetch()}},
		{name: fetchAll, steps: []step{s.fetch("--extract", "all")}},
		// GOPROXY=off proves that nothing was missing.
		{name: fetchList, steps: []step{s.fetch(), {args: listArgs, env: []string{"GOPROXY=off"}}}},
		{name: download, steps: []step{{args: []string{"go", "mod", "download"}}}},
		{name: download64, steps: []step{{args: []string{"go", "mod", "download"}, env: []string{"GOMAXPROCS=64"}}}},
		{name: list, steps: []step{{args: listArgs}}},
	})
	if err != nil {
		return err
	}
	for _, pair := range []struct {
		subject, baseline string
		atLeast           float64
	}{
		{fetch, download, want.none},
		{fetch, download64, want.none64},
		{fetchAll, download, want.all},
		{fetchAll, download64, 0},
		{fetchList, list, want.list},
	} {
		s.claims = append(s.claims, claim{
			text:     fmt.Sprintf("%s, cold, %s: `%s` against `%s`", c, at.name, pair.subject, pair.baseline),
			subject:  samples[pair.subject],
			baseline: samples[pair.baseline],
			atLeast:  pair.atLeast,
		})
	}
	return nil
}

// present measures a run that finds everything there.
func (s *suite) present(ctx context.Context, at *site) error {
	const again = "modferry fetch --no-probe, everything present"
	c, samples, err := s.alternate(ctx, at, terraform, []side{
		{name: again, before: []step{s.fetch()}, steps: []step{s.fetch("--no-probe")}},
	})
	if err != nil {
		return err
	}
	s.claims = append(s.claims, claim{
		text:    fmt.Sprintf("%s (go.sum of %d lines), everything present: `modferry fetch --no-probe`", c, c.sum.lines()),
		subject: samples[again],
		within:  200 * time.Millisecond,
	})
	return nil
}

// memory measures the peak memory on a long work list.
func (s *suite) memory(ctx context.Context, at *site) error {
	const (
		fetch    = "modferry fetch"
		fetchAll = "modferry fetch --extract all"
	)
	c, samples, err := s.alternate(ctx, at, kubernetes, []side{
		{name: fetch, steps: []step{s.fetch()}},
		{name: fetchAll, steps: []step{s.fetch("--extract", "all")}},
	})
	if err != nil {
		return err
	}
	for _, name := range []string{fetch, fetchAll} {
		s.claims = append(s.claims, claim{
			text:    fmt.Sprintf("%s, cold, peak memory: `%s`", c, name),
			subject: samples[name],
			under:   150e6,
		})
	}
	return nil
}

// fetch is the step that runs modferry fetch with more arguments.
func (s *suite) fetch(more ...string) step {
	return step{args: append([]string{s.modferry, "fetch", "-C", "{checkout}", "--modcache", "{modcache}", "--proxy", "{mirror}"}, more...)}
}

// alternate measures sides on a project and returns their series by name. The
// project is the usual one for the case unless -module names another.
func (s *suite) alternate(ctx context.Context, at *site, usual project, sides []side) (*checkout, map[string]series, error) {
	p := usual
	if s.project != nil {
		p = *s.project
	}
	r, err := s.prepare(ctx, at, p)
	if err != nil {
		return nil, nil, err
	}
	defer r.from.close()
	byName, err := s.record(ctx, r, sides)
	return r.checkout, byName, err
}

// prepare returns a runner for a project at a site, with a mirror that has every
// file; who asks for it closes the mirror.
func (s *suite) prepare(ctx context.Context, at *site, p project) (*runner, error) {
	fmt.Fprintf(s.log, "%-26s preparing %s\n", at.name, p)
	c, err := p.fetchSource(ctx, filepath.Join(s.work, "checkouts"))
	if err != nil {
		return nil, err
	}
	modcache := filepath.Join(s.work, "mirror")
	if err := c.fill(ctx, modcache, s.tmp); err != nil {
		return nil, err
	}
	files := filepath.Join(modcache, "cache", "download")
	if err := warm(files); err != nil {
		return nil, err
	}
	from, err := serveMirror(at, files, s.scheme, s.tmp)
	if err != nil {
		return nil, err
	}
	return &runner{at: at, place: at.name, from: from, checkout: c, tmp: s.tmp, keep: !s.inMemory, log: s.log}, nil
}

// record measures sides and keeps their series, which it also returns by name.
func (s *suite) record(ctx context.Context, r *runner, sides []side) (map[string]series, error) {
	samples, err := r.alternate(ctx, s.n, sides)
	if err != nil {
		return nil, err
	}
	byName := make(map[string]series)
	for _, side := range sides {
		byName[side.name] = series{job: r.checkout.String(), site: r.place, side: side.name, samples: samples[side.name]}
		s.series = append(s.series, byName[side.name])
	}
	return byName, nil
}
