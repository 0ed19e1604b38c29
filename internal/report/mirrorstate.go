package report

import (
	"fmt"

	"github.com/modferry/modferry/internal/failure"
)

// mostRecovered is the share of a mirror's attempts that may fail without a word
// when another attempt brought each file: resets and busy servers are everyday.
const mostRecovered = 0.05

// Settle makes the state of each mirror that of the whole run: the preflight
// saw no more than its beginning. It is the one place that decides.
func Settle(r *Result) {
	for i := range r.Mirrors {
		settle(&r.Mirrors[i], r.Modules)
	}
}

// record is what a run saw of one mirror, the preflight left out.
type record struct {
	failed  int           // attempts that the mirror is to blame for
	refused int           // answers that it does not let us have a file
	left    int           // files that nobody supplied and that it failed last
	class   failure.Class // what most of the attempts failed with
}

func recordOf(m *Mirror, files []Module) record {
	var x record
	count := map[failure.Class]int{}
	for _, f := range files {
		for _, a := range f.Attempts {
			if a.Mirror != m.URL || a.Class == "" {
				continue
			}
			switch a.Class {
			case failure.NotFound, failure.Gone, failure.Cancelled, failure.DiskFull, failure.Permission, failure.LocalIO:
				continue
			case failure.Unauthorized, failure.Forbidden:
				x.refused++
			default:
				x.failed++
			}
			if count[a.Class]++; count[a.Class] > count[x.class] {
				x.class = a.Class
			}
		}
		if f.Source == FromFailed && f.Trouble().Mirror == m.URL {
			x.left++
		}
	}
	x.failed = max(x.failed, m.Failures) // those for .info files have no entry
	return x
}

func settle(m *Mirror, files []Module) {
	x := recordOf(m, files)
	switch {
	case m.Files == 0 && x.failed+x.refused == 0:
		return // it was not asked
	case m.Files == 0 && m.State == Failing:
		return // as the preflight said
	case m.Files == 0:
		m.State, m.Class, m.Reason = Failing, x.class, fmt.Sprintf("it supplied nothing; %s failed", Count(x.failed+x.refused, "attempt"))
	case x.failed == 0 && m.State == Skipped:
		m.State, m.Reason = Healthy, ""
	case x.failed == 0 && m.State == Failing:
		// Not the class: what failed then works.
		m.State, m.Class, m.Reason = Slow, "", fmt.Sprintf("it did not pass the preflight (%s), but supplied %s afterwards", m.Class.Title(), Count(m.Files, "file"))
	case x.failed == 0:
	case x.left > 0 || float64(x.failed) > mostRecovered*float64(x.failed+m.Files) || m.State == Failing:
		m.State, m.Class, m.Reason = Degraded, x.class, fmt.Sprintf("%d of %s failed", x.failed, Count(x.failed+m.Files, "attempt"))
	case m.State == Skipped:
		m.State, m.Reason = Healthy, ""
	}
}
