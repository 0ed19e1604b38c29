package session

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/mirror"
)

// refused are the settings that must mean what was intended: a chain that the
// go command accepts but cannot use fails every download, and a pattern that
// matches nothing tells private names to strangers.
var refused = []string{"GOPROXY", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOSUMDB"}

// check collects the findings about the settings and refuses what cannot mean
// what was intended.
func (s *Session) check() error {
	if err := s.checkPatterns(); err != nil {
		return err
	}
	for _, f := range goenv.Check(s.Env, nil, Public) {
		// Of the default's comma: the chosen chain has it mended already, and
		// says so.
		// Offline, nobody has written GOPROXY and GONOPROXY.
		if ours := s.Values.Offline && (f.Setting == "GOPROXY" || f.Setting == "GONOPROXY"); !ours && (f.Check != "goproxy-separator" || f.Severity != finding.Info) {
			s.About = append(s.About, f)
		}
		if f.Severity == finding.Error && slices.Contains(refused, f.Setting) {
			return refusal(f)
		}
	}
	return nil
}

// refusal is a finding as an error.
func refusal(f finding.Finding) *goenv.SyntaxError {
	return &goenv.SyntaxError{Check: f.Check, Setting: f.Setting, Found: f.Found, Problem: clause(f.Effect), Fix: f.Fix}
}

// Public reports whether a mirror is one of the public catalogue.
func Public(url string) bool {
	_, ok := mirror.PublicCatalogue().Find(url)
	return ok
}

// clause makes a clause of a sentence.
func clause(sentence string) string {
	r, n := utf8.DecodeRuneInString(sentence)
	return string(unicode.ToLower(r)) + strings.TrimSuffix(sentence[n:], ".")
}

// checkPatterns refuses patterns of the checkout that match nothing: they would
// tell private names to strangers.
func (s *Session) checkPatterns() error {
	private := goenv.Env{"GOPRIVATE": {Value: s.Values.Checkout.Private, Source: s.Values.Checkout.Sources["private"]}}
	for _, f := range goenv.Check(private, nil, nil) {
		if f.Setting == "GOPRIVATE" && f.Severity == finding.Error {
			return &sourcedError{refusal(f), s.Values.Checkout.Sources["private"]}
		}
	}
	return nil
}
