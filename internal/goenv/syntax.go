package goenv

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/settings"
)

// SyntaxError is a value that the go command refuses, or that cannot mean what
// its author intended. None of its texts contains credentials.
type SyntaxError struct {
	Setting string // the variable, e.g. "GOPROXY"
	Found   string // the offending part of its value
	Problem string // what the go command does with it, a clause without full stop
	Fix     string // the corrected value, or what to write
	Check   string // the stable name of the check, as in Finding
}

// newSyntaxError is the only place that makes a SyntaxError, because this is
// where credentials are taken out.
func newSyntaxError(check, setting, found, problem, fix string) *SyntaxError {
	return &SyntaxError{
		Setting: setting,
		Found:   settings.Redact(found),
		Problem: settings.Redact(problem),
		Fix:     pasteable(fix),
		Check:   check,
	}
}

// pasteable is what to write instead. A value with credentials is described: as
// it is it must not be shown, and masked it must not be pasted.
func pasteable(fix string) string {
	if settings.Redact(fix) == fix {
		return fix
	}
	return "the value corrected where it is set; its credentials are not shown here"
}

// Error says in one sentence what was found, what the go command does with it,
// and what to write.
func (e *SyntaxError) Error() string {
	s := fmt.Sprintf("%s: found %q: %s", e.Setting, e.Found, e.Problem)
	if e.Fix != "" {
		s += "; fix: " + e.Fix
	}
	return s
}

// Finding turns the error into the Finding that says the same; source is where
// the value comes from.
func (e *SyntaxError) Finding(source string) finding.Finding {
	return finding.Finding{
		Check:    e.Check,
		Severity: finding.Error,
		Setting:  e.Setting,
		Found:    e.Found,
		Source:   source,
		Effect:   sentence(e.Problem),
		Fix:      e.Fix,
	}
}

// sentence makes a sentence of a clause, which may be about the value found.
func sentence(clause string) string {
	switch verb, _, _ := strings.Cut(clause, " "); verb {
	case "is", "has", "does", "names":
		clause = "it " + clause
	}
	r, n := utf8.DecodeRuneInString(clause)
	if n == 0 {
		return ""
	}
	return string(unicode.ToUpper(r)) + strings.TrimSuffix(clause[n:], ".") + "."
}
