package goenv

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/modferry/modferry/internal/finding"
)

// SplitFlags splits GOFLAGS as cmd/internal/quoted: Split does: at blanks, with
// single or double quotes around whole words and no escapes. Before a quote
// that does not end it stops and returns ok false.
func SplitFlags(s string) (words []string, ok bool) {
	const blanks = " \t\r\n"
	for {
		s = strings.TrimLeft(s, blanks)
		if s == "" {
			return words, true
		}
		if s[0] == '"' || s[0] == '\'' {
			word, rest, found := strings.Cut(s[1:], s[:1])
			if !found {
				return words, false
			}
			words, s = append(words, word), rest
			continue
		}
		end := strings.IndexAny(s, blanks)
		if end < 0 {
			end = len(s)
		}
		words, s = append(words, s[:end]), s[end:]
	}
}

// HasFlag reports whether GOFLAGS says something about a flag.
func HasFlag(goflags, name string) bool {
	return len(valuesOf(goflags, name)) > 0
}

// BoolFlag reports whether GOFLAGS sets a flag that takes no value, such as
// modcacherw. The last one of several wins.
func BoolFlag(goflags, name string) bool {
	values := valuesOf(goflags, name)
	if len(values) == 0 {
		return false
	}
	on, err := strconv.ParseBool(cmp.Or(values[len(values)-1], "true"))
	return err == nil && on
}

// valuesOf are the values that GOFLAGS gives a flag, "" where it is given none.
func valuesOf(goflags, name string) (values []string) {
	words, _ := SplitFlags(goflags)
	for _, word := range words {
		if n, value := flagValue(word); isFlag(word) && n == name {
			values = append(values, value)
		}
	}
	return values
}

// isFlag is the test of cmd/go base: InitGOFLAGS for the shape of a word.
func isFlag(word string) bool {
	return strings.HasPrefix(word, "-") && word != "-" && word != "--" &&
		!strings.HasPrefix(word, "---") && !strings.HasPrefix(word, "-=") && !strings.HasPrefix(word, "--=")
}

func flagValue(word string) (name, value string) {
	name, value, _ = strings.Cut(strings.TrimPrefix(strings.TrimPrefix(word, "-"), "-"), "=")
	return name, value
}

func (c *checker) flags() {
	value := c.env.Get("GOFLAGS")
	words, ok := SplitFlags(value)
	if !ok {
		c.add("goflags-syntax", finding.Error, "GOFLAGS", value,
			"A quotation mark is not closed, so every go command except go env fails with \"parsing $GOFLAGS: unterminated\".", "the value with the closing quotation mark")
	}
	for i, word := range words {
		if !isFlag(word) {
			c.add("goflags-syntax", finding.Error, "GOFLAGS", word,
				fmt.Sprintf("Every word must be a flag, so every go command except go env fails with \"parsing $GOFLAGS: non-flag %q\"; a flag and its value must be one word.", word),
				joinFlag(words, i))
			continue
		}
		switch name, arg := flagValue(word); name {
		case "mod":
			c.modFlag(words, i, arg)
		case "modfile":
			c.add("goflags-modfile", finding.Info, "GOFLAGS", word,
				"The go command reads this file instead of go.mod, and the .sum file next to it instead of go.sum.", "")
		case "insecure":
			c.add("goflags-insecure", finding.Info, "GOFLAGS", word,
				"The go command accepts the flag, but it has no effect.", "GOINSECURE for repositories, GONOSUMDB for private modules")
		default:
			if !slices.Contains(knownFlags, name) {
				c.unknownFlag(words, i, name)
			}
		}
	}
}

// unknownFlag tells of word i, a flag that none of the go command's commands has.
func (c *checker) unknownFlag(words []string, i int, name string) {
	severity := finding.Error
	if newerThanKnownFlags(c.env.Get("GOVERSION")) {
		severity = finding.Warning
	}
	c.add("goflags-syntax", severity, "GOFLAGS", words[i],
		fmt.Sprintf("No command of Go %s has this flag, so every go command except go env fails with \"parsing $GOFLAGS: unknown flag -%s\".", strings.TrimPrefix(knownFlagsOf, "go"), name),
		without(words, i))
}

func without(words []string, i int) string {
	return cmp.Or(strings.Join(slices.Delete(slices.Clone(words), i, i+1), " "), "an empty value")
}

// joinFlag is GOFLAGS with word i, which is no flag, made the value of the flag
// before it.
func joinFlag(words []string, i int) string {
	if i == 0 || !isFlag(words[i-1]) || strings.Contains(words[i-1], "=") {
		return without(words, i)
	}
	joined := slices.Clone(words)
	joined[i-1] += "=" + joined[i]
	return strings.Join(slices.Delete(joined, i, i+1), " ")
}

func (c *checker) modFlag(words []string, i int, arg string) {
	fix := without(words, i)
	workspace := c.env.Get("GOWORK") != "" && c.env.Get("GOWORK") != "auto" && c.env.Get("GOWORK") != keywordOff
	switch {
	case arg == "mod" && workspace:
		c.add("goflags-mod", finding.Error, "GOFLAGS", words[i],
			`A workspace allows only readonly and vendor, so the go command fails with "-mod may only be set to readonly or vendor when in workspace mode".`, fix)
	case arg == "mod":
		c.add("goflags-mod", finding.Warning, "GOFLAGS", words[i],
			"The go command may resolve, download and record other versions than those in go.mod and go.sum, instead of failing.", fix)
	case arg == "vendor":
		c.add("goflags-mod", finding.Info, "GOFLAGS", words[i],
			"The go command builds from vendor/ and downloads nothing; go.sum and the module cache are not used, and the contents of vendor/ are not verified.", "")
	case arg != "readonly" && arg != "":
		c.add("goflags-mod", finding.Error, "GOFLAGS", words[i],
			"The go command knows only mod, readonly and vendor, so every build fails with \"-mod=… not supported\".", fix)
	}
}
