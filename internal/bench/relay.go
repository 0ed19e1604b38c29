package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// What the case relay asks for. Zips are of the size of most.
const (
	relayFiles   = 60
	mostRelayZip = 1 << 20
	coldClients  = 200
)

// relay measures modferry serve against nginx and goproxy, all three in front of the
// same origin: how often they ask it when many clients ask for the same files, and
// what processor time a request costs once they have them.
func (s *suite) relay(ctx context.Context) (err error) {
	p := hugo
	if s.project != nil {
		p = *s.project
	}
	c, err := p.fetchSource(ctx, filepath.Join(s.work, "checkouts"))
	if err != nil {
		return err
	}
	modcache := filepath.Join(s.work, "mirror")
	if err := c.fill(ctx, modcache, s.tmp); err != nil {
		return err
	}
	files := filepath.Join(modcache, "cache", "download")
	small, zips, err := relayPaths(files, c.sum.zips)
	if err != nil {
		return err
	}
	rivals, err := s.rivals(ctx)
	if err != nil {
		return err
	}
	job := fmt.Sprintf("%d files of %s", len(small)+len(zips), c)
	loads := []struct {
		name     string
		load     load
		overhead map[string]float64 // wanted: at most so many times the other's processor time
	}{
		{"small files, 50 clients", load{paths: small, requests: 8000, clients: 50}, map[string]float64{nginxCache: 1.3, goproxyCache: 0.5}},
		{"zips, 50 clients", load{paths: zips, requests: 2000, clients: 50}, map[string]float64{nginxCache: 1.5, goproxyCache: 1}},
		{"small files, 200 clients", load{paths: small, requests: 8000, clients: 200}, nil},
		{"zips, 200 clients", load{paths: zips, requests: 2000, clients: 200}, nil},
	}
	type key struct{ rival, load string }
	got := map[key]series{}
	note := func(v rival, name string, one sample) {
		k := key{v.name, name}
		of := got[k]
		of.job, of.site, of.side = job, name, v.name
		of.samples = append(of.samples, one)
		got[k] = of
	}
	const cold = "cold, 200 clients, each for all files"
	for i := range s.n {
		for _, v := range rivals {
			if err := s.relayOf(ctx, v, files, func(r *running, from *origin) error {
				one, err := r.measure(ctx, load{base: r.url, paths: slices.Concat(small, zips), clients: coldClients})
				if err != nil {
					return err
				}
				one.asked, one.most = from.count()
				note(v, cold, one)
				for _, l := range loads {
					l.load.base = r.url
					one, err := r.measure(ctx, l.load)
					if err != nil {
						return err
					}
					fmt.Fprintf(s.log, "relay %d/%d  %-20s %-28s %6.1f µs a request  peak %d MB\n", i+1, s.n, v.name, l.name, one.each(), one.peak>>20)
					note(v, l.name, one)
				}
				return nil
			}); err != nil {
				return fmt.Errorf("%s: %w", v.name, err)
			}
		}
	}
	own := func(name string) series { return got[key{ownRelay, name}] }
	s.claims = append(s.claims, claim{text: "relay, cold: most requests to the mirror for one file", subject: own(cold), mostAsked: 1})
	for _, l := range loads {
		for _, v := range rivals[1:] {
			s.claims = append(s.claims, claim{
				text:       fmt.Sprintf("relay, %s: processor time a request against %s", l.name, v.name),
				subject:    own(l.name),
				baseline:   got[key{v.name, l.name}],
				perRequest: true,
				overhead:   l.overhead[v.name],
			})
		}
	}
	s.claims = append(s.claims, claim{text: "relay, peak memory", subject: own(loads[len(loads)-1].name), under: 64e6})
	for _, v := range rivals {
		s.series = append(s.series, got[key{v.name, cold}])
		for _, l := range loads {
			s.series = append(s.series, got[key{v.name, l.name}])
		}
	}
	return nil
}

// relayOf runs f with a rival that has nothing yet, and an origin.
func (s *suite) relayOf(ctx context.Context, v rival, files string, f func(*running, *origin) error) (err error) {
	from, err := serveOrigin(files)
	if err != nil {
		return err
	}
	defer from.close()
	dir, err := os.MkdirTemp(s.tmp, "relay-")
	if err != nil {
		return err
	}
	defer removeAll(dir)
	r, err := v.start(ctx, from, dir)
	if err != nil {
		return err
	}
	if err := f(r, from); err != nil {
		return fmt.Errorf("%w\n%s", err, r.said())
	}
	return r.end()
}

// measure makes the requests and says what they cost the rival.
func (r *running) measure(ctx context.Context, l load) (sample, error) {
	before, err := processorTime(r.cmd.Process.Pid)
	if err != nil {
		return sample{}, err
	}
	start := time.Now()
	if err := l.run(ctx); err != nil {
		return sample{}, err
	}
	one := sample{elapsed: time.Since(start), requests: l.requests}
	if l.requests == 0 {
		one.requests = l.clients * len(l.paths)
	}
	after, err := processorTime(r.cmd.Process.Pid)
	one.cpu, one.peak = after-before, peakOf(r.cmd.Process.Pid)
	return one, err
}

// relayPaths chooses files below dir: .mod and .info of modules, and zips.
func relayPaths(dir string, modules []string) (small, zips []string, err error) {
	for _, at := range modules {
		place, err := downloadPath(at)
		if err != nil {
			return nil, nil, err
		}
		info, err := os.Stat(filepath.Join(dir, place+".zip"))
		if err != nil {
			return nil, nil, err
		}
		if _, err := os.Stat(filepath.Join(dir, place+".info")); err != nil || info.Size() > mostRelayZip {
			continue
		}
		if len(zips) < relayFiles/3 {
			small = append(small, "/"+place+".mod", "/"+place+".info")
			zips = append(zips, "/"+place+".zip")
		}
	}
	if len(zips) == 0 {
		return nil, nil, fmt.Errorf("found no module with a zip of at most %d bytes below %s", mostRelayZip, dir)
	}
	return small, zips, nil
}
