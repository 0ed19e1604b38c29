package settings

import (
	"regexp"
	"strings"
)

// ownWords are what is said of a variable or a file whose name says secret.
var ownWords = regexp.MustCompile(`^(?:found (?:a|no) |not a directory|no such file|is a directory|permission denied)`)

// redactHeaders hides the values of headers and of settings in YAML, but not what is
// said of a flag: no header begins with two hyphens.
func redactHeaders(s string) string {
	var b strings.Builder
	for {
		at := secretHeader.FindStringSubmatchIndex(s)
		if at == nil {
			b.WriteString(s)
			return b.String()
		}
		value := at[3] // where the name and what follows it end
		b.WriteString(s[:value])
		if strings.HasPrefix(s[at[0]:], "--") || ownWords.MatchString(s[value:]) {
			s = s[value:]
			continue
		}
		b.WriteString(mask)
		s = s[at[1]:]
	}
}

// redactScheme hides what follows "Bearer" and "Basic" outside a header, but
// not in prose about them or in a WWW-Authenticate challenge.
func redactScheme(s string) string {
	return scheme.ReplaceAllStringFunc(s, func(match string) string {
		groups := scheme.FindStringSubmatch(match)
		value := groups[2]
		prose := strings.Trim(value, "abcdefghijklmnopqrstuvwxyz-.") == "" && strings.EqualFold(groups[1], "basic")
		switch strings.TrimRight(value, ".") {
		case "token", "tokens", "auth", "authentication", "authorization", "credentials":
			prose = true
		}
		if prose || strings.HasPrefix(value, "realm=") {
			return match
		}
		return match[:len(match)-len(value)] + mask
	})
}
