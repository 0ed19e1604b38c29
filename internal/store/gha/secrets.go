package gha

import (
	"net/url"
	"strings"
	"sync"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/secret"
)

// shortest is the shortest secret: less would mask ordinary words.
const shortest = 6

type secrets struct {
	mask func(string)
	set  *secret.Set

	mu     sync.Mutex
	masked map[string]bool
}

func newSecrets(mask func(string), set *secret.Set) *secrets {
	if mask == nil {
		mask = func(string) {}
	}
	if set == nil {
		set = &secret.Set{}
	}
	return &secrets{mask: mask, set: set, masked: map[string]bool{}}
}

func (s *secrets) add(values ...string) {
	for _, v := range values {
		s.mu.Lock()
		fresh := len(v) >= shortest && !s.masked[v]
		s.masked[v] = true
		s.mu.Unlock()
		if fresh {
			s.set.Add(v)
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
		if !secret.IsParameter(name) {
			continue
		}
		s.add(value)
		if decoded, err := url.QueryUnescape(value); err == nil {
			s.add(decoded, url.QueryEscape(decoded), url.PathEscape(decoded))
		}
	}
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

func (s *secrets) hide(text string) string { return s.set.Hide(text) }

// fail makes the failure of op. Of the URL only the origin is shown.
func (s *Store) fail(class failure.Class, op, rawURL string, err error) *failure.Error {
	if u, ok := err.(*url.Error); ok {
		err = u.Err // it begins with the whole URL
	}
	return failure.New(class, op, origin(rawURL), s.secrets.set.Error(err))
}

func (s *Store) log(line string) {
	s.o.Log(failure.Neutral("cache service: " + s.secrets.hide(line)))
}
