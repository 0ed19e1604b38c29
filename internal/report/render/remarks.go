package render

import (
	"cmp"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/report"
)

// Findings returns the remarks on configuration and checkout, the worst first;
// those that are merely worth knowing where every one is wanted, or where they may be
// the reason why nothing was to be done.
func (v *View) Findings(every bool) []finding.Finding {
	all := slices.Clone(v.Result.Findings)
	if !every && v.Tally.All > 0 {
		all = slices.DeleteFunc(all, func(f finding.Finding) bool { return f.Severity == finding.Info })
	}
	rank := func(f finding.Finding) int {
		return slices.Index([]finding.Severity{finding.Info, finding.Warning, finding.Error}, f.Severity)
	}
	slices.SortStableFunc(all, func(a, b finding.Finding) int { return cmp.Compare(rank(b), rank(a)) })
	return all
}

// Remarks is what is to be put in order although it is not why the run failed: the
// mirrors in trouble, what the cache held back, and the findings, each with its fix.
func (v *View) Remarks(every bool) Section {
	s := Section{ID: "findings", Title: "Remarks", Groups: slices.Concat(v.mirrorRemarks(), v.cacheRemarks())}
	for _, f := range v.Findings(every) {
		s.Groups = append(s.Groups, findingGroup(f))
	}
	if s.Count = len(s.Groups); s.Count == 0 {
		return Section{}
	}
	return s
}

// Notes are the findings that nobody has to do anything about, which Remarks leaves out
// unless it is to have every one.
func (v *View) Notes() Section {
	s := Section{ID: "notes", Title: "Notes"}
	for _, f := range v.Findings(true) {
		if f.Severity == finding.Info {
			s.Groups = append(s.Groups, findingGroup(f))
		}
	}
	if s.Count = len(s.Groups); s.Count == 0 {
		return Section{}
	}
	return s
}

func findingGroup(f finding.Finding) Group {
	severity := strings.TrimSpace(Word(string(f.Severity)) + " " + f.Code())
	g := Group{Title: severity, Tone: SeverityTone(f.Severity), Link: f.Doc(), Rest: []Span{say(": " + RemarkOf(f))}}
	if f.Fix != "" {
		g.Notes = []Line{fix(name(failure.Plain(f.Fix)))}
	}
	return g
}

func fix(spans ...Span) Line { return Line{Label: "fix", Spans: spans} }

// mirrorRemarks are the mirrors that were in trouble over the run, but for those that
// the failures name, and those that offered wrong bytes of what another one had right.
func (v *View) mirrorRemarks() []Group {
	if v.Result.Preflight {
		return nil // its table of mirrors says all that
	}
	named := map[string]bool{}
	for _, g := range v.causes {
		named[g.Mirror] = true
		for _, m := range g.modules {
			for _, a := range m.Attempts {
				named[a.Mirror] = true
			}
		}
	}
	var all []Group
	for _, g := range v.recovered() {
		if g.Serious() {
			named[g.Mirror] = true
			all = append(all, warning(g.Class, []Span{say(": "), name(failure.Plain(g.Mirror)),
				say(" offered wrong content: "), say(Names(g.modules, false)), say("; another source had it right")},
				"Remove the mirror from GOPROXY and tell its operator."))
		}
	}
	for _, m := range v.Result.Mirrors {
		if named[m.URL] || m.State != report.Failing && m.State != report.Degraded {
			continue
		}
		what := " failed and was left out"
		switch {
		case m.State == report.Degraded:
			what = ": " + failure.Plain(m.Reason)
		case m.Chosen:
			what = " failed"
		}
		all = append(all, warning(m.Class, []Span{say(": "), name(failure.Plain(m.URL)), say(what)}, m.Class.Remedy()))
	}
	return all
}

// cacheRemarks are what the cache held and was not let in, and why it brought less
// than it might.
func (v *View) cacheRemarks() []Group {
	c := v.Result.Cache
	if !c.Used() || v.Restoring() || c.Saved != nil || v.Idle() {
		return nil // the outcome says so, or nobody needed it
	}
	var all []Group
	at := []Span{say(": cache "), name(failure.Plain(c.Store)), say(": ")}
	if n := len(c.Rejected); n > 0 {
		text := report.Count(n, "file") + " not let into the module cache: " + failure.Plain(c.Rejected[0])
		all = append(all, Group{Title: "warning", Tone: Fair, Rest: append(slices.Clone(at), say(text)),
			Notes: []Line{fix(say("nothing to do: what was refused was downloaded, and the next save drops the layer"))}})
	}
	if reason := failure.Plain(c.Reason); reason != "" {
		all = append(all, Group{Title: "warning", Tone: Fair, Rest: append(slices.Clone(at), say(reason))})
	}
	return all
}

// warning is a remark on a failure that another source made good.
func warning(c failure.Class, rest []Span, remedy string) Group {
	title := "warning"
	if t := c.Title(); t != "" {
		title += " (" + t + ")"
	}
	g := Group{Title: title, Tone: Fair, Link: c.Doc(), Rest: rest}
	if remedy != "" {
		g.Notes = []Line{fix(say(remedy))}
	}
	return g
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
		if x.Value == "" {
			continue
		}
		source := s.Sources[x.Name]
		if c := v.Result.Choice; x.Name == "GOPROXY" && x.Value == c.Chain && c.Configured != c.Chain {
			source = "modferry's choice (configured: " + source + ")"
		}
		out = append(out, Setting{x.Name, failure.Plain(x.Value), failure.Plain(source)})
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
