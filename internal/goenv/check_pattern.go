package goenv

import (
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/settings"
)

var patternVariables = []string{"GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOINSECURE"}

func (c *checker) patterns() {
	for _, name := range patternVariables {
		value := c.env.Get(name)
		if value == "" || c.inherited(name) {
			continue
		}
		if value == patternNone {
			c.nonePattern(name)
			continue
		}
		faults, corrected := inspectPatterns(value)
		faulty := map[string]bool{}
		for i, f := range faults {
			faulty[f.pattern] = true
			if i >= maxListed {
				continue
			}
			c.addValue(f.check, finding.Error, name, f.pattern,
				fmt.Sprintf("The pattern matches no module, and the go command does not warn about it: %s.", f.why),
				corrected, "patterns such as git.example.test/team, separated by commas")
		}
		uncovered := c.unmatched(value)
		good := slices.DeleteFunc(strings.Split(value, ","), func(p string) bool { return p == "" || faulty[p] })
		for _, pattern := range good[:min(len(good), maxListed)] {
			c.pattern(name, value, pattern, uncovered)
		}
	}
	c.toolchainPattern()
	c.insecureMirrors()
}

func (c *checker) inherited(name string) bool {
	return (name == "GONOPROXY" || name == "GONOSUMDB") && c.env.Get(name) == c.env.Get("GOPRIVATE")
}

func (c *checker) nonePattern(name string) {
	effect := "The word has no special meaning: it is a pattern that matches no module, just like an empty value."
	fix := "an empty value"
	if name == "GONOPROXY" || name == "GONOSUMDB" {
		effect = "The word has no special meaning. As a pattern that matches no module it keeps GOPRIVATE from applying here, which an empty value would not."
		fix = "an empty value, if GOPRIVATE should apply"
	}
	c.add("pattern-none", finding.Info, name, patternNone, effect, fix)
}

func (c *checker) unmatched(value string) []string {
	var modules []string
	for _, m := range c.modules {
		if !MatchPatterns(value, m) {
			modules = append(modules, m)
		}
	}
	return modules
}

// pattern checks a well-formed pattern of value against the modules of the
// checkout; uncovered are those that no pattern of value matches.
func (c *checker) pattern(name, value, pattern string, uncovered []string) {
	if strings.Trim(pattern, "*/") == "" || pattern == "*.*" {
		c.everything(name, pattern)
		return
	}
	if len(c.modules) == 0 {
		return
	}
	wider := strings.TrimPrefix(strings.TrimSuffix(strings.TrimRight(pattern, "*"), "/"), "*.")
	var missed, otherCase []string
	lower := strings.ToLower(pattern)
	for _, m := range uncovered {
		switch {
		case wider != pattern && (m == wider || strings.HasPrefix(m, wider+"/")):
			missed = append(missed, m)
		case MatchPatterns(lower, strings.ToLower(m)):
			otherCase = append(otherCase, m)
		}
	}
	matched := slices.ContainsFunc(c.modules, func(m string) bool { return MatchPatterns(pattern, m) })
	switch {
	case len(missed) > 0:
		c.addValue("pattern-below-only", finding.Warning, name, pattern,
			fmt.Sprintf("The pattern matches only modules below %s, so not %s.", wider, some(missed)), value+","+wider, "")
	case len(otherCase) > 0:
		c.add("pattern-case", finding.Warning, name, pattern,
			fmt.Sprintf("Case matters: the pattern does not match %s.", some(otherCase)), "the pattern spelled like the module path")
	case !matched:
		c.add("pattern-unmatched", finding.Info, name, pattern,
			fmt.Sprintf("The pattern matches none of the %d modules that this checkout needs.", len(c.modules)), "")
	}
}

func (c *checker) everything(name, pattern string) {
	effects := map[string]string{
		"GOPRIVATE":  "Every module counts as private: the go command uses no mirror and no checksum database, and modules without a go.sum line are not verified at all.",
		"GONOPROXY":  "The go command uses no mirror: every module comes from its repository, through git or another version control program.",
		"GONOSUMDB":  "The go command uses the checksum database for toolchains only: a module without a go.sum line is accepted unverified.",
		"GOINSECURE": "The go command accepts plain http and unverified TLS certificates from every repository.",
	}
	c.add("pattern-everything", finding.Warning, name, pattern, effects[name], "patterns for the private hosts only, such as git.example.test,*.corp.example.test")
}

