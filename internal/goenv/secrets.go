package goenv

import (
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/modferry/modferry/internal/secret"
	"github.com/modferry/modferry/internal/settings"
)

// Secrets returns the credentials that the URLs of a GOPROXY or GOSUMDB value
// carry, in each form in which they may show up: as written, decoded, and
// encoded as in a query. It is for those who have to tell somebody what to keep
// out of a log; nil when there are none.
func Secrets(value string) []string {
	var found []string
	add := func(form string) {
		if form != "" && !slices.Contains(found, form) {
			found = append(found, form)
		}
	}
	entries := strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == '|' || unicode.IsSpace(r) })
	for _, entry := range entries {
		add(pathToken(entry))
		u, err := url.Parse(entry)
		if err != nil {
			continue
		}
		if u.User != nil {
			// Without a password, the user is the token.
			decoded, _ := u.User.Password()
			if decoded == "" {
				decoded = u.User.Username()
			}
			add(decoded)
			add(url.QueryEscape(decoded))
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

// pathToken is the token of a relay in the path of an entry, "" for none.
func pathToken(entry string) string {
	scheme, rest, found := strings.Cut(entry, "//")
	switch {
	case !found:
		rest = entry // the go command adds the scheme
	case !secret.OfHTTP(scheme):
		return ""
	}
	start, end := secret.PathToken(rest)
	return rest[start:end]
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
