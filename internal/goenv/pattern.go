package goenv

import (
	"path"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/mod/module"
)

// MatchPatterns reports whether modulePath matches the comma-separated
// patterns of GOPRIVATE, GONOPROXY, GONOSUMDB or GOINSECURE. It is
// module.MatchPrefixPatterns: nothing is trimmed but one trailing slash, case
// matters, and a pattern with n slashes is compared with the first n+1 path
// elements.
func MatchPatterns(patterns, modulePath string) bool {
	return module.MatchPrefixPatterns(patterns, modulePath)
}

// patternNone is the customary way to say "no pattern" where an empty value
// would mean the value of GOPRIVATE.
const patternNone = "none"

// patternTrap is a way to write a pattern so that it matches no module path
// whatsoever (module.CheckPath says what a path may look like).
type patternTrap struct {
	check string
	why   string                      // a clause: why the pattern matches nothing
	fix   func(pattern string) string // pattern itself when the trap is not in it
}

var (
	patternScheme    = regexp.MustCompile(`^[A-Za-z][A-Za-z+.-]*://`)
	patternCharacter = regexp.MustCompile(`[^\pL\pN._~/*?\[\]^\\-]`)
)

// patternTraps are the traps in the order in which they are repaired: each fix
// sees what the fixes before it made of the pattern.
var patternTraps = []patternTrap{
	{"pattern-quotes", "quotes are part of the pattern", unquote},
	{"pattern-blank", "spaces around it are not trimmed and become part of the pattern", strings.TrimSpace},
	{"pattern-scheme", "module paths have no scheme", cutScheme},
	{"pattern-user", "module paths have no user name", replace(`^[^/@]*@`, "")},
	{"pattern-port", "module paths have no port", replace(`^([^/:]+):\d*(/|$)`, "$1$2")},
	{"pattern-colon", "module paths have no colon", replace(`^([^/:]+):`, "$1/")},
	{"pattern-version", "patterns are compared with paths, which have no version", replace(`@[^/]*$`, "")},
	{"pattern-ellipsis", "... has no special meaning; a pattern always matches everything below it", replace(`(/?\.\.\.)+/?$`, "")},
	{"pattern-leading-slash", "module paths do not start with a slash", replace(`^/+`, "")},
	{"pattern-upper-case", "case matters and the host of a module path is in lower case", lowerHost},
	{"pattern-leading-dot", "no host name starts with a dot", fixLeadingDot},
}

func replace(expr, with string) func(string) string {
	re := regexp.MustCompile(expr)
	return func(p string) string { return re.ReplaceAllString(p, with) }
}

// cutScheme takes off the scheme and, because a password may look like a path
// once the scheme is gone, credentials behind it.
func cutScheme(p string) string {
	rest := patternScheme.ReplaceAllString(p, "")
	if i := strings.LastIndexByte(rest, '@'); rest != p && i >= 0 && strings.Contains(rest[:i], ":") {
		rest = rest[i+1:]
	}
	return rest
}

// fixLeadingDot makes of .x.test what it means in NO_PROXY: the domain and
// everything below it.
func fixLeadingDot(p string) string {
	domain := strings.TrimLeft(p, ".")
	if domain == p || domain == "" {
		return p
	}
	return domain + ",*." + domain
}

// lowerHost lowers the first element, the only one whose case module.CheckPath
// prescribes.
func lowerHost(p string) string {
	host, rest, found := strings.Cut(p, "/")
	if found {
		rest = "/" + rest
	}
	return strings.ToLower(host) + rest
}

// patternFault is one trap found in one pattern.
type patternFault struct {
	pattern    string
	check, why string
}

// inspectPatterns finds the patterns that match nothing, and the value that
// was most likely meant: "" when a fault has no obvious repair. What it
// proposes has no fault itself.
func inspectPatterns(value string) (faults []patternFault, corrected string) {
	faults, corrected = repairPatterns(value)
	if remaining, _ := repairPatterns(corrected); len(remaining) > 0 {
		return faults, ""
	}
	return faults, corrected
}

func repairPatterns(value string) (faults []patternFault, repaired string) {
	var good []string
	repairable := true
	for _, pattern := range strings.Split(value, ",") {
		if pattern == "" {
			continue
		}
		parts := splitPattern(pattern)
		separated := len(parts) != 1 || parts[0] != pattern
		if separated {
			faults = append(faults, patternFault{pattern, "pattern-separator", "only a comma separates patterns"})
		}
		for _, part := range parts {
			fixed := part
			for _, trap := range patternTraps {
				next := trap.fix(fixed)
				if next != fixed && !separated {
					faults = append(faults, patternFault{pattern, trap.check, trap.why})
				}
				fixed = next
			}
			if check, why := malformed(fixed); check != "" {
				faults = append(faults, patternFault{pattern, check, why})
				repairable = false
			} else if fixed != "" {
				good = append(good, fixed)
			}
		}
	}
	if !repairable || len(good) == 0 {
		return faults, ""
	}
	return faults, strings.Join(good, ",")
}

// splitPattern cuts a pattern at what people take for a separator. Blanks at
// the ends stay: they are another trap.
func splitPattern(pattern string) []string {
	trimmed := strings.TrimSpace(pattern)
	parts := strings.FieldsFunc(wideSeparators.Replace(trimmed), func(r rune) bool {
		return r == ',' || r == ';' || r == '|' || unicode.IsSpace(r)
	})
	if len(parts) < 2 && !strings.ContainsAny(pattern, ";|，、﹐；｜") {
		return []string{pattern}
	}
	return parts
}

func malformed(pattern string) (check, why string) {
	for _, p := range strings.Split(pattern, ",") {
		if _, err := path.Match(p, ""); err != nil {
			return "pattern-malformed", "a bracket or backslash is not closed"
		}
		if c := patternCharacter.FindString(p); c != "" {
			return "pattern-character", "no module path contains " + quoteRune(c)
		}
	}
	return "", ""
}

func quoteRune(s string) string {
	if s == `"` {
		return "a quotation mark"
	}
	return `"` + s + `"`
}
