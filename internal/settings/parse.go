package settings

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// The largest numbers that can be meant; beyond them is a slip of the hand.
const (
	maxWeight   = 1000
	maxDuration = 7 * 24 * time.Hour
	maxAge      = 10 * 365 * 24 * time.Hour
)

// misfit says why a text is no value of a setting.
type misfit struct {
	found    string
	expected string
	instead  string // the value to write, "" when none can be guessed
	advice   string // what to do where no value can be guessed
}

// parse reads text as a value of s into its field.
func (s Setting) parse(text string, v *Values) *misfit {
	switch dst := s.field(v).(type) {
	case *bool:
		b, bad := parseBool(text)
		*dst = b
		return bad
	case *int:
		n, bad := parseInt(text, int(s.most))
		*dst = n
		return bad
	case *time.Duration:
		d, bad := parseDuration(text, s.zero, cmp.Or(time.Duration(s.most), maxDuration))
		*dst = d
		return bad
	case *int64:
		n, bad := parseSize(text)
		*dst = n
		return bad
	case *string:
		if s.Kind == Choice {
			c, bad := parseChoice(text, s.Choices)
			*dst = c
			return bad
		}
		t, bad := s.parseText(text)
		*dst = t
		return bad
	}
	panic("settings: the field of " + s.Name + " has a type that nothing reads")
}

func parseBool(text string) (bool, *misfit) {
	t := strings.ToLower(strings.TrimSpace(text))
	switch t {
	case "true", "1", "yes", "on", "t", "y":
		return true, nil
	case "false", "0", "no", "off", "f", "n":
		return false, nil
	}
	return false, &misfit{
		found:    quote(text),
		expected: "true or false",
		instead:  Suggest(t, []string{"true", "false"}),
	}
}

func parseInt(text string, most int) (int, *misfit) {
	t := strings.TrimSpace(text)
	expected := fmt.Sprintf("a whole number from 0 to %d", most)
	n, err := strconv.Atoi(t)
	switch {
	case err != nil || n < 0:
		return 0, &misfit{found: quote(text), expected: expected}
	case n > most:
		return 0, &misfit{found: quote(text), expected: expected, instead: strconv.Itoa(most)}
	}
	return n, nil
}

