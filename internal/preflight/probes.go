package preflight

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
)

// Probes are the probes of all candidates, under way or done.
type Probes struct {
	s      *session.Session
	mu     sync.Mutex
	done   []chan struct{}
	found  []*mirror.Verdict // by the place in the session's chain; nil while it is not known
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

// Start starts the probes of every candidate at once. The caller ends them.
func Start(ctx context.Context, s *session.Session) *Probes {
	p := &Probes{s: s, hurry: make(chan struct{}), probed: make(chan struct{}), all: make(chan struct{})}
	n := len(s.Chain.Hops)
	p.found = make([]*mirror.Verdict, n)
	for range n {
		p.done = append(p.done, make(chan struct{}))
	}
	ctx, p.cancel = mirror.WithLimit(ctx, s.Values.ProbeTimeout, "--probe-timeout")
	var wg sync.WaitGroup
	shielded := false
	for i, h := range s.Chain.Hops {
		samples := []mirror.Sample{mirror.PublicSample}
		// Behind a gatekeeper, names of the work list would be told to those
		// it stands before.
		if !shielded && len(s.Samples) > 0 {
			samples = s.Samples
		}
		shielded = shielded || (h.Protected() && !h.Public)
		wg.Go(func() {
			v := h.Probe(ctx, samples, s.SumDBName())
			p.mu.Lock()
			p.found[i] = &v
			if v.Class == "" && p.late == nil {
				p.late = time.AfterFunc(cmp.Or(s.Options.Grace, grace), func() { close(p.hurry) })
			}
			p.mu.Unlock()
			close(p.done[i])
		})
	}
	go func() {
		defer p.cancel()
		wg.Wait()
		close(p.probed)
		p.sumdb = p.probeSumDB(ctx)
		close(p.all)
	}()
	return p
}

// End gives up the probes that are still under way.
func (p *Probes) End() {
	p.cancel()
	<-p.all
	if p.late != nil {
		p.late.Stop()
	}
}

// Wait waits for every verdict and for the checksum database.
func (p *Probes) Wait() { <-p.all }

// candidates are the mirrors with what is known of them so far.
func (p *Probes) candidates() []*Candidate {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := unprobed(p.s)
	for i, c := range all {
		c.Asked, c.Verdict = true, p.found[i]
		c.Late = c.Verdict == nil && p.hurried()
	}
	return all
}

// hurried reports whether nobody need wait for a verdict any more.
func (p *Probes) hurried() bool {
	select {
	case <-p.hurry:
		return true
	default:
		return false
	}
}

// Early waits for as many verdicts as the start of the fetch needs, chooses the
// chain that it begins with, and tells the mirrors' health what was found. A
// configured order is settled as soon as its first usable mirror is known. No
// order is worth the wait for a mirror that is much slower than another.
func (p *Probes) Early() session.Chain {
	for i := range p.done {
		select {
		case <-p.done[i]:
			if p.s.Choice != session.Configured || p.found[i].Class != "" || p.s.Chain.Hops[i].Last {
				continue
			}
		case <-p.hurry:
		}
		break
	}
	d := decide(p.s, p.s.Choice, p.candidates())
	for _, c := range d.Chosen {
		switch {
		case c.Late:
			c.Health.Suspect(failure.FirstByteTimeout)
		case c.Verdict == nil:
		case c.Failing():
			c.Health.Suspect(c.Verdict.Class)
		default:
			// A long round trip needs many requests at a time from the start.
			c.Limiter.SetFloor(16 + int(c.Verdict.Seen.Timing.Wait.Milliseconds()/2))
		}
	}
	return d.Chain()
}

// Final decides with what is known when every file has its fate. Where some
// failed, all verdicts are waited for, since they may say why; otherwise none but
// those that come about as soon as the first usable one.
func (p *Probes) Final(failed bool) Decision {
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
	return decide(p.s, p.s.Choice, p.candidates())
}

// Awaited are the mirrors that have not answered yet.
func (p *Probes) Awaited() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var names []string
	for i, v := range p.found {
		if v == nil {
			names = append(names, p.s.Chain.Hops[i].Name())
		}
	}
	return names
}
