package secret

import (
	"net/url"
	"slices"
	"strings"
	"sync"
)

// Mask stands where a secret stood. It is what net/url.URL.Redacted and so the
// go command print.
const Mask = "xxxxx"

// The lengths, in bytes, from which a secret is hidden. Shorter ones would take
// ordinary words out of every text: up to anywhere they are hidden as whole
// words, and what is shorter than a word only together with its login.
const (
	asWord   = 3
	anywhere = 6
)

type value struct {
	text  string // as it is searched, see folded
	shown int    // bytes at its begin that may be seen when it stands there as it is
	word  bool   // only where no letter or digit is beside it
}

// Set is what is to be hidden. The zero value is empty and ready, nil is empty
// for good. It is safe for concurrent use.
type Set struct {
	mu     sync.RWMutex
	values []value // the longest first; replaced as a whole, so that readers keep theirs
}

// Add makes secrets known, as they are and, where they are percent-encoded,
// decoded. Of a text of several lines every line is one.
func (s *Set) Add(secrets ...string) {
	for _, secret := range secrets {
		for line := range strings.Lines(secret) {
			s.add(line, 0)
			if decoded, err := url.PathUnescape(line); err == nil {
				s.add(decoded, 0)
			}
		}
	}
}

// AddLogin makes the two parts of a basic authorization known. A login without
// a password, or with the filler that GitHub documents, is the secret itself.
func (s *Set) AddLogin(login, password string) {
	switch password {
	case "", "x-oauth-basic":
		s.Add(login)
	default:
		s.Add(password)
	}
	if password != "" {
		s.add(login+":"+password, len(folded(login+":")))
	}
}

func (s *Set) add(secret string, shown int) {
	text := folded(secret)
	if s == nil || len(text) < asWord || len(text) == shown || text == Mask {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.ContainsFunc(s.values, func(known value) bool { return known.text == text }) {
		return
	}
	values := append(slices.Clone(s.values), value{text, shown, len(text)-shown < anywhere})
	slices.SortStableFunc(values, func(a, b value) int { return len(b.text) - len(a.text) })
	s.values = values
}

func (s *Set) all() []value {
	if s == nil {
		return nil
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.values
}

// Error returns err with a text that shows no secret; nil stays nil.
func (s *Set) Error(err error) error {
	if err == nil || s.Hide(err.Error()) == err.Error() {
		return err
	}
	return hidden{err, s}
}

type hidden struct {
	err error
	set *Set
}

func (h hidden) Error() string { return h.set.Hide(h.err.Error()) }
func (h hidden) Unwrap() error { return h.err }
