package settings

import (
	"strings"

	"github.com/modferry/modferry/internal/secret"
)

// redactPaths hides the tokens of relays in the paths of URLs.
func redactPaths(s string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, "//")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		b.WriteString("//")
		s = rest
		if !secret.OfHTTP(before) {
			continue
		}
		if start, end := secret.PathToken(rest); end > 0 {
			b.WriteString(rest[:start] + mask)
			s = rest[end:]
		}
	}
}
