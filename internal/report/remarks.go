package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
)

// findings returns the remarks on configuration and checkout, the worst first.
// A run that had nothing to do keeps those to itself that are merely worth
// knowing, unless all are wanted or they may be the reason that it had nothing
// to do.
func (v *view) findings(every bool) []finding.Finding {
	all := slices.Clone(v.r.Findings)
	if v.idle() && v.tally.all > 0 && !every {
		all = slices.DeleteFunc(all, func(f finding.Finding) bool { return f.Severity == finding.Info })
	}
	rank := func(f finding.Finding) int {
		return slices.Index([]finding.Severity{finding.Info, finding.Warning, finding.Error}, f.Severity)
	}
	slices.SortStableFunc(all, func(a, b finding.Finding) int { return cmp.Compare(rank(b), rank(a)) })
	return all
}

func severityStyle(s finding.Severity) style {
	switch s {
	case finding.Error:
		return red
	case finding.Warning:
		return yellow
	}
	return dim
}

// placeOf is what a finding is about and where that stands.
func placeOf(f finding.Finding) string {
	var where []string
	for _, s := range []string{f.Setting, f.Found} {
		// A line of a file names its setting itself.
		if s = failure.Plain(s); s != "" && !(s == f.Setting && strings.HasPrefix(f.Found, s+"=")) {
			where = append(where, s)
		}
	}
	text := strings.Join(where, " ")
	if f.Source != "" {
		text += " (" + failure.Plain(f.Source) + ")"
	}
	if f.File != "" {
		text += " " + position(f.File, f.Line)
	}
	return strings.TrimSpace(text)
}

// checkOf is the check of a finding: its code and its name.
func checkOf(f finding.Finding) string {
	return strings.TrimSpace(f.Code() + " " + failure.Plain(f.Check))
}

// severityOf is how bad a finding is, with the code of its check.
func severityOf(f finding.Finding) string {
	return strings.TrimSpace(word(string(f.Severity)) + " " + f.Code())
}

// remarkOf is a finding in one sentence.
func remarkOf(f finding.Finding) string {
	text := placeOf(f)
	if effect := failure.Plain(f.Effect); effect != "" && text != "" {
		return text + ": " + effect
	} else if effect != "" {
		return effect
	}
	return text
}

// CheckoutRemarks are the findings about what the configuration file of the
// checkout says, each in one sentence: why a command that prints settings prints
// none that stand there.
func CheckoutRemarks(r *Result) []string {
	if r.Settings.Checkout == nil {
		return nil
	}
	var out []string
	for _, f := range r.Findings {
		if slices.Contains([]string{"checkout-setting-ignored", "checkout-this-run", "checkout-mirrors-overruled"}, f.Check) {
			out = append(out, f.Code()+": "+remarkOf(f))
		}
	}
	return out
}

// setting is one of the go command's, and where its value comes from.
type setting struct{ name, value, source string }

// settings returns the go command's settings of the run that have a value.
func (v *view) settings() []setting {
	s := v.r.Settings
	var out []setting
	for _, x := range []setting{
		{name: "GOPROXY", value: s.GOPROXY}, {name: "GOSUMDB", value: s.GOSUMDB}, {name: "GOPRIVATE", value: s.GOPRIVATE},
		{name: "GONOPROXY", value: s.GONOPROXY}, {name: "GONOSUMDB", value: s.GONOSUMDB}, {name: "GOMODCACHE", value: s.ModCache},
	} {
		if x.value != "" {
			out = append(out, setting{x.name, failure.Plain(x.value), failure.Plain(s.Sources[x.name])})
		}
	}
	if c := s.Checkout; c != nil {
		if len(c.Obeyed) > 0 {
			out = append(out, setting{"set by the checkout", failure.Plain(strings.Join(c.Obeyed, ", ")), failure.Plain(c.File)})
		}
		if len(c.Ignored) > 0 {
			out = append(out, setting{"not obeyed", failure.Plain(strings.Join(c.Ignored, ", ")), failure.Plain(c.File)})
		}
	}
	return out
}
