package goenv

import (
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/modferry/modferry/internal/settings"
)

// Secrets returns the credentials that the URLs of a GOPROXY or GOSUMDB value
// carry, in each form in which they may show up: as written, decoded, and
// encoded as in a query. It is for those who have to tell somebody what to keep
// out of a log; nil when there are none.
func Secrets(value string) []string {
	var found []string
	add := func(secret string) {
		if secret != "" && !slices.Contains(found, secret) {
			found = append(found, secret)
		}
	}
	entries := strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == '|' || unicode.IsSpace(r) })
	for _, entry := range entries {
		u, err := url.Parse(entry)
		if err != nil {
			continue
		}
		if u.User != nil {
			// Without a password, the user is the token.
			secret, _ := u.User.Password()
			if secret == "" {
				secret = u.User.Username()
			}
			add(secret)
			add(url.QueryEscape(secret))
			add(writtenSecret(entry))
		}
		for parameter := range strings.SplitSeq(u.RawQuery, "&") {
			if settings.Redact("?"+parameter) == "?"+parameter {
				continue
			}
			_, written, _ := strings.Cut(parameter, "=")
			add(written)
			if decoded, err := url.QueryUnescape(written); err == nil {
				add(decoded)
			}
		}
	}
	return found
}

// writtenSecret is the password, or the user alone, of a URL as it is written.
// net/url knows only how it would write it itself.
func writtenSecret(rawURL string) string {
	_, authority, _ := strings.Cut(rawURL, "//")
	if i := strings.IndexAny(authority, "/?#"); i >= 0 {
		authority = authority[:i]
	}
	i := strings.LastIndexByte(authority, '@')
	if i < 0 {
		return ""
	}
	user, password, _ := strings.Cut(authority[:i], ":")
	if password == "" {
		return user
	}
	return password
}
