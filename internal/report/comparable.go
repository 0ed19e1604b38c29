package report

import (
	"cmp"
	"fmt"
	"time"

	"github.com/modferry/modferry/internal/failure"
)

// caveats are the reasons for which the two runs do not compare as they are.
// None does not mean that there are none: how busy machine and network were, no
// result knows.
func (c *comparison) caveats() {
	var lines []string
	was, is := viewOf(c.old), viewOf(c.new)
	if a, b := began(c.old), began(c.new); !a.IsZero() && b.Before(a) && !b.IsZero() {
		lines = append(lines, "the new run began before the old one: are the two files in the right order?")
	}
	if s := changed(was.purpose(), is.purpose()); s != "" {
		lines = append(lines, "the runs were for different things: "+s)
	}
	for _, x := range []struct {
		which string
		r     *Result
	}{{"old", c.old}, {"new", c.new}} {
		if x.r.Interrupted {
			lines = append(lines, "the "+x.which+" run was interrupted")
		}
	}
	if s := changed(machineOf(c.old.Machine), machineOf(c.new.Machine)); s != "" {
		lines = append(lines, "the machines differ: "+s)
	}
	if s := changed(failure.Neutral(c.old.Cache.Scope), failure.Neutral(c.new.Cache.Scope)); s != "" && c.old.Cache.used() && c.new.Cache.used() {
		lines = append(lines, "the scopes differ: "+s)
	}
	if !c.sameWork() {
		lines = append(lines, fmt.Sprintf("other files were fetched from mirrors: %d of %d, then %d of %s needed; %s both times",
			was.tally.fetched, was.tally.all, is.tally.fetched, count(is.tally.all, "file"), count(len(c.common()), "file")))
	}
	c.section("Do not compare as they are", lines)
}

// sameWork reports whether both runs fetched the same files from mirrors, so
// that their times say something about each other.
func (c *comparison) sameWork() bool {
	n := len(c.common())
	return n == tallyOf(c.old).fetched && n == tallyOf(c.new).fetched
}

// pair is a file in both runs.
type pair struct{ was, is Module }

// common returns what both runs fetched from mirrors, in the order of the new
// one.
func (c *comparison) common() []pair {
	before := entriesOf(c.old)
	var list []pair
	for _, m := range c.new.Modules {
		if was, known := before[entry{m.Path, m.Version, m.Kind}]; known && was.Source == FromMirror && m.Source == FromMirror {
			list = append(list, pair{was, m})
		}
	}
	return list
}

// purpose is what a run was for.
func (v *view) purpose() string {
	switch {
	case v.r.Outcome == Settings:
		return "refused settings"
	case v.r.Cache.Saved != nil:
		return "a save"
	case v.restoring():
		return "a restore"
	case v.tally.all == 0 && len(v.r.Mirrors) > 0:
		return "a preflight"
	case v.audit():
		return "a verification"
	}
	return "a fetch"
}

// machineOf is a machine in words.
func machineOf(m *Machine) string {
	if m == nil {
		return "unknown"
	}
	return fmt.Sprintf("%s/%s with %s", failure.Neutral(cmp.Or(m.OS, "?")), failure.Neutral(cmp.Or(m.Arch, "?")), count(m.CPUs, "CPU"))
}

// began is when a run began, zero when that is not known.
func began(r *Result) time.Time {
	t, err := time.Parse(time.RFC3339, r.Started)
	if err != nil {
		return time.Time{}
	}
	return t
}
