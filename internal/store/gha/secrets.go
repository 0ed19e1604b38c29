package gha

import (
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/modferry/modferry/internal/failure"
)

// shortest is the shortest secret: less would mask ordinary words.
const shortest = 6

// secrets are those seen so far.
type secrets struct {
	mask func(string)

	mu    sync.Mutex
	known []string // the longest first
}

func newSecrets(mask func(string)) *secrets {
	if mask == nil {
		mask = func(string) {}
	}
	return &secrets{mask: mask}
}

// add makes values known, and masks those that are new.
func (s *secrets) add(values ...string) {
	for _, v := range values {
		s.mu.Lock()
		fresh := len(v) >= shortest && !slices.Contains(s.known, v)
		if fresh {
			s.known = append(s.known, v)
			slices.SortFunc(s.known, func(a, b string) int { return len(b) - len(a) })
		}
		s.mu.Unlock()
		if fresh {
			s.mask(v)
		}
	}
}

// addURL makes a signed URL known, as a whole and its signature, as it stands
// there, decoded and encoded anew.
func (s *secrets) addURL(raw string) {
	s.add(raw)
	_, query, _ := strings.Cut(raw, "?")
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if !secretParameter(name) {
			continue
		}
		s.add(value)
		if decoded, err := url.QueryUnescape(value); err == nil {
			s.add(decoded, url.QueryEscape(decoded), url.PathEscape(decoded))
		}
	}
}

// secretParameter reports whether a query parameter proves a right: Azure's
// "sig", what S3, Google and Gitea have in its place.
func secretParameter(name string) bool {
	name = strings.ToLower(name)
	return name == "sig" || name == "sign" || strings.HasSuffix(name, "signature") || strings.HasSuffix(name, "token")
}

// addPath makes the long parts of the service's path known: one of them is
// act's secret.
func (s *secrets) addPath(raw string) {
	u, err := url.Parse(raw)
	if err != nil {
		return
	}
	for part := range strings.SplitSeq(u.EscapedPath(), "/") {
		if len(part) >= 24 {
			s.add(part)
		}
	}
}

// hide returns a text without the secrets.
func (s *secrets) hide(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.known {
		text = strings.ReplaceAll(text, v, "xxxxx")
	}
	return text
}

// hidden is an error whose text shows no secrets.
type hidden struct {
	err     error
	secrets *secrets
}

func (h hidden) Error() string { return h.secrets.hide(h.err.Error()) }
func (h hidden) Unwrap() error { return h.err }

// fail makes the failure of op. Of the URL only the origin is shown.
func (s *Store) fail(class failure.Class, op, rawURL string, err error) *failure.Error {
	if u, ok := err.(*url.Error); ok {
		err = u.Err // it begins with the whole URL
	}
	if err != nil {
		err = hidden{err, s.secrets}
	}
	return failure.New(class, op, origin(rawURL), err)
}

// log writes a line without secrets.
func (s *Store) log(line string) {
	s.o.Log(failure.Neutral("cache service: " + s.secrets.hide(line)))
}
