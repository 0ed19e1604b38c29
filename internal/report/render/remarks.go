package render

import (
	"cmp"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/report"
)

// Findings returns the remarks on configuration and checkout, the worst first.
// A run that had nothing to do keeps those to itself that are merely worth
// knowing, unless all are wanted or they may be the reason that it had nothing
// to do.
func (v *View) Findings(every bool) []finding.Finding {
	all := slices.Clone(v.Result.Findings)
	if v.Idle() && v.Tally.All > 0 && !every {
		all = slices.DeleteFunc(all, func(f finding.Finding) bool { return f.Severity == finding.Info })
	}
	rank := func(f finding.Finding) int {
		return slices.Index([]finding.Severity{finding.Info, finding.Warning, finding.Error}, f.Severity)
	}
	slices.SortStableFunc(all, func(a, b finding.Finding) int { return cmp.Compare(rank(b), rank(a)) })
	return all
}

// Remarks is the findings, each with its fix; grave when one of them is more than
// merely worth knowing.
func (v *View) Remarks(every bool) Section {
	s := Section{ID: "findings", Title: "Findings"}
	for _, f := range v.Findings(every) {
		severity := strings.TrimSpace(Word(string(f.Severity)) + " " + f.Code())
		g := Group{Title: severity, Tone: SeverityTone(f.Severity), Link: f.Doc(), Rest: []Span{say(": " + RemarkOf(f))}}
		if f.Fix != "" {
			g.Notes = []Line{{Label: "fix", Spans: []Span{name(failure.Plain(f.Fix))}}}
		}
		s.Groups = append(s.Groups, g)
		s.Grave = s.Grave || f.Severity != finding.Info
	}
	if s.Count = len(s.Groups); s.Count == 0 {
		return Section{}
	}
	return s
}

// SeverityTone is how bad a finding is.
func SeverityTone(s finding.Severity) Tone {
	switch s {
	case finding.Error:
		return Bad
	case finding.Warning:
		return Fair
	}
	return Quiet
}

// PlaceOf is what a finding is about and where that stands.
func PlaceOf(f finding.Finding) string {
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
		text += " " + report.Position(f.File, f.Line)
	}
	return strings.TrimSpace(text)
}

// CheckOf is the check of a finding: its code and its name.
func CheckOf(f finding.Finding) string {
	return strings.TrimSpace(f.Code() + " " + failure.Plain(f.Check))
}

// RemarkOf is a finding in one sentence.
func RemarkOf(f finding.Finding) string {
	text := PlaceOf(f)
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
func CheckoutRemarks(r *report.Result) []string {
	if r.Settings.Checkout == nil {
		return nil
	}
	var out []string
	for _, f := range r.Findings {
		if slices.Contains([]string{"checkout-setting-ignored", "checkout-this-run", "checkout-mirrors-overruled"}, f.Check) {
			out = append(out, f.Code()+": "+RemarkOf(f))
		}
	}
	return out
}

// Setting is one of the go command's, and where its value comes from.
type Setting struct{ Name, Value, Source string }

// Settings returns the go command's settings of the run that have a value.
func (v *View) Settings() []Setting {
	s := v.Result.Settings
	var out []Setting
	for _, x := range []Setting{
		{Name: "GOPROXY", Value: s.GOPROXY}, {Name: "GOSUMDB", Value: s.GOSUMDB}, {Name: "GOPRIVATE", Value: s.GOPRIVATE},
		{Name: "GONOPROXY", Value: s.GONOPROXY}, {Name: "GONOSUMDB", Value: s.GONOSUMDB}, {Name: "GOMODCACHE", Value: s.ModCache},
	} {
		if x.Value != "" {
			out = append(out, Setting{x.Name, failure.Plain(x.Value), failure.Plain(s.Sources[x.Name])})
		}
	}
	if c := s.Checkout; c != nil {
		if len(c.Obeyed) > 0 {
			out = append(out, Setting{"set by the checkout", failure.Plain(strings.Join(c.Obeyed, ", ")), failure.Plain(c.File)})
		}
		if len(c.Ignored) > 0 {
			out = append(out, Setting{"ignored", failure.Plain(strings.Join(c.Ignored, ", ")), failure.Plain(c.File)})
		}
	}
	return out
}
