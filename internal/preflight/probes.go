package preflight

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
)

// Probes are the probes of all candidates, under way or done.
type Probes struct {
	s       *session.Session
	mu      sync.Mutex
	found   []*mirror.Verdict // by the place in the session's chain; nil while it is not known
	unasked []bool            // no rule lets the mirror be asked for anything that a probe could ask for
	told    []bool            // the mirror's health knows of it
	changed chan struct{}     // closed with the next verdict
	sumdb   *report.SumDB
	late    *time.Timer   // from the first usable mirror on; nil before
	hurry   chan struct{} // closed when nobody need wait for a verdict any more
	probed  chan struct{} // closed when all verdicts are there
	all     chan struct{} // closed when the checksum database is looked for, too
	cancel  context.CancelFunc
}

// grace is how much longer than a usable mirror the others may take to answer
// the preflight before nobody waits for them.
const grace = 250 * time.Millisecond

func newProbes(s *session.Session) *Probes {
	n := len(s.Chain.Hops)
	return &Probes{s: s, found: make([]*mirror.Verdict, n), unasked: make([]bool, n), told: make([]bool, n), changed: make(chan struct{}),
		hurry: make(chan struct{}), probed: make(chan struct{}), all: make(chan struct{})}
}

// Start starts the probes of every candidate at once. The caller ends them.
func Start(ctx context.Context, s *session.Session) *Probes {
	p := newProbes(s)
	ctx, p.cancel = mirror.WithLimit(ctx, s.Values.ProbeTimeout, "--probe-timeout")
	var wg sync.WaitGroup
	shielded := false
	samples := make([][]mirror.Sample, len(s.Chain.Hops))
	for i, h := range s.Chain.Hops {
		// Behind a gatekeeper, names of the work list would be told to those
		// it stands before.
		samples[i] = s.Samples(h, shielded)
		shielded = shielded || (h.Protected() && !h.Public)
		p.unasked[i] = len(samples[i]) == 0
	}
	p.finish()
	for i, h := range s.Chain.Hops {
		if !p.unasked[i] {
			wg.Go(func() { p.note(i, h.Probe(ctx, samples[i], s.SumDBName())) })
		}
	}
	go func() {
		defer p.cancel()
		wg.Wait()
		p.sumdb = p.probeSumDB(ctx)
		close(p.all)
	}()
	return p
}

func (p *Probes) note(i int, v mirror.Verdict) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.found[i] = &v
	if v.Class == "" && p.late == nil {
		p.late = time.AfterFunc(cmp.Or(p.s.Options.Grace, grace), func() { close(p.hurry) })
	}
	close(p.changed)
	p.changed = make(chan struct{})
	p.finish()
}

// finish tells when no verdict is to come any more.
func (p *Probes) finish() {
	for i, v := range p.found {
		if v == nil && !p.unasked[i] {
			return
		}
	}
	close(p.probed)
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

func (p *Probes) candidates() []*Candidate {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := unprobed(p.s)
	for i, c := range all {
		c.Asked = !p.unasked[i]
		if v := p.found[i]; v != nil && v.Class != failure.Cancelled { // a probe that was broken off says nothing of the mirror
			c.Verdict = v
		}
		c.Late = c.Asked && c.Verdict == nil && over(p.hurry)
	}
	return all
}

func over(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Early is the chain that the fetch begins with. It waits until it is known who
// stands first, and for nobody else: under auto and cn that is the first mirror
// to answer, unless one that is not ranked stands before it; in a configured
// order it is the first one that is usable. One that is much slower than a usable
// one is not waited for. Health hears what the verdicts are.
func (p *Probes) Early() session.Chain {
	for {
		p.mu.Lock()
		changed := p.changed
		p.mu.Unlock()
		settled := over(p.hurry) || over(p.probed)
		d := decide(p.s, p.s.Choice, p.candidates())
		if settled || len(d.Chosen) > 0 && (d.Chosen[0].Verdict != nil || !d.Chosen[0].Asked) {
			p.tell(d)
			return d.Chain()
		}
		select {
		case <-changed:
		case <-p.hurry:
		}
	}
}

// Follow calls set with the chain that Early would have chosen had it waited for
// all verdicts, once they are there or nobody need wait for them any more. The
// caller calls end, after which set is not called.
func (p *Probes) Follow(set func(session.Chain)) (end func()) {
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		select {
		case <-p.hurry:
		case <-p.probed:
		case <-stop:
			return
		}
		d := decide(p.s, p.s.Choice, p.candidates())
		p.tell(d)
		set(d.Chain())
	})
	return func() {
		close(stop)
		wg.Wait()
	}
}

// tell tells the mirrors' health what was found, of each of them once.
func (p *Probes) tell(d Decision) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, c := range d.All {
		if p.told[i] || c.Verdict == nil && !c.Late || !slices.Contains(d.Chosen, c) {
			continue
		}
		p.told[i] = true
		switch {
		case c.Late:
			if c.Health.Counts().Files == 0 { // else downloads know better
				c.Health.Suspect(failure.FirstByteTimeout)
			}
		case c.Failing():
			c.Health.Suspect(c.Verdict.Class)
		default:
			// A long round trip needs many requests at a time from the start.
			c.Limiter.SetFloor(16 + int(c.Verdict.Seen.Timing.Wait.Milliseconds()/2))
		}
	}
}

// Final decides with what is known when every file has its fate. Where some
// failed, all verdicts are waited for, since they may say why. Otherwise only the
// ranking, which later steps are given too, is worth the wait for those that come
// about as soon as the first usable one.
func (p *Probes) Final(failed bool) Decision {
	p.mu.Lock()
	usable := p.late != nil
	p.mu.Unlock()
	switch {
	case failed:
		<-p.probed
	case usable && p.s.Choice != session.Configured:
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
		if v == nil && !p.unasked[i] {
			names = append(names, p.s.Chain.Hops[i].Name())
		}
	}
	return names
}
