package doctor

import (
	"fmt"
	"strings"

	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
)

// ruled tells which rule decides about which modules of the checkout.
func (e examination) ruled(paths []string) []finding.Finding {
	a := e.s.Access
	private := map[*session.Rule][]string{}
	decided := map[*session.Rule][]string{}
	for _, p := range paths {
		r := a.Rule(p)
		if goenv.MatchPatterns(a.NoProxy, p) {
			private[r] = append(private[r], p)
			continue
		}
		decided[r] = append(decided[r], p)
	}
	var out []finding.Finding
	for i := range a.Rules {
		r := &a.Rules[i]
		if of := private[r]; len(of) > 0 && len(r.Hops) > 0 {
			out = append(out, finding.Finding{Check: "rule-private", Severity: finding.Warning, Setting: "rules", Found: r.Modules, Source: r.Source,
				Effect: fmt.Sprintf("GONOPROXY matches %s so version control is asked, and no mirror.", some(of)),
				Fix:    "noproxy: none, if the mirrors of the rule should be asked"})
		}
		if of := decided[r]; len(of) > 0 && r.Decides() {
			out = append(out, finding.Finding{Check: "rule-decides", Severity: finding.Info, Setting: "rules", Found: r.Modules, Source: r.Source,
				Effect: "For " + some(of) + " " + asked(e.s.Chain, r) + "."})
		}
	}
	return out
}

// asked says who is asked by a rule.
func asked(c session.Chain, r *session.Rule) string {
	var names []string
	for _, h := range c.Hops {
		if r.Allows(h) {
			names = append(names, h.Name())
		}
	}
	if len(names) == 0 {
		return "nobody is asked"
	}
	return "only " + strings.Join(names, ", ") + " may be asked"
}

// some is how many modules there are, and one of them.
func some(paths []string) string {
	if len(paths) == 1 {
		return paths[0] + ","
	}
	return report.Count(len(paths), "module") + ", such as " + paths[0] + ","
}
