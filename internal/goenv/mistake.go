package goenv

import (
	pathpkg "path"
	"regexp"
	"strings"
	"unicode"
)

// mistake is a known way to write a GOPROXY entry wrongly.
type mistake struct {
	check string
	what  string // a clause about the entry, "has …"
}

// wideSeparators are what keyboards and copied texts give in place of the
// separators; they become the ones they stand for.
var wideSeparators = strings.NewReplacer("，", ",", "、", ",", "﹐", ",", "；", ",", "｜", "|")

// plusURL is the "+" of direct+https://h and https://a+https://b.
var plusURL = regexp.MustCompile(`\+(https?://)`)

// unexpanded is a variable or template that was meant to be replaced before
// the go command saw the value. A lone $ may belong to a password.
var unexpanded = regexp.MustCompile(`\$\{|\$\(|\{\{|^\$\w|^%\w+%$`)

// findMistake looks for a mistake in an element of a list, whether the go
// command refuses the element or takes it for a strange URL.
func findMistake(raw string) (mistake, bool) {
	switch {
	case unquote(raw) != raw:
		return mistake{"goproxy-quotes", "has quotes, which become part of the value"}, true
	case unexpanded.MatchString(raw):
		return mistake{"goproxy-unexpanded", "has an unexpanded variable in it"}, true
	case len(pieces(raw)) > 1:
		return mistake{"goproxy-list-separator", `has an invalid separator in it: only "," and "|" separate entries`}, true
	}
	return mistake{}, false
}

// unquote takes quotes off both ends; lists are cut first, so a quote may
// stand at one end only.
func unquote(s string) string { return strings.Trim(s, "\"'`“”‘’«»") }

func pieces(raw string) []string {
	raw = plusURL.ReplaceAllString(wideSeparators.Replace(raw), ",$1")
	fields := strings.FieldsFunc(raw, func(r rune) bool {
		return r == ',' || r == '|' || unicode.IsSpace(r)
	})
	var all []string
	for _, field := range fields {
		// A ";" may be part of a path: it separates where an entry follows.
		for {
			before, after, found := cutSemicolon(field)
			if before != "" {
				all = append(all, before)
			}
			if !found {
				break
			}
			field = after
		}
	}
	return all
}

// cutSemicolon cuts at the first ";" behind which nothing or an entry stands.
func cutSemicolon(s string) (before, after string, found bool) {
	for i := 0; i < len(s); i++ {
		if s[i] != ';' {
			continue
		}
		next, _, _ := strings.Cut(s[i+1:], ";")
		if next == "" || looksLikeEntry(next) {
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

func looksLikeEntry(s string) bool {
	host, _, _ := strings.Cut(s, "/")
	return keywordFor(s) != "" || strings.Contains(s, "://") || strings.Contains(host, ".")
}

// correctProxy is the list that the author of a faulty value most likely
// meant: every known mistake repaired, entries behind direct moved before it,
// entries behind off dropped (nobody can say whether they were to be used). It
// returns "" when that is not a list that the go command accepts and can use.
func correctProxy(list string) string {
	var chain Chain
	last := Entry{Kind: Mirror}
	list = strings.ReplaceAll(unquote(strings.TrimSpace(list)), "｜", "|")
	for _, el := range cutList(list) {
		parts := pieces(unquote(el.raw))
		for i, part := range parts {
			sep := Comma
			if i == len(parts)-1 && el.sep != End {
				sep = el.sep
			}
			part = correctEntry(part)
			entry, bad := parseEntry(element{raw: part, sep: sep})
			switch _, odd := findMistake(part); {
			case bad != nil || odd || entry.hostless():
				return ""
			case last.Kind == Off: // dropped
			case entry.Kind != Mirror:
				if last.Kind != Direct || entry.Kind == Direct {
					last = entry
				}
			default:
				chain = append(chain, Entry{URL: entry.text(), Sep: sep})
			}
		}
	}
	if last.Kind != Mirror {
		chain = append(chain, last)
	}
	for _, entry := range chain { // cleaning the path may have laid a mistake bare
		if _, odd := findMistake(entry.text()); odd {
			return ""
		}
	}
	return chain.String()
}

// correctEntry repairs one entry as far as its meaning is clear.
func correctEntry(raw string) string {
	raw = unquote(raw)
	if word := keywordFor(raw); word != "" {
		return word
	}
	if pathpkg.IsAbs(raw) {
		return "file://" + raw
	}
	scheme, rest, found := strings.Cut(raw, ":")
	if !found || !strings.HasPrefix(rest, "/") {
		return raw
	}
	rest = strings.TrimLeft(rest, "/")
	switch scheme = strings.ToLower(scheme); {
	case scheme == "file" && strings.Contains(rest, "@"):
		return raw // what stands before @ may be a password, and no directory
	case scheme == "file":
		return "file:///" + strings.TrimPrefix(rest, "localhost/")
	case scheme != "http" && distance(scheme, "https") <= 2:
		return "https://" + rest
	default:
		return scheme + "://" + rest
	}
}

// keywordFor returns the keyword that s is or was meant to be, else "".
func keywordFor(s string) string {
	lower := strings.ToLower(s)
	switch {
	case distance(lower, keywordDirect) <= 2:
		return keywordDirect
	case lower == "none" || lower == "disabled" || distance(lower, keywordOff) <= 1 && len(lower) >= 3:
		return keywordOff
	}
	return ""
}

func distance(a, b string) int {
	if len(a) > 16 || len(b) > 16 {
		return 16 // not words
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
