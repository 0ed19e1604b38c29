package fetch

import (
	"cmp"
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
	how    Choice
	chain  chain
	mu     sync.Mutex
	done   []chan struct{}
	found  []*mirror.Verdict
	sumdb  *report.SumDB
	late   *time.Timer   // from the first usable mirror on; nil before
	hurry  chan struct{} // closed when nobody need wait for a verdict any more
	probed chan struct{} // closed when all verdicts are there
	all    chan struct{} // closed when the checksum database is looked for, too
	cancel context.CancelFunc
}

// grace is how much longer than a usable mirror the others may take to answer
// the preflight before nobody waits for them.
const grace = 250 * time.Millisecond

// probe starts the probes of every candidate at once.
func (j *Job) probe(ctx context.Context) *preflight {
	p := &preflight{how: j.how, chain: j.chain, hurry: make(chan struct{}), probed: make(chan struct{}), all: make(chan struct{})}
	n := len(j.chain.hops)
	p.found = make([]*mirror.Verdict, n)
	for range n {
		p.done = append(p.done, make(chan struct{}))
	}
	ctx, p.cancel = mirror.WithLimit(ctx, j.values.ProbeTimeout, "--probe-timeout")
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
			if v.Class == "" && p.late == nil {
				p.late = time.AfterFunc(cmp.Or(j.o.Grace, grace), func() { close(p.hurry) })
			}
			p.mu.Unlock()
			close(p.done[i])
		})
	}
	go func() {
		defer p.cancel()
		wg.Wait()
		close(p.probed)
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
		g.asked = true
		g.late = g.verdict == nil && p.hurried()
		c.hops = append(c.hops, &g)
	}
	return c
}

// hurried reports whether nobody need wait for a verdict any more.
func (p *preflight) hurried() bool {
	select {
	case <-p.hurry:
		return true
	default:
		return false
	}
}

// early waits for as many verdicts as the start of the fetch needs and chooses.
// A configured order is settled as soon as its first usable mirror is known. No
// order is worth the wait for a mirror that is much slower than another.
func (p *preflight) early() (chain, []string) {
	for i := range p.done {
		select {
		case <-p.done[i]:
			if p.how != Configured || p.found[i].Class != "" || p.chain.hops[i].last {
				continue
			}
		case <-p.hurry:
		}
		break
	}
	return choose(p.how, p.verdicts())
}

// final chooses with what is known when every file has its fate, and returns
// all candidates, too. Where some failed, all verdicts are waited for, since
// they may say why; otherwise none but those that come about as soon as the
// first usable one.
func (p *preflight) final(failed bool) (all, chosen chain, reasons []string) {
	p.mu.Lock()
	usable := p.late != nil
	p.mu.Unlock()
	switch {
	case failed:
		<-p.probed
	case usable:
		select {
		case <-p.probed:
		case <-p.hurry:
		}
	}
	all = p.verdicts()
	chosen, reasons = choose(p.how, all)
	return all, chosen, reasons
}

// database is where the checksum database is reached, as far as it is known;
// nil when it is not.
func (p *preflight) database(j *Job) *report.SumDB {
	select {
	case <-p.all:
		return p.sumdb
	default:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return j.sumdbVia(p.found)
}

// awaited are the mirrors that have not answered yet.
func (p *preflight) awaited() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var names []string
	for i, v := range p.found {
		if v == nil {
			names = append(names, p.chain.hops[i].Name())
		}
	}
	return names
}

// end gives up the probes that are still under way.
func (p *preflight) end() {
	p.cancel()
	<-p.all
	if p.late != nil {
		p.late.Stop()
	}
}

// probingMirrors is the phase in which the run waits for the preflight.
const probingMirrors = "probing mirrors"

// chooseEarly chooses the chain that the fetch begins with.
func (j *Job) chooseEarly(p *preflight) chain {
	if p == nil {
		c, _ := choose(Configured, j.chain)
		return c
	}
	j.phase.Store(probingMirrors)
	c, _ := p.early()
	j.log("chain chosen for the fetch: %s", c.list().Redacted())
	for _, h := range c.hops {
		switch {
		case h.late:
			h.Health.Suspect(failure.FirstByteTimeout)
		case h.verdict == nil:
		case h.failing():
			h.Health.Suspect(h.verdict.Class)
		default:
			// A long round trip needs many requests at a time from the start.
			h.Limiter.SetFloor(16 + int(h.verdict.Seen.Timing.Wait.Milliseconds()/2))
		}
	}
	return c
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

// sumdbVia is the first mirror that serves the checksum database; nil when none
// is known to.
func (j *Job) sumdbVia(found []*mirror.Verdict) *report.SumDB {
	for i, v := range found {
		if v != nil && v.Class == "" && v.SumDB != nil && *v.SumDB {
			return &report.SumDB{Name: j.sumdb.Name, Reachable: true, Via: j.chain.hops[i].Name()}
		}
	}
	return nil
}

// probeSumDB says where the go command would reach the checksum database: at
// the first mirror that serves it, otherwise itself (modfetch/sumdb.go:
// initBase).
func (j *Job) probeSumDB(ctx context.Context, found []*mirror.Verdict) *report.SumDB {
	if j.sumdb.Off || j.sumdb.Name == "" {
		return nil
	}
	if via := j.sumdbVia(found); via != nil {
		return via
	}
	out := &report.SumDB{Name: j.sumdb.Name}
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
