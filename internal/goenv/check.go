package goenv

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/settings"
)

// Check names every trap in the settings that the go command does not warn of:
// values it refuses only when it downloads, values it silently reads
// differently than their author, values that send names where they should not
// go. modulePaths are the modules the checkout needs; nil leaves out the checks
// that compare patterns with them. The findings are sorted worst first and
// hold no credentials; nil means nothing to say.
func Check(e Env, modulePaths []string) []finding.Finding {
	c := &checker{env: e, modules: modulePaths}
	c.proxy()
	c.patterns()
	c.coverage()
	c.sumDB()
	c.flags()
	c.modes()
	c.auth()
	slices.SortStableFunc(c.findings, func(a, b finding.Finding) int {
		return cmp.Compare(a.Severity.Rank(), b.Severity.Rank())
	})
	return c.findings
}

type checker struct {
	env      Env
	modules  []string
	findings []finding.Finding
}

func (c *checker) add(check string, severity finding.Severity, setting, found, effect, fix string) {
	c.findings = append(c.findings, finding.Finding{
		Check:    check,
		Severity: severity,
		Setting:  setting,
		Found:    settings.Redact(found),
		Source:   c.env.Source(setting),
		Effect:   settings.Redact(effect),
		Fix:      settings.Redact(fix),
	})
}

func (c *checker) addError(err *SyntaxError) {
	c.findings = append(c.findings, err.Finding(c.env.Source(err.Setting)))
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
