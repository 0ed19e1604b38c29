package settings

import (
	"errors"
	"strconv"
	"strings"
	"unicode"
)

// Error is a setting that cannot mean what was intended. None of its texts
// contains credentials.
type Error struct {
	Where    string // "flag --extract", "variable MODFERRY_EXTRACT", ".modferry.yaml:3:10"
	Found    string // what stands there
	Expected string // what should
	Remedy   string // what to do, an imperative; "" when Expected says it all
	Excerpt  string // the line of the configuration file with a caret below, two lines; "" elsewhere
	Err      error  // the cause, nil when there is none
}

// newError is the only place that makes an Error, because this is where
// credentials are taken out. A masked one is nothing to copy: a remedy with
// credentials becomes one in words.
func newError(where, found, expected, remedy string) *Error {
	if Redact(remedy) != remedy {
		remedy = "correct it where it stands; its credentials are not shown here"
	}
	return &Error{
		Where:    Redact(where),
		Found:    Redact(found),
		Expected: Redact(expected),
		Remedy:   remedy,
	}
}

// Error is one sentence: "flag --extract: found …, expected …; write …".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Where + ": found " + e.Found)
	if e.Expected != "" {
		b.WriteString(", expected " + e.Expected)
	}
	if e.Remedy != "" {
		b.WriteString("; " + e.Remedy)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// quoteLimit bounds, in runes, what is quoted of a value.
const quoteLimit = 100

// quote shows a value: redacted first, so that quoting cannot hide a secret
// from Redact, then bounded and on one line.
func quote(text string) string {
	return strconv.Quote(clip(Redact(text), quoteLimit))
}

func clip(text string, limit int) string {
	n := 0
	for i := range text {
		if n == limit {
			return text[:i] + "…"
		}
		n++
	}
	return text
}

// excerpt shows the line of a file and a caret under column (both 1-based).
func excerpt(text string, line, column int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.TrimRight(text, "\r\n"))
	before := []rune(text)
	before = before[:max(0, min(column-1, len(before)))]
	number := strconv.Itoa(line)
	margin := strings.Repeat(" ", len(number))
	// What stands before the column is redacted alone, so that the caret keeps
	// its place when a secret before it gets shorter.
	caret := strings.Repeat(" ", len([]rune(Redact(string(before)))))
	return "  " + number + " | " + clip(Redact(text), 160) + "\n" +
		"  " + margin + " | " + caret + "^"
}

// list joins choices as people write them.
func list(items []string) string {
	switch len(items) {
	case 0:
		return ""
	case 1:
		return items[0]
	}
	return strings.Join(items[:len(items)-1], ", ") + " or " + items[len(items)-1]
}

// asError makes every error of the room an *Error.
func asError(where string, err error, expected, remedy string) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	e = newError(where, err.Error(), expected, remedy)
	e.Err = err
	return e
}
