package session

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/settings"
)

// Access says which mirrors may be asked for a module.
type Access struct {
	NoProxy string // effective GONOPROXY
	Private string // GOPRIVATE
	Rules   []Rule // of the configuration file; the first that matches decides
}

// Rule says which mirrors may be asked for some modules, and that no other one may.
type Rule struct {
	Modules string // patterns as in GOPRIVATE
	Source  string // where it stands
	Hops    []*Hop // none when nobody may be asked
	open    bool   // any mirror may be asked: those that it names are not asked in this run
}

// Allows reports whether the rule lets a mirror be asked.
func (r *Rule) Allows(h *Hop) bool { return r == nil || r.open || slices.Contains(r.Hops, h) }

// Decides reports whether the rule keeps modules from some mirror, or may.
func (r *Rule) Decides() bool { return !r.open }

// Rule is the one that decides about a module; nil for none, and for "", which is no
// module.
func (a Access) Rule(modulePath string) *Rule {
	if modulePath == "" {
		return nil
	}
	for i := range a.Rules {
		if goenv.MatchPatterns(a.Rules[i].Modules, modulePath) {
			return &a.Rules[i]
		}
	}
	return nil
}

// Refuses says why nobody may be asked for a module, by a rule; "" when somebody may.
func (a Access) Refuses(modulePath string) string {
	if r := a.Rule(modulePath); r != nil && !r.open && len(r.Hops) == 0 {
		return "the rule for " + r.Modules + " (" + r.Source + ") lets nobody be asked for it"
	}
	return ""
}

// Route returns the hops that may be asked for a module, in order. None means that the
// module is private and left to the go command, or that a rule refuses it. With a
// GONOPROXY that lets a module of GOPRIVATE through (GONOPROXY=none before a company's
// mirror), the go command asks every mirror of the list; we never ask a public one for
// it.
func (a Access) Route(c Chain, modulePath string) []*Hop {
	if goenv.MatchPatterns(a.NoProxy, modulePath) {
		return nil
	}
	private, rule := goenv.MatchPatterns(a.Private, modulePath), a.Rule(modulePath)
	var out []*Hop
	for _, h := range c.Hops {
		if rule.Allows(h) && !(private && h.Public) {
			out = append(out, h)
		}
	}
	return out
}

// Groups are the sets of mirrors that different modules may be asked of.
func (a Access) Groups() []func(*Hop) bool {
	var none *Rule // decides about what no rule matches
	out := []func(*Hop) bool{none.Allows}
	for i := range a.Rules {
		out = append(out, a.Rules[i].Allows)
	}
	return out
}

// openRules finds the mirrors of the rules. Those of a checkout whose mirrors are not
// used decide nothing, but that nobody is asked.
func (s *Session) openRules() error {
	configs, theirs := s.Values.Rules, false
	if len(configs) == 0 {
		configs, theirs = s.Values.Checkout.Rules, true
	}
	for _, c := range configs {
		if err := checkRule(c); err != nil {
			return err
		}
		r := Rule{Modules: c.Modules, Source: c.Source, open: theirs && !s.guest && len(c.Mirrors) > 0}
		for _, name := range c.Mirrors {
			named := slices.DeleteFunc(slices.Clone(s.Chain.Hops), func(h *Hop) bool {
				return !(name == settings.PublicMirrors && h.Public || settings.SameMirror(name, h.URL))
			})
			if len(named) == 0 && !r.open {
				_, source := s.mirrorList()
				return fmt.Errorf("%s: found a rule for %s that names the mirror %s, expected one of the chain (GOPROXY is from: %s); add it there, or remove it from the rule",
					c.Source, settings.Redact(c.Modules), settings.Redact(name), source)
			}
			r.Hops = append(r.Hops, named...)
		}
		s.Access.Rules = append(s.Access.Rules, r)
	}
	s.tellOfRules(theirs)
	return nil
}

// checkRule refuses patterns that match nothing: their modules would be asked of
// everybody.
func checkRule(c settings.RuleConfig) error {
	for _, f := range goenv.Check(goenv.Env{"GOPRIVATE": {Value: c.Modules, Source: c.Source}}, nil, nil) {
		if f.Setting == "GOPRIVATE" && f.Severity == finding.Error {
			return fmt.Errorf("%s: found the pattern %s in a rule: %s; expected one like %s", c.Source, f.Found, clause(f.Effect), cmp.Or(strings.TrimPrefix(f.Fix, "GOPRIVATE="), "git.corp.example"))
		}
	}
	return nil
}

// tellOfRules tells what rules do not do.
func (s *Session) tellOfRules(theirs bool) {
	if len(s.Access.Rules) == 0 {
		return
	}
	source := s.Access.Rules[0].Source
	if i := slices.IndexFunc(s.Access.Rules, func(r Rule) bool { return r.open }); i >= 0 {
		s.Findings = append(s.Findings, finding.Finding{
			Check: "checkout-mirrors-overruled", Severity: finding.Info, Setting: "rules", Source: s.Access.Rules[i].Source,
			Effect: "The rule names mirrors of the checkout, which are not asked here, so it decides nothing.",
		})
	}
	if theirs || s.Options.Stays {
		return
	}
	s.Findings = append(s.Findings, finding.Finding{
		Check: "rules-not-exported", Severity: finding.Info, Setting: "rules", Source: source,
		Effect: "Go commands of later steps do not know the rules, since GOPROXY has no words for them: for what is not in the module cache by then, they ask every mirror of GOPROXY in its order.",
		Fix:    "modferry exec -- CMD for steps that download more, which obeys the rules",
	})
}
