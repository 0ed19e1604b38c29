package render

import (
	"maps"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/failure"
)

// Chain is the chosen chain and why it is this one.
func (v *View) Chain() Section {
	c := v.Result.Choice
	if c.Chain == "" {
		return Section{}
	}
	s := Section{ID: "chain", Title: "Chain", Codes: []string{failure.Plain(c.Chain)}}
	switch {
	case c.Configured == c.Chain && len(c.Reasons) == 0:
		s.Lines = append(s.Lines, Line{Spans: []Span{say("as configured")}, In: Markdown})
	case c.Configured != "" && c.Configured != c.Chain:
		s.Lines = append(s.Lines, Line{Label: "configured", Spans: []Span{name(failure.Plain(c.Configured))}})
	}
	for _, reason := range c.Reasons {
		s.Items = append(s.Items, line(say(failure.Plain(reason))))
	}
	return s
}

// Answers is how often each mirror gave which status code.
func (v *View) Answers() Section {
	t := Table{Thing: "mirror", Bare: true, Columns: []Column{{Title: "mirror", Head: true, Code: true, Flexible: true}, {Title: "answers", Below: true}}}
	for _, mirror := range slices.Sorted(maps.Keys(v.Result.StatusCodes)) {
		t.Rows = append(t.Rows, []Cell{{Text: failure.Plain(mirror)}, {Text: answers(v.Result.StatusCodes[mirror])}})
	}
	return tabled("answers", "HTTP status codes", t)
}

// Hosts is every host contacted and those that the settings name besides, as
// allow-lists want them, and what each is for.
func (v *View) Hosts() Section {
	if len(v.Result.Hosts) == 0 {
		return Section{}
	}
	// Scripts that make an allow-list of a summary look for this title.
	s := Section{ID: "hosts", Title: "Hosts contacted, for an allow-list",
		Note: "Redirects are included: this is what an allow-list for outgoing connections needs."}
	contacted := map[string]bool{}
	for _, h := range v.Result.Hosts {
		contacted[h] = true
		s.Codes = append(s.Codes, failure.Plain(h))
		if uses := v.Result.HostUses[h]; len(uses) > 0 {
			s.Items = append(s.Items, line(say(failure.Plain(h+": "+strings.Join(uses, ", ")))))
		}
	}
	for _, what := range v.Result.Uncontacted {
		h := hostOf(what)
		if h != "" && !contacted[h] {
			contacted[h] = true
			s.Codes = append(s.Codes, failure.Plain(h))
		}
		if h != "" {
			what = h + ": " + strings.TrimSuffix(what, " ("+h+")")
		}
		s.Items = append(s.Items, line(say(failure.Plain(what)+"; not contacted by this run")))
	}
	s.Count = len(s.Codes)
	return s
}

// hostOf is the host at the end of "the checksum database sum.example.test
// (sum.example.test)"; "" for none.
func hostOf(what string) string {
	i := strings.LastIndex(what, " (")
	host, ok := strings.CutSuffix(what, ")")
	if i < 0 || !ok || strings.ContainsAny(host[i+2:], " ()/") {
		return ""
	}
	return host[i+2:]
}

// UsedSettings is the go command's settings of the run and their sources.
func (v *View) UsedSettings() Section {
	t := Table{Caption: "Settings of the go command", Bare: true, Columns: []Column{
		{Title: "setting", Head: true, Code: true}, {Title: "value", Code: true, Flexible: true}, {Title: "from", Faint: true, Dash: HTML},
	}}
	for _, x := range v.Settings() {
		t.Rows = append(t.Rows, []Cell{{Text: x.Name}, {Text: x.Value}, {Text: strings.TrimSpace(x.Source)}})
	}
	return tabled("settings", "Settings", t)
}
