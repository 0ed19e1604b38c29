package watch

import "github.com/prometheus/client_golang/prometheus"

// states are the metrics that are read where they are kept.
type states struct {
	read func() State
	up   *prometheus.Desc
	keep *prometheus.Desc
	size *prometheus.Desc
	gone *prometheus.Desc
	bond *prometheus.Desc
}

func newStates(read func() State) *states {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("modferry_"+name, help, labels, nil)
	}
	return &states{
		read: read,
		up:   desc("mirror_up", "0 while the mirror fails so often that others are asked first, or it asked for a pause.", "mirror"),
		keep: desc("kept_files", "Zips and go.mod files in the directory."),
		size: desc("kept_bytes", "What they take on disk."),
		gone: desc("evicted_total", "Files given up to make room."),
		bond: desc("shared_store_total", "What came of the shared store.", "event"),
	}
}

// Describe says which metrics there are.
func (s *states) Describe(to chan<- *prometheus.Desc) { prometheus.DescribeByCollect(s, to) }

// Collect reads them.
func (s *states) Collect(to chan<- prometheus.Metric) {
	now := s.read()
	send := func(d *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, kind, value, labels...)
	}
	for _, m := range now.Mirrors {
		up := 0.0
		if m.Up {
			up = 1
		}
		send(s.up, prometheus.GaugeValue, up, m.Name)
	}
	send(s.keep, prometheus.GaugeValue, float64(now.Keep.Files))
	send(s.size, prometheus.GaugeValue, float64(now.Keep.Bytes))
	send(s.gone, prometheus.CounterValue, float64(now.Keep.Evicted))
	shared := now.Keep.Shared
	for event, n := range map[string]int64{"hit": shared.Hits, "miss": shared.Misses, "write": shared.Writes, "lost": shared.Lost,
		"failure": shared.Failures, "rejected": shared.Rejected} {
		send(s.bond, prometheus.CounterValue, float64(n), event)
	}
}
