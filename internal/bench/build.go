package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"
)

// buildRoundTrip is that of the case build: a mirror in the same country.
const buildRoundTrip = 50 * time.Millisecond

// build measures a job that has kept its build cache and lost its module cache.
func (s *suite) build(ctx context.Context) error {
	at, err := newWire(s.cores, buildRoundTrip)
	if err != nil {
		return err
	}
	defer at.close()
	p := prometheus
	if s.project != nil {
		p = *s.project
	}
	r, err := s.prepare(ctx, at, p)
	if err != nil {
		return err
	}
	defer r.from.close()

	building := func(env ...string) step {
		return step{args: []string{"go", "build", "./..."}, env: append(env,
			"GOCACHE="+filepath.Join(s.work, "build"),
			// Without it the module cache's place, which is another one in every run,
			// is part of what the build cache is asked for.
			"GOFLAGS=-trimpath")}
	}
	fmt.Fprintf(s.log, "%-26s filling the build cache\n", at.name)
	if _, err := r.run(ctx, side{steps: []step{building()}}); err != nil {
		return fmt.Errorf("fill the build cache: %w", err)
	}
	const (
		fetching    = fetchAsIs + "; go build ./..."
		downloading = "go mod download; go build ./..."
		plain       = "go build ./..."
	)
	samples, err := s.record(ctx, r, []side{
		{name: fetching, steps: []step{s.fetch(), building("GOPROXY=off")}},
		{name: downloading, steps: []step{{args: []string{"go", "mod", "download"}}, building("GOPROXY=off")}},
		{name: plain, steps: []step{building()}},
	})
	if err != nil {
		return err
	}
	for _, baseline := range []string{plain, downloading} {
		s.claims = append(s.claims, claim{
			text:     fmt.Sprintf("%s, cold, build cache warm, %s: `%s` against `%s`", r.checkout, at.name, fetching, baseline),
			subject:  samples[fetching],
			baseline: samples[baseline],
		})
	}
	return nil
}
