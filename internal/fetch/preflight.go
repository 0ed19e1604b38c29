package fetch

import (
	"context"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/worklist"
)

// preflight is the probes of all candidates, under way or done.
type preflight struct {
	how   Choice
	chain chain
	limit time.Duration

	mu    sync.Mutex
	done  []chan struct{}
	found []*mirror.Verdict
	sumdb *report.SumDB
	all   chan struct{}
}

// probe starts the probes of every candidate at once.
func (j *Job) probe(ctx context.Context) *preflight {
	p := &preflight{how: j.how, chain: j.chain, limit: j.values.ProbeTimeout, all: make(chan struct{})}
	n := len(j.chain.hops)
	p.found = make([]*mirror.Verdict, n)
	for range n {
		p.done = append(p.done, make(chan struct{}))
	}
	ctx, cancel := mirror.WithLimit(ctx, p.limit)
	var wg sync.WaitGroup
	shielded := false
	for i, h := range j.chain.hops {
		samples := []mirror.Sample{mirror.PublicSample}
		// Behind a gatekeeper, names of the work list would be told to those
		// it stands before.
		if !shielded && len(j.samples) > 0 {
			samples = j.samples
		}
		shielded = shielded || (h.protected() && !h.public)
		wg.Go(func() {
			v := h.Probe(ctx, samples, j.sumdbName())
			p.mu.Lock()
			p.found[i] = &v
			p.mu.Unlock()
			close(p.done[i])
		})
	}
	go func() {
		defer cancel()
		wg.Wait()
		p.sumdb = j.probeSumDB(ctx, p.found)
		close(p.all)
	}()
	return p
}

// verdicts puts what is known so far into the hops and returns the chain. Hops
// are copied, since the fetch reads them meanwhile.
func (p *preflight) verdicts() chain {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := chain{end: p.chain.end}
	for i, h := range p.chain.hops {
		g := *h
		g.verdict = p.found[i]
		c.hops = append(c.hops, &g)
	}
	return c
}

// early waits for as many verdicts as the start of the fetch needs and chooses.
// A configured order is settled as soon as its first usable mirror is known: a
// dead mirror behind it then costs nobody the probe's whole time limit.
func (p *preflight) early() (chain, []string) {
	for i := range p.done {
		<-p.done[i]
		if p.how == Configured && p.found[i].Class == "" && !p.chain.hops[i].last {
			break
		}
	}
	return choose(p.how, p.verdicts())
}

// final waits for all verdicts and chooses. It returns all candidates, too.
func (p *preflight) final() (all, chosen chain, reasons []string) {
	<-p.all
	all = p.verdicts()
	chosen, reasons = choose(p.how, all)
	return all, chosen, reasons
}

// samples takes modules from the work list to test mirrors with: required
// ones, since a mirror in use has most of them, and none that is private.
func samples(list *worklist.List, a access) []mirror.Sample {
	const wanted = 2
	var out []mirror.Sample
	hosts := map[string]bool{}
	for _, low := range []bool{false, true} {
		for _, m := range list.Modules {
			if len(out) == wanted {
				return out
			}
			host, _, _ := strings.Cut(m.Path, "/")
			if m.Low != low || m.Mod == "" || hosts[host] ||
				goenv.MatchPatterns(a.noProxy, m.Path) || goenv.MatchPatterns(a.private, m.Path) {
				continue
			}
			hosts[host] = true
			out = append(out, mirror.Sample{Version: module.Version{Path: m.Path, Version: m.Version}, ModHash: m.Mod})
		}
	}
	return out
}

// sumdbName is the name under which mirrors are asked for the checksum
// database, "" when the go command would not ask them: it is off, or GOSUMDB
// names a URL of its own.
func (j *Job) sumdbName() string {
	if j.sumdb.Off || j.sumdbOwnURL {
		return ""
	}
	return j.sumdb.Name
}

// probeSumDB says where the go command would reach the checksum database: at
// the first mirror that serves it, otherwise itself (modfetch/sumdb.go:
// initBase).
func (j *Job) probeSumDB(ctx context.Context, found []*mirror.Verdict) *report.SumDB {
	if j.sumdb.Off || j.sumdb.Name == "" {
		return nil
	}
	out := &report.SumDB{Name: j.sumdb.Name}
	for i, v := range found {
		if v != nil && v.Class == "" && v.SumDB != nil && *v.SumDB {
			out.Reachable, out.Via = true, j.chain.hops[i].Name()
			return out
		}
	}
	if ctx.Err() != nil {
		return nil // the mirrors used the time up, and what was not asked is not known
	}
	m, err := j.client.Open(j.sumdb.URL, mirror.Limits{})
	if err != nil {
		out.Class, out.Reason = failure.Unknown, err.Error()
		return out
	}
	defer m.Close()
	resp, err := m.Get(ctx, mirror.Request{Path: "latest", Max: mirror.MaxInfo})
	if err != nil {
		out.Class, out.Reason = failure.Classify(err), err.Error()
		return out
	}
	out.Reachable = true
	if err := resp.Close(); err != nil {
		out.Reason = err.Error()
	}
	return out
}
