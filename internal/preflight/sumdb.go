package preflight

import (
	"context"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/report"
)

// Database is where the checksum database is reached, as far as it is known;
// nil when it is not.
func (p *Probes) Database() *report.SumDB {
	select {
	case <-p.all:
		return p.sumdb
	default:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sumdbVia()
}

// sumdbVia is the first mirror that serves the checksum database; nil when none
// is known to.
func (p *Probes) sumdbVia() *report.SumDB {
	for i, v := range p.found {
		if v != nil && v.Class == "" && v.SumDB != nil && *v.SumDB {
			return &report.SumDB{Name: p.s.SumDB.Name, Reachable: true, Via: p.s.Chain.Hops[i].Name()}
		}
	}
	return nil
}

// probeSumDB says where the go command would reach the checksum database: at
// the first mirror that serves it, otherwise itself (modfetch/sumdb.go:
// initBase).
func (p *Probes) probeSumDB(ctx context.Context) *report.SumDB {
	if p.s.SumDB.Off || p.s.SumDB.Name == "" {
		return nil
	}
	if via := p.sumdbVia(); via != nil {
		return via
	}
	out := &report.SumDB{Name: p.s.SumDB.Name}
	if ctx.Err() != nil {
		return nil // the mirrors used the time up, and what was not asked is not known
	}
	m, err := p.s.Client.Open(p.s.SumDB.URL, mirror.Limits{})
	if err != nil {
		out.Class, out.Reason = failure.Unknown, err.Error()
		return out
	}
	defer m.Close()
	resp, err := m.Get(ctx, mirror.Request{Path: "latest", Max: mirror.MaxInfo})
	if err != nil {
		out.Class, out.Reason = failure.Classify(err), err.Error()
		if out.Class == failure.Cancelled {
			return nil
		}
		return out
	}
	out.Reachable = true
	if err := resp.Close(); err != nil {
		out.Reason = err.Error()
	}
	return out
}
