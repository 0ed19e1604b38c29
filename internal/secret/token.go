package secret

import "strings"

// What tells a token in a path from a word: so many characters, so many of them
// without a separator, and so many changes between letters and digits in these.
// "go-virtual-prod-2024" and "k8s-e2e-mirror-v2" are words.
const (
	tokenLength  = 16
	tokenRun     = 8
	tokenChanges = 3
)

// TokenLike reports whether a part of a path looks like a random token, and not
// like words.
func TokenLike(s string) bool {
	if len(s) < tokenLength {
		return false
	}
	changes := 0
	for run := range strings.FieldsFuncSeq(s, func(r rune) bool { return !letterOrDigit(r) }) {
		for i := 1; i < len(run) && len(run) >= tokenRun; i++ {
			if digit(run[i]) != digit(run[i-1]) {
				changes++
			}
		}
	}
	return changes >= tokenChanges
}

// PathToken returns where a token stands in what follows the "//" of a URL: as the
// first part of its path, where a relay takes one. Both are 0 for none.
func PathToken(rest string) (start, end int) {
	path := strings.IndexAny(rest, "/?#,|\"'<> \t\r\n")
	if path <= 0 {
		return 0, 0
	}
	part := strings.TrimLeft(rest[path:], "/")
	start = len(rest) - len(part)
	if n := strings.IndexFunc(part, func(r rune) bool { return !letterOrDigit(r) && !strings.ContainsRune("._~-", r) }); n >= 0 {
		part = part[:n]
	}
	if start == path || !TokenLike(part) {
		return 0, 0
	}
	return start, start + len(part)
}

// OfHTTP reports whether the text before a "//" ends in the scheme of a URL that may
// be a relay's.
func OfHTTP(before string) bool {
	before = strings.ToLower(before[max(0, len(before)-len("https:")):])
	return strings.HasSuffix(before, "http:") || before == "https:"
}

func letterOrDigit(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}

func digit(c byte) bool { return '0' <= c && c <= '9' }
