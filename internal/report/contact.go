package report

import (
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/failure"
)

// Contact notes that a host was asked for something.
func (r *Result) Contact(host, use string) {
	if i, known := slices.BinarySearch(r.Hosts, host); !known {
		r.Hosts = slices.Insert(r.Hosts, i, host)
	}
	if r.HostUses == nil {
		r.HostUses = map[string][]string{}
	}
	if i, known := slices.BinarySearch(r.HostUses[host], use); !known {
		r.HostUses[host] = slices.Insert(r.HostUses[host], i, use)
	}
}

// hosts returns every host contacted, neutral.
func (v *view) hosts() []string {
	hosts := make([]string, len(v.r.Hosts))
	for i, h := range v.r.Hosts {
		hosts[i] = failure.Plain(h)
	}
	return hosts
}

// hostUses says what the hosts were contacted for, a line each, and what was
// not contacted.
func (v *view) hostUses() []string {
	var all []string
	for _, h := range v.r.Hosts {
		if uses := v.r.HostUses[h]; len(uses) > 0 {
			all = append(all, failure.Plain(h+": "+strings.Join(uses, ", ")))
		}
	}
	for _, what := range v.r.Uncontacted {
		all = append(all, "not contacted: "+failure.Plain(what))
	}
	return all
}
