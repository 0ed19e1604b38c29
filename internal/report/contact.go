package report

import (
	"slices"
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
