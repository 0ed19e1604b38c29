package render

import (
	"fmt"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
)

// Refused says what a cache held and was not let in.
func Refused(c report.Cache) string {
	return fmt.Sprintf("%s of %s not let into the module cache; the next save leaves the layer behind", report.Count(len(c.Rejected), "file"), failure.Plain(c.Store))
}

// Hosts returns every host contacted, neutral.
func (v *View) Hosts() []string {
	hosts := make([]string, len(v.Result.Hosts))
	for i, h := range v.Result.Hosts {
		hosts[i] = failure.Plain(h)
	}
	return hosts
}

// HostUses says what the hosts were contacted for, a line each, and what was
// not contacted.
func (v *View) HostUses() []string {
	var all []string
	for _, h := range v.Result.Hosts {
		if uses := v.Result.HostUses[h]; len(uses) > 0 {
			all = append(all, failure.Plain(h+": "+strings.Join(uses, ", ")))
		}
	}
	for _, what := range v.Result.Uncontacted {
		all = append(all, "not contacted: "+failure.Plain(what))
	}
	return all
}
