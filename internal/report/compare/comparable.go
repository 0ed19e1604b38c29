package compare

import (
	"cmp"
	"fmt"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/render"
)

// caveats are the reasons for which the two runs do not compare as they are.
// None does not mean that there are none: how busy machine and network were, no
// result knows.
func (c *comparison) caveats() {
	var lines list
	was, is := render.Of(c.old), render.Of(c.new)
	if a, b := began(c.old), began(c.new); !a.IsZero() && b.Before(a) && !b.IsZero() {
		lines.add("the new run began before the old one: are the two files in the right order?")
	}
	lines.changed("the runs were for different things", purpose(was), purpose(is))
	if c.old.Interrupted {
		lines.add("the old run was interrupted")
	}
	if c.new.Interrupted {
		lines.add("the new run was interrupted")
	}
	lines.changed("the machines differ", machineOf(c.old.Machine), machineOf(c.new.Machine))
	lines.changed("the scopes differ", failure.Neutral(c.old.Settings.Scope), failure.Neutral(c.new.Settings.Scope))
	if !c.sameWork() {
		lines.add("different files were fetched from mirrors: %d of %d, then %d of %s needed; %s both times",
			was.Tally.Fetched, was.Tally.All, is.Tally.Fetched, report.Count(is.Tally.All, "file"), report.Count(len(c.common()), "file"))
	}
	c.section("Not directly comparable", lines)
}

// sameWork reports whether both runs fetched the same files from mirrors, so
// that their times say something about each other.
func (c *comparison) sameWork() bool {
	n := len(c.common())
	return n == render.TallyOf(c.old).Fetched && n == render.TallyOf(c.new).Fetched
}

type pair struct{ was, is report.Module }

// common returns what both runs fetched from mirrors, in the order of the new
// one.
func (c *comparison) common() []pair {
	before := entriesOf(c.old)
	var list []pair
	for _, m := range c.new.Modules {
		if was, known := before[entry{m.Path, m.Version, m.Kind}]; known && was.Source == report.FromMirror && m.Source == report.FromMirror {
			list = append(list, pair{was, m})
		}
	}
	return list
}

func purpose(v *render.View) string {
	switch {
	case v.Result.Outcome == report.Settings:
		return "refused settings"
	case v.Result.Cache.Saved != nil:
		return "a save"
	case v.Restoring():
		return "a restore"
	case v.Tally.All == 0 && len(v.Result.Mirrors) > 0:
		return "a preflight"
	case v.Audit():
		return "a verification"
	}
	return "a fetch"
}

func machineOf(m *report.Machine) string {
	if m == nil {
		return "unknown"
	}
	return fmt.Sprintf("%s/%s with %s", failure.Neutral(cmp.Or(m.OS, "?")), failure.Neutral(cmp.Or(m.Arch, "?")), report.Count(m.CPUs, "CPU"))
}

// began is when a run began, zero when that is not known.
func began(r *report.Result) time.Time {
	t, _ := time.Parse(time.RFC3339, r.Started) // zero with an error
	return t
}
