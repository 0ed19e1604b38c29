package goenv

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/settings"
)

// Check names every trap in the settings that the go command does not warn of:
// values it refuses only when it downloads, values it silently reads
// differently than their author, values that send names where they should not
// go. modulePaths are the modules the checkout needs; nil leaves out the checks
// that compare patterns with them. public reports whether the mirror at a URL is
// a public one, whose refusals are nobody's policy; nil stands for none. The
// findings are sorted worst first and hold no credentials; where they tell a
// variable's new value, all of a variable tell the same, which answers them all.
// Nil means nothing to say.
func Check(e Env, modulePaths []string, public func(url string) bool) []finding.Finding {
	if public == nil {
		public = func(string) bool { return false }
	}
	c := &checker{env: e, modules: modulePaths, public: public}
	c.examine()
	repaired := map[string]string{}
	var all []finding.Finding
	for _, f := range c.found {
		if f.value != "" {
			if _, ok := repaired[f.Setting]; !ok {
				repaired[f.Setting] = c.repaired(f.Setting)
			}
			f.Fix = pasteable(repaired[f.Setting])
		}
		all = append(all, f.Finding)
	}
	return all
}

type checker struct {
	env     Env
	modules []string
	public  func(url string) bool
	found   []found
}

// found is a finding before it is known what the others say of its variable.
type found struct {
	finding.Finding
	value string // what the variable should be, credentials included; "" where the fix is in words
}

func (c *checker) examine() {
	c.proxy()
	c.patterns()
	c.coverage()
	c.unprotected()
	c.sumDB()
	c.flags()
	c.modes()
	c.auth()
	slices.SortStableFunc(c.found, func(a, b found) int {
		return cmp.Compare(a.Severity.Rank(), b.Severity.Rank())
	})
}

// maxRepairs bounds the values that are tried for a variable.
const maxRepairs = 8

// repaired is the value of a variable after the fixes of all findings about it,
// one after the other, the worst first.
func (c *checker) repaired(name string) string {
	next := &checker{env: maps.Clone(c.env), modules: c.modules, public: c.public, found: c.found}
	for range maxRepairs {
		i := slices.IndexFunc(next.found, func(f found) bool { return f.Setting == name && f.value != "" })
		before := next.env.Get(name)
		if i < 0 || next.found[i].value == before {
			break
		}
		next.set(name, next.found[i].value)
		next.found = nil
		next.examine()
	}
	return next.env.Get(name)
}

// set changes a variable, and those that take its value where nobody sets them.
func (c *checker) set(name, value string) {
	before := c.env.Get(name)
	c.env[name] = Var{value, c.env.Source(name)}
	if name == "GOPRIVATE" {
		for _, heir := range []string{"GONOPROXY", "GONOSUMDB"} {
			if c.env.Get(heir) == before {
				c.env[heir] = Var{value, c.env.Source(heir)}
			}
		}
	}
}

// add adds a finding whose fix is in words.
func (c *checker) add(check string, severity finding.Severity, setting, offending, effect, fix string) {
	c.found = append(c.found, found{Finding: finding.Finding{
		Check:    check,
		Severity: severity,
		Setting:  setting,
		Found:    settings.Redact(offending),
		Source:   c.env.Source(setting),
		Effect:   settings.Redact(effect),
		Fix:      pasteable(fix),
	}})
}

// addValue adds a finding whose fix is a new value of the variable; "" leaves it
// to the words.
func (c *checker) addValue(check string, severity finding.Severity, setting, offending, effect, value, words string) {
	c.add(check, severity, setting, offending, effect, words)
	c.found[len(c.found)-1].value = value
}

// addError adds what a parser says; value is the variable's new value, "" where
// there is none.
func (c *checker) addError(err *SyntaxError, value string) {
	c.found = append(c.found, found{err.Finding(c.env.Source(err.Setting)), value})
}

// maxListed bounds how many elements of one list are looked at one by one.
const maxListed = 200

func some(names []string) string {
	const most = 3
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
