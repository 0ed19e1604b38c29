package failure

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/modferry/modferry/internal/settings"
)

// maxNeutral is the most runes that Neutral returns.
const maxNeutral = 500

// maxPlain is the most bytes that Plain looks at. Far more than it returns, so
// that no credential is shown for want of the "@" behind it.
const maxPlain = 16 << 10

// Plain returns s fit for being shown: without credentials, and neutral.
func Plain(s string) string {
	if len(s) > maxPlain {
		s = s[:maxPlain] + "…"
	}
	// Redaction comes first, because a cut could take away the "@" that marks
	// a password, and once more, because a control character could hide it.
	return Neutral(settings.Redact(unbounded(settings.Redact(s))))
}

// Neutral makes text of servers harmless for a log that a CI system reads: one
// line of printable characters, at most 500 runes, that is no command wherever it
// is put (GitHub reads "::" at the start of a line, after blanks, and "##[" anywhere;
// Azure and others read "##name["; Buildkite begins a section at a line that starts
// with "---", "+++" or "~~~" and a blank, and opens it at "^^^ +++"). It keeps the
// text readable: blanks of every kind become one space, colour sequences vanish,
// commands are broken up by a space. Neutral text comes back unchanged.
func Neutral(s string) string {
	s = unbounded(s)
	if utf8.RuneCountInString(s) <= maxNeutral {
		return s
	}
	runes := 0
	for i := range s {
		if runes++; runes == maxNeutral {
			return strings.TrimRight(s[:i], " ") + "…"
		}
	}
	return s
}

// NeutralLine is Neutral for a line of a text that is laid out: its blanks and
// its length stay. Colours says that those of a terminal may stay as well, unless
// the line would be a command without them.
func NeutralLine(line string, colours bool) string {
	shown, plain := shownLine(line, colours), shownLine(line, false)
	if broken := breakCommands(plain); broken != plain {
		return broken
	}
	return shown
}

// shownLine is a line without what is not shown, but for colours where they may stay.
func shownLine(line string, colours bool) string {
	var b strings.Builder
	for i := 0; i < len(line); {
		if n := ControlSequence(line[i:]); n > 0 {
			if colours && line[i+n-1] == 'm' && line[i] == '\x1b' {
				b.WriteString(line[i : i+n])
			}
			i += n
			continue
		}
		r, n := utf8.DecodeRuneInString(line[i:])
		i += n
		switch {
		case r == '\t', unicode.IsPrint(r), unicode.Is(unicode.Zs, r):
			b.WriteRune(r)
		case unicode.IsSpace(r), unicode.In(r, unicode.Z):
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// Sentence is Plain for a message of ours that quotes others: it may be four
// times as long, and what is too much goes from its middle, since what to do
// stands at its end.
func Sentence(s string) string {
	const most = 4 * maxNeutral
	if len(s) > 2*maxPlain {
		s = s[:maxPlain] + " … " + s[len(s)-maxPlain:]
	}
	s = unbounded(settings.Redact(unbounded(settings.Redact(s))))
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	return unbounded(string(runes[:most/2]) + " … " + string(runes[len(runes)-most/2+3:]))
}

func unbounded(s string) string { return breakCommands(printable(s)) }

// printable drops what is not a printable character (controls of C0 and C1,
// bidi overrides and other invisible formatting, bytes that are not UTF-8
// become U+FFFD) and makes every run of blanks one space; none is left at the
// ends.
func printable(s string) string {
	var b strings.Builder
	blank := false
	for i := 0; i < len(s); {
		if n := ControlSequence(s[i:]); n > 0 {
			i += n
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		i += n
		switch {
		case unicode.IsSpace(r), unicode.In(r, unicode.Z):
			blank = true
		case unicode.IsPrint(r):
			if blank && b.Len() > 0 {
				b.WriteByte(' ')
			}
			blank = false
			b.WriteRune(r)
		}
	}
	return b.String()
}

// ControlSequence returns the length of the terminal control sequence (ECMA-48, 5.4:
// CSI, parameters, final byte) at the start of s, 0 when there is none.
func ControlSequence(s string) int {
	rest, ok := strings.CutPrefix(s, "\x1b[")
	if !ok {
		if rest, ok = strings.CutPrefix(s, "\u009b"); !ok {
			return 0
		}
	}
	end := strings.IndexFunc(rest, func(r rune) bool { return r < 0x20 || r > 0x3f })
	if end < 0 || rest[end] < 0x40 || rest[end] > 0x7e {
		return 0
	}
	return len(s) - len(rest) + end + 1
}

// breakCommands puts a space into what is a command at the start of the line, and
// into every "##" that begins "##[" or "##name[".
func breakCommands(line string) string {
	line = breakHashes(line)
	text := strings.TrimLeftFunc(line, unicode.IsSpace)
	blanks := line[:len(line)-len(text)]
	if strings.HasPrefix(text, "::") || blanks == "" && isSection(text) {
		return blanks + text[:1] + " " + text[1:]
	}
	return line
}

// isSection reports whether Buildkite takes a line as the head of a section, or as
// the mark that opens one.
func isSection(line string) bool {
	for _, mark := range []string{"---", "+++", "~~~", "^^^"} {
		if rest, ok := strings.CutPrefix(line, mark); ok {
			next, _ := utf8.DecodeRuneInString(rest)
			return rest == "" || unicode.IsSpace(next)
		}
	}
	return false
}

func breakHashes(s string) string {
	if !strings.Contains(s, "##") {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		b.WriteByte(s[i])
		if s[i] != '#' || i+1 == len(s) || s[i+1] != '#' {
			continue
		}
		if name := strings.TrimLeftFunc(s[i+2:], unicode.IsLetter); strings.HasPrefix(name, "[") {
			b.WriteByte(' ')
		}
	}
	return b.String()
}
