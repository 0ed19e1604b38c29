// Package sessiontest makes chains for tests.
package sessiontest

import (
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/session"
)

// Chain makes a chain of mirrors in short: each is a URL, a space, and marks: p
// public, ',' or '|' the separator as written, + added, l fallback-only.
func Chain(t *testing.T, fallback session.Fallback, end goenv.Kind, mirrors ...string) session.Chain {
	t.Helper()
	client := mirror.NewClient(mirror.Options{})
	c := session.Chain{End: end}
	for _, text := range mirrors {
		url, marks, _ := strings.Cut(text, " ")
		m, err := client.Open(url, mirror.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		h := &session.Hop{Mirror: m, URL: url, Weight: 1}
		for _, mark := range marks {
			switch mark {
			case 'p':
				h.Public = true
			case ',', '|':
				h.Written = goenv.Separator(mark)
			case '+':
				h.Added = true
			case 'l':
				h.Tier = session.Last
			}
		}
		h.Sep = fallback.Separator(h.Written, h.Public)
		c.Hops = append(c.Hops, h)
	}
	return c
}