// parseSize reads a number of bytes.
func parseSize(text string) (int64, *misfit) {
	t := strings.ToLower(strings.Join(strings.Fields(text), ""))
	digits := strings.TrimRight(t, "bkmgti")
	bad := &misfit{found: quote(text), expected: "a size with a unit such as 512KiB, 200MB or 10GiB"}
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil || n < 0 || n > 1e15 {
		return 0, bad
	}
	if n == 0 {
		return 0, nil
	}
	units := map[string]float64{"b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
		"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40}
	unit := t[len(digits):]
	factor, ok := units[unit]
	if !ok {
		if _, near := units[unit+"ib"]; near {
			bad.instead = digits + strings.ToUpper(unit) + "iB"
		}
		if unit == "" {
			bad.found += ", which has no unit"
		}
		return 0, bad
	}
	if n *= factor; n > 1<<60 {
		return 0, bad
	}
	return int64(n), nil
}

// parseDuration reads a duration; zero says whether 0 has a meaning.
func parseDuration(text string, zero bool, most time.Duration) (time.Duration, *misfit) {
	t := strings.TrimSpace(text)
	const form = "a duration with a unit such as 500ms, 30s, 2m or 1h30m"
	if n, err := strconv.ParseFloat(t, 64); err == nil && n > 0 && !strings.ContainsAny(t, "eEnNxX") {
		return 0, &misfit{found: quote(text) + ", which has no unit", expected: form, instead: t + "s"}
	}
	d, err := time.ParseDuration(t)
	switch {
	case err != nil:
		// "30 s", "30S", "30sec", "5min": a unit, but not as Go spells it.
		return 0, &misfit{found: quote(text), expected: form, instead: respell(t)}
	case d < 0:
		return 0, &misfit{found: quote(text), expected: "a duration that is not negative"}
	case d == 0 && !zero:
		return 0, &misfit{found: quote(text), expected: "a duration above 0, because every network operation has a limit"}
	case d > most:
		return 0, &misfit{found: quote(text), expected: "at most " + atMost(most)}
	}
	return d, nil
}

func atMost(d time.Duration) string {
	if d == maxDuration {
		return "a week"
	}
	return fmt.Sprintf("%d hours", int(d.Hours()))
}

// respell guesses the Go spelling of a duration; "" when it can't.
func respell(text string) string {
	t := strings.ToLower(strings.Join(strings.Fields(text), ""))
	for _, unit := range []struct{ long, short string }{
		{"milliseconds", "ms"}, {"millis", "ms"}, {"msec", "ms"},
		{"seconds", "s"}, {"second", "s"}, {"secs", "s"}, {"sec", "s"},
		{"minutes", "m"}, {"minute", "m"}, {"mins", "m"}, {"min", "m"},
		{"hours", "h"}, {"hour", "h"}, {"hrs", "h"}, {"hr", "h"},
	} {
		t = strings.ReplaceAll(t, unit.long, unit.short)
	}
	if d, err := time.ParseDuration(t); err != nil || d < 0 {
		return ""
	}
	return t
}

func parseChoice(text string, choices []string) (string, *misfit) {
	t := strings.TrimSpace(text)
	for _, c := range choices {
		if t == c {
			return c, nil
		}
	}
	return "", &misfit{found: quote(text), expected: list(choices), instead: Suggest(t, choices)}
}

// parseText checks the settings that are text: what they mean is found out by
// those who read them (goenv, worklist, the file system), but control
// characters are never meant.
func (s Setting) parseText(text string) (string, *misfit) {
	if s.Kind == List || s.Kind == Chain {
		return parseList(text)
	}
	text = strings.TrimSpace(text)
	if strings.ContainsFunc(text, unicode.IsControl) {
		return "", &misfit{found: quote(text), expected: "text without line breaks and control characters"}
	}
	if path, ok := pathIn(s, text); ok {
		if rest, ok := strings.CutPrefix(path, "~"); ok && (rest == "" || rest[0] == '/' || rest[0] == '\\') {
			return "", &misfit{
				found:    quote(text) + ", with a ~ that no shell has expanded",
				expected: "a path",
				advice:   "write the home directory in full",
			}
		}
	}
	return text, nil
}

// pathIn is the path that a value is or names; false when it names none.
func pathIn(s Setting, text string) (string, bool) {
	if s.Kind == Store {
		return strings.CutPrefix(text, "dir:")
	}
	return text, s.Kind == Dir || s.Kind == File
}

// parseList joins the elements of a list that may span lines, as a YAML block
// or a multi-line variable gives it: line breaks are separators, too, where
// none is written.
func parseList(text string) (string, *misfit) {
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if soFar := b.String(); soFar != "" && !strings.ContainsAny(soFar[len(soFar)-1:], ",|") && !strings.ContainsAny(line[:1], ",|") {
			b.WriteByte(',')
		}
		b.WriteString(line)
	}
	out := b.String()
	if strings.ContainsFunc(out, unicode.IsControl) {
		return "", &misfit{found: quote(out), expected: "a list without control characters"}
	}
	return out, nil
}

// JoinPatterns is one list of the patterns of several, each once. The word none,
// which stands for no pattern, is left only where nothing else is.
func JoinPatterns(lists ...string) string {
	var all []string
	none := ""
	for _, list := range lists {
		for p := range strings.SplitSeq(list, ",") {
			switch {
			case p == "none":
				none = p
			case p != "" && !slices.Contains(all, p):
				all = append(all, p)
			}
		}
	}
	if len(all) == 0 {
		return none
	}
	return strings.Join(all, ",")
}
