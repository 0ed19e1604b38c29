package github

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/fetch"
	"github.com/modferry/modferry/internal/modcache"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/markdown"
	"github.com/modferry/modferry/internal/report/text"
	"github.com/modferry/modferry/internal/session"
)

// Post is the stage post: it saves the cache, now that it is known which modules
// the job used, and reports what later steps downloaded. It returns 0, since the job's
// work is done, but for wrong bytes that the relay of a job saw.
func Post(ctx context.Context, p Process) int {
	if p.Native {
		return p.postNative(ctx)
	}
	if err := p.post(ctx); err != nil {
		fmt.Fprintln(p.Stdout, "modferry: nothing saved: "+failure.Sentence(err.Error()))
	}
	return 0
}

func (p Process) post(ctx context.Context) (err error) {
	if p.Getenv, err = recall(p.Getenv); err != nil {
		return err
	}
	s, err := newStep(p)
	if err != nil {
		return err
	}
	res, err := s.kept()
	if err != nil {
		return err
	}
	if err := s.prepare(session.Open); err != nil {
		return err
	}
	later := &markdown.Later{}
	if later.Modules, later.Again, err = s.later(res); err != nil {
		s.warn(err)
	}
	r := fetch.Save(ctx, s.job, nil)
	r.Hide(s.Secrets.Hide)
	later.Saved, later.Store, later.HostUses = r.Cache.Saved, r.Cache.Store, r.HostUses
	later.Hosts = slices.DeleteFunc(r.Hosts, func(h string) bool { return slices.Contains(res.Hosts, h) })
	s.warn(text.Write(p.Stdout, r, text.Options{}))
	s.handOver()
	if s.inputs.on("summary") {
		s.warn(s.summarise(func(w io.Writer) error { return markdown.WriteLater(w, later, markdown.Options{}) }))
	}
	return nil
}

// kept reads the result that the main stage left behind.
func (s *step) kept() (res *report.Result, err error) {
	name := s.Getenv("STATE_" + stateResult)
	if name == "" && s.host.stateless {
		name = s.host.resultFile(s.Getenv, "")
	}
	if name == "" {
		return nil, errors.New("the main stage left no result, so it did not finish")
	}
	f, err := diskfile.OpenIn(s.host.temp, name)
	if err == nil {
		defer f.Close()
		res, err = report.Decode(f)
	}
	if err != nil {
		return nil, fmt.Errorf("read the result of the main stage: %w", err)
	}
	return res, nil
}

// later is what steps after main added to the module cache, the largest first, and
// those of it that the main stage had restored without their zips.
func (s *step) later(res *report.Result) (added, again []report.Module, err error) {
	c, err := modcache.OpenForReading(s.modcache)
	if err != nil {
		return nil, nil, err
	}
	zips, err := c.Zips()
	if err != nil {
		return nil, nil, err
	}
	before, bare := map[module.Version]bool{}, map[module.Version]bool{}
	for _, m := range res.Modules {
		if m.Kind == report.KindZip && m.Source != report.FromDeferred && m.Source != report.FromFailed {
			v := module.Version{Path: m.Path, Version: m.Version}
			bare[v] = m.Source == report.FromCache && s.job.Values.Zips == "none"
			before[v] = !bare[v]
		}
	}
	// A module cache that is kept has zips of earlier jobs, too.
	since, err := time.Parse(time.RFC3339, res.Started)
	if err != nil {
		return nil, nil, fmt.Errorf("read the result of the main stage: %w", err)
	}
	// Some zips cannot be left out, and were restored: not before the next second.
	ended := since.Add(time.Duration(res.Totals.MS)*time.Millisecond + time.Second)
	for _, z := range zips {
		if before[z.Module] || z.Written.Before(since) || bare[z.Module] && z.Written.Before(ended) {
			continue
		}
		m := report.Module{Path: z.Module.Path, Version: z.Module.Version, Kind: report.KindZip, Bytes: z.Bytes}
		added = append(added, m)
		if bare[z.Module] {
			again = append(again, m)
		}
	}
	slices.SortFunc(added, func(a, b report.Module) int { return cmp.Compare(b.Bytes, a.Bytes) })
	return added, again, nil
}