func (c *checker) coverage() {
	private, noProxy, noSumDB := c.env.Get("GOPRIVATE"), c.env.Get("GONOPROXY"), c.env.Get("GONOSUMDB")
	var asked, lookedUp []string
	for _, m := range c.modules {
		isPrivate := MatchPatterns(private, m)
		if isPrivate && !MatchPatterns(noProxy, m) {
			asked = append(asked, m)
		}
		if (isPrivate || MatchPatterns(noProxy, m)) && !MatchPatterns(noSumDB, m) {
			lookedUp = append(lookedUp, m)
		}
	}
	if len(asked) > 0 {
		c.add("gonoproxy-narrower", finding.Info, "GONOPROXY", noProxy,
			fmt.Sprintf("GONOPROXY replaces GOPRIVATE here, so mirrors are asked for the private modules %s.", some(asked)),
			"an empty value, unless a mirror of your own serves these modules")
	}
	if len(lookedUp) > 0 && c.env.Get("GOSUMDB") != keywordOff {
		c.addValue("gonosumdb-narrower", finding.Warning, "GONOSUMDB", noSumDB,
			fmt.Sprintf("A lookup without a go.sum line sends the private names %s to the checksum database, and fails because it does not know them.", some(lookedUp)),
			settings.JoinPatterns(noSumDB, private, noProxy), "")
	}
}

// unprotected finds modules whose names look private and match no pattern: a
// mirror and the checksum database would be told them.
func (c *checker) unprotected() {
	private, noProxy := c.env.Get("GOPRIVATE"), c.env.Get("GONOPROXY")
	byHost := map[string][]string{}
	var hosts []string
	for _, m := range c.modules {
		host, _, _ := strings.Cut(m, "/")
		if !PrivateHost(host) || MatchPatterns(noProxy, m) {
			continue
		}
		if byHost[host] == nil {
			hosts = append(hosts, host)
		}
		byHost[host] = append(byHost[host], m)
	}
	for _, host := range hosts {
		n := len(byHost[host])
		modules := "1 module"
		if n != 1 {
			modules = fmt.Sprintf("%d modules", n)
		}
		effect := fmt.Sprintf("No pattern matches %s, such as %s, so its name is sent to mirrors and, if go.sum lacks it, to the checksum database.", modules, byHost[host][0])
		setting, value := "GOPRIVATE", private
		if !c.inherited("GONOPROXY") { // GOPRIVATE is not its default then
			setting, value = "GONOPROXY", noProxy
		}
		c.addValue("module-looks-private", finding.Warning, setting, host, effect, settings.JoinPatterns(value, host), "")
		c.found[len(c.found)-1].Source = "" // the host is not from there
	}
}

// toolchainPattern finds patterns that keep toolchains from being downloaded:
// golang.org/toolchain exists on mirrors only.
func (c *checker) toolchainPattern() {
	if c.env.Get("GOTOOLCHAIN") == "local" || !MatchPatterns(c.env.Get("GONOPROXY"), "golang.org/toolchain") {
		return
	}
	name := "GONOPROXY"
	if c.inherited(name) {
		name = "GOPRIVATE"
	}
	c.add("pattern-toolchain", finding.Warning, name, c.env.Get(name),
		`The patterns match golang.org/toolchain, which only mirrors have: a go.mod that requires a newer Go fails with "toolchain not available".`,
		"patterns for the private hosts only, or GOTOOLCHAIN=local")
}

func (c *checker) insecureMirrors() {
	insecure := c.env.Get("GOINSECURE")
	chain, err := ParseProxy(c.env.Get("GOPROXY"))
	if err != nil || insecure == "" {
		return
	}
	for _, entry := range chain.Mirrors() {
		u, err := url.Parse(entry.URL)
		if err != nil || u.Host == "" || !namesHost(insecure, u) {
			continue
		}
		c.add("goinsecure-mirror", finding.Warning, "GOINSECURE", insecure,
			fmt.Sprintf("GOINSECURE applies to the repositories of modules only: the certificate of the mirror %s is still verified.", u.Host),
			"the mirror's CA certificate in the system's store, or in a file with the public ones that SSL_CERT_FILE names")
	}
}

// namesHost reports whether a pattern other than one for everything names the
// host of the URL, with or without port.
func namesHost(patterns string, u *url.URL) bool {
	for pattern := range strings.SplitSeq(patterns, ",") {
		host, _, _ := strings.Cut(pattern, "/")
		if strings.Trim(host, "*.") == "" {
			continue
		}
		for _, name := range []string{u.Host, u.Hostname()} {
			if ok, err := path.Match(host, name); ok && err == nil {
				return true
			}
		}
	}
	return false
}
