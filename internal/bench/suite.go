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
	prometheus = project{module: "github.com/prometheus/prometheus", version: "v0.300.1"}
	hcl        = project{module: "github.com/hashicorp/hcl/v2", version: "v2.23.0"}
	terraform  = project{module: "github.com/hashicorp/terraform", version: "v1.10.0", manifest: true}
	kubernetes = project{module: "k8s.io/kubernetes", version: "v1.32.0", staged: true}
)

// fetchAsIs is modferry with its default settings: what imports need, extracted.
const fetchAsIs = "modferry fetch"

// A suite measures cases and collects what they show.
type suite struct {
	options
	client *officialClient // nil without the cases cache and recipe
	log    io.Writer
	claims []claim
	series []series
}

// measure measures one of caseNames.
func (s *suite) measure(ctx context.Context, name string) error {
	switch name {
	case "wire":
		for _, roundTrip := range s.roundTrips {
			if err := s.wire(ctx, roundTrip); err != nil {
				return err
			}
		}
		return nil
	case "build":
		return s.build(ctx)
	case "relay":
		return s.relay(ctx)
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
	case "recipe":
		return s.recipe(ctx, at)
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
	none, none64 float64 // all that go.mod requires, against go mod download as it is and with GOMAXPROCS=64
	all          float64 // the same, extracted, against go mod download
	list         float64 // fetch and go list, against go list
}

// compare measures fetching and listing a project, cold.
func (s *suite) compare(ctx context.Context, at *site, want wants) error {
	const (
		fetchNone    = "modferry fetch --scope build --extract none"
		fetchAll     = "modferry fetch --scope build --extract all"
		fetchList    = fetchAsIs + "; go list -deps ./..."
		download     = "go mod download"
		download64   = "GOMAXPROCS=64 go mod download"
		downloadList = download + "; go list -deps ./..."
		list         = "go list -deps ./..."
	)
	if s.project != nil {
		want = wants{} // they hold for the usual project
	}
	goModDownload := step{args: []string{"go", "mod", "download"}}
	c, samples, err := s.alternate(ctx, at, hugo, []side{
		{name: fetchAsIs, steps: []step{s.fetch()}},
		{name: fetchNone, steps: []step{s.fetch("--scope", "build", "--extract", "none")}},
		{name: fetchAll, steps: []step{s.fetch("--scope", "build", "--extract", "all")}},
		// GOPROXY=off proves that nothing was missing.
		{name: fetchList, steps: []step{s.fetch(), listing("GOPROXY=off")}},
		{name: download, steps: []step{goModDownload}},
		{name: download64, steps: []step{{args: goModDownload.args, env: []string{"GOMAXPROCS=64"}}}},
		{name: downloadList, steps: []step{goModDownload, listing("GOPROXY=off")}},
		{name: list, steps: []step{listing()}},
	})
	if err != nil {
		return err
	}
	for _, pair := range []struct {
		subject, baseline string
		atLeast           float64
	}{
		{fetchList, list, want.list},
		{fetchList, downloadList, 0},
		{fetchAsIs, download, 0},
		{fetchNone, download, want.none},
		{fetchNone, download64, want.none64},
		{fetchAll, download, want.all},
		{fetchAll, download64, 0},
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
	const (
		silent     = "modferry fetch --no-probe, everything present"
		asIs       = fetchAsIs + ", everything present"
		forgetting = asIs + ", imports not remembered"
	)
	forget := step{args: []string{"rm", "-r", "{modcache}/cache/modferry"}}
	for _, of := range []struct {
		usual project
		sides []side
	}{
		{terraform, []side{{name: silent, before: []step{s.fetch()}, steps: []step{s.fetch("--no-probe")}}}},
		{hugo, []side{
			{name: asIs, before: []step{s.fetch()}, steps: []step{s.fetch()}},
			{name: forgetting, before: []step{s.fetch(), forget}, steps: []step{s.fetch()}},
		}},
	} {
		c, samples, err := s.alternate(ctx, at, of.usual, of.sides)
		if err != nil {
			return err
		}
		for _, side := range of.sides {
			s.claims = append(s.claims, claim{
				text:    fmt.Sprintf("%s (go.sum of %d lines): `%s`", c, c.sum.lines(), side.name),
				subject: samples[side.name],
				within:  200 * time.Millisecond,
			})
		}
	}
	return nil
}

// memory measures the peak memory on a long work list.
func (s *suite) memory(ctx context.Context, at *site) error {
	const fetchAll = "modferry fetch --scope build --extract all"
	for _, usual := range []project{hugo, kubernetes} {
		c, samples, err := s.alternate(ctx, at, usual, []side{
			{name: fetchAsIs, steps: []step{s.fetch()}},
			{name: fetchAll, steps: []step{s.fetch("--scope", "build", "--extract", "all")}},
		})
		if err != nil {
			return err
		}
		for _, name := range []string{fetchAsIs, fetchAll} {
			s.claims = append(s.claims, claim{
				text:    fmt.Sprintf("%s, cold, peak memory: `%s`", c, name),
				subject: samples[name],
				under:   150e6,
			})
		}
		if s.project != nil {
			break
		}
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
