package worklist

import (
	"errors"
	"strconv"
	"strings"

	"github.com/modferry/modferry/internal/settings"
)

// InputError is something about the checkout or the settings that its user
// must fix. Texts taken from files are quoted and bounded, so they are one
// line without control characters.
type InputError struct {
	File     string // slash-separated, relative to the root; or the name of a setting, e.g. "GOFLAGS"
	Line     int    // 1-based, 0 when no line is at fault
	Found    string // what stands there
	Expected string // what should
	Remedy   string // what to do, an imperative
	Err      error  // the cause, may be nil
}

// ErrNoCheckout is the cause of the InputError for a directory without any
// go.mod or go.work in, above or below it.
var ErrNoCheckout = errors.New("no main module")

// Error is one sentence: "go.sum:12: found …, expected …; run …".
func (e *InputError) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		b.WriteString(":" + strconv.Itoa(e.Line))
	}
	b.WriteString(": found " + e.Found)
	if e.Expected != "" {
		b.WriteString(", expected " + e.Expected)
	}
	if e.Remedy != "" {
		b.WriteString("; " + e.Remedy)
	}
	return b.String()
}

func (e *InputError) Unwrap() error { return e.Err }

// quoteLimit bounds, in runes, what is quoted from a file.
const quoteLimit = 100

// quote shows text of a file: on one line, without control characters,
// bounded.
func quote(text string) string { return strconv.Quote(clip(text, quoteLimit)) }

// plain is quote without the quotation marks, for texts that read as part of
// a sentence (module paths, messages of the go.mod parser).
func plain(text string) string {
	var b strings.Builder
	for _, r := range clip(text, 3*quoteLimit) {
		if strconv.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		q := strconv.QuoteRune(r)
		b.WriteString(q[1 : len(q)-1])
	}
	return b.String()
}

// clip bounds text to limit runes, after taking credentials out of URLs.
func clip(text string, limit int) string {
	text = settings.Redact(text)
	n := 0
	for i := range text {
		if n == limit {
			return text[:i] + "…"
		}
		n++
	}
	return text
}

// mergeMarker returns the first line (1-based) of data that an unfinished
// merge left behind, 0 when there is none.
func mergeMarker(data string) (line int, text string) {
	for t := range strings.Lines(data) {
		line++
		if isMergeMarker(t) {
			return line, strings.TrimSpace(t)
		}
	}
	return 0, ""
}

// isMergeMarker reports whether a line begins with one of git's conflict
// markers: seven equal characters, then a blank or the end.
func isMergeMarker(line string) bool {
	for _, marker := range [...]string{"<<<<<<<", "|||||||", "=======", ">>>>>>>"} {
		if rest, ok := strings.CutPrefix(line, marker); ok {
			return rest == "" || strings.ContainsAny(rest[:1], " \t\r\n")
		}
	}
	return false
}
