package settings

import (
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/semver"
)

// mask stands where a secret stood. It is what net/url.URL.Redacted and so
// the go command print, which keeps our messages comparable with its own.
const mask = "xxxxx"

// maxPasses bounds the search for a fixed point in Redact. Text that needs a
// second pass is rare (one secret hidden inside another); none that needs a
// fourth is known.
const maxPasses = 8

// Redact returns s without the secrets it carries. It knows them by their shape;
// package secret hides by value those that were given. Every URL goes through
// it before it enters an error, a finding, a report or a progress line.
//
// Replaced are
//
//   - the userinfo of every URL anywhere in s, also in GOPROXY lists, in
//     malformed URLs and in entries that lack their scheme: "user:password@"
//     becomes "user:xxxxx@", a lone "token@" becomes "xxxxx@";
//   - what looks like a random token as the first part of the path of an http URL,
//     where a relay takes one (see secret.TokenLike);
//   - the values of query parameters that carry signatures or secrets;
//   - the values of Authorization and token headers, of password assignments
//     and of netrc lines;
//   - tokens of well-known shape wherever they stand.
//
// It leaves module@version, "/@v/" and "/@latest" alone, Windows paths, and the
// user of "git@host:path". Where a text can be
// read in two ways it takes the one that hides more. Redact is idempotent and
// accepts any string, valid UTF-8 or not.
func Redact(s string) string {
	for range maxPasses {
		next := redactOnce(s)
		if next == s {
			return s
		}
		s = next
	}
	return s
}

func redactOnce(s string) string {
	if strings.ContainsRune(s, '@') {
		s = redactWords(redactUserinfo(s))
	}
	if strings.Contains(s, "//") {
		s = redactPaths(s)
	}
	if strings.ContainsRune(s, '=') {
		s = redactParameters(s)
	}
	// Most texts hold none of these words, and looking for them costs a
	// hundredth of the patterns.
	lower := strings.ToLower(s)
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(lower, w) })
	}
	if has("%3a%2f%2f") {
		s = escapedUserinfo.ReplaceAllString(s, "${1}"+mask+"${2}")
	}
	if has("authorization") {
		s = authorization.ReplaceAllString(s, "${1}"+mask)
	}
	if has("bearer", "basic") {
		s = redactScheme(s)
	}
	if has("token", "-key", "cookie", "passw", "secret") {
		s = redactHeaders(s)
	}
	if has("login") {
		s = netrcLine.ReplaceAllString(s, "${1}"+mask)
	}
	if has("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "xox", "akia", "asia", "eyj", "gl") {
		s = tokenShape.ReplaceAllString(s, mask)
	}
	return s
}

// The patterns are compiled once and never written again.
var (
	// A URL carried percent-encoded in another one: https%3A%2F%2Fu%3Ap%40host.
	escapedUserinfo = regexp.MustCompile(`(?i)(%3A%2F%2F)(?:[^\s"'<>&%/?#]|%[013-9A-F][0-9A-F]|%2[0-9A-E])+(%40)`)

	// name=value, where name ends in a word that means secret. The short names
	// mean something else in prose ("key=go.sum"), so they count only as
	// parameters of a query.
	parameter = regexp.MustCompile(`(?i)(?:[?&;](?:sig|key|code|auth|pass|pwd|awsaccesskeyid|googleaccessid)|` +
		`[\w.%-]*(?:token|password|passwd|secret|signature|credentials?|api[-_]?key|(?:access|private|secret)[-_]?key))=`)

	authorization = regexp.MustCompile(`(?i)(authorization["']?\s*[:=]\s*["'\[]*(?:(?:bearer|basic|token|digest|negotiate)\s+)?)[^\s"'\]]+`)
	scheme        = regexp.MustCompile(`(?i)\b(bearer|basic)[ \t]+([A-Za-z0-9._~+/=-]+)`)

	// "private-token: v" as in a header, "password: v" as in YAML. "token: v"
	// counts only at the start of a line, since parsers speak of tokens, too.
	secretHeader = regexp.MustCompile(`(?im)((?:[\w-]+-(?:token|key)|cookie|[\w-]*password|[\w-]*passwd|[\w-]*secret|^[ \t]*(?:\d+[ \t]*\|)?[ \t]*[\w-]*token)["']?:[ \t]*["'\[]*)[^\s"'\]]+`)
	netrcLine    = regexp.MustCompile(`(?i)(\blogin\s+\S+\s+password\s+)\S+`)

	// GitHub, GitLab, Slack and AWS tokens, and JSON web tokens.
	tokenShape = regexp.MustCompile(`\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_[A-Za-z0-9_]{20,}|\bgl[a-z]{2,6}-[A-Za-z0-9_-]{20,}|\bxox[abprs]-[A-Za-z0-9-]{10,}|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+`)
)

// redactUserinfo hides the userinfo that follows a "//".
func redactUserinfo(s string) string {
	var b strings.Builder
	for {
		i := strings.Index(s, "//")
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		afterColon := i > 0 && s[i-1] == ':'
		i += len("//")
		b.WriteString(s[:i])
		s = s[i:]
		if n := userinfoLen(s, afterColon); n > 0 {
			b.WriteString(maskUserinfo(s[:n]))
			s = s[n:]
		}
	}
}

// userinfoLen returns how many bytes at the start of s are userinfo, that is
// the position of the '@' that ends it, or 0 when there is none. isURL says
// that s follows "://" and not merely "//".
func userinfoLen(s string, isURL bool) int {
	// Only these bytes end an authority for sure. Quotes, commas, brackets and
	// '@' itself are legal or at least customary in passwords.
	end := strings.IndexFunc(s, func(r rune) bool {
		return strings.ContainsRune("/?#\\\"`<> \t\r\n", r)
	})
	if end < 0 {
		end = len(s)
	}
	word := s[:wordLen(s)]
	if i := strings.LastIndexByte(s[:end], '@'); i >= 0 {
		switch user, password, _ := strings.Cut(s[:i], ":"); {
		case isURL && publicUser[user] && password == "":
			return i
		case isURL:
			return max(i, lastCredentialAt(word)) // a password may hold both '@' and '/'
		case strings.IndexByte(s[:i], ':') >= 0 || credentialAt(s, i):
			return i
		}
		return 0
	}
	if !isURL || end == len(s) {
		return 0
	}

	// No '@' in the authority. A password with an unescaped '/', '#', '?', quote
	// or space ends up here; its first part stands where a port should, and may
	// look like one.
	line := s
	if i := strings.IndexAny(line, "\r\n"); i >= 0 {
		line = line[:i]
	}
	if i := strings.LastIndexByte(s[:end], ':'); i >= 0 {
		if at := lastCredentialAt(word); at > 0 {
			return at
		}
		for at := range len(line) {
			if !isDigits(s[i+1:end]) && line[at] == '@' && credentialAt(line, at) {
				return at
			}
		}
		return 0
	}
	if s[end] == '#' || s[end] == '?' {
		if at := lastCredentialAt(word); at > end && !strings.Contains(s[end:at], "=") {
			return at
		}
	}
	return 0
}

// wordLen returns where the URL at the start of s ends at the latest: at a blank,
// a quote, or where the next entry of a list begins.
func wordLen(s string) int {
	for i := range len(s) {
		switch s[i] {
		case ' ', '\t', '\r', '\n', '"':
			return i
		case ',', '|':
			if listEntry.MatchString(s[i+1:]) {
				return i
			}
		}
	}
	return len(s)
}

// publicUser are the users by whom everybody speaks to version control over ssh.
var publicUser = map[string]bool{"git": true, "hg": true}

// placeholder is how our texts say where credentials are to be written.
const placeholder = "USER:PASSWORD"

// maskUserinfo hides the secret of "user:password" or "token". A user without
// a password, or with the filler that GitHub documents, is itself the token.
func maskUserinfo(userinfo string) string {
	user, password, ok := strings.Cut(userinfo, ":")
	if publicUser[user] && password == "" || userinfo == placeholder {
		return userinfo
	}
	if !ok || password == "" || password == "x-oauth-basic" || strings.Contains(user, "@") { // which may end a token
		return mask
	}
	return user + ":" + mask
}

// redactWords hides the userinfo of entries without a scheme: "u:p@host/x",
// "tok@host.example/x", "https:/u:p@host".
func redactWords(s string) string {
	const delimiters = " \t\r\n\"'`<>()[]{}"
	var b strings.Builder
	for len(s) > 0 {
		n := strings.IndexAny(s, delimiters)
		switch n {
		case 0:
			b.WriteByte(s[0])
			s = s[1:]
			continue
		case -1:
			n = len(s)
		}
		b.WriteString(redactWord(s[:n]))
		s = s[n:]
	}
	return b.String()
}

func redactWord(word string) string {
	if strings.IndexByte(word, '@') < 0 {
		return word
	}
	// The userinfo after each "://" is hidden already. What may still hide one
	// is the text before the first, and the list entries after a whole URL.
	parts := strings.Split(word, "://")
	parts[0] = redactEntry(parts[0])
	for i, part := range parts[1:] {
		path := strings.IndexAny(part, "/?#")
		if path < 0 {
			path = strings.LastIndexByte(part, '@') + 1
		}
		if sep := strings.IndexAny(part[path:], ",|"); sep >= 0 {
			sep += path + 1
			parts[i+1] = part[:sep] + redactEntry(part[sep:])
		}
	}
	return strings.Join(parts, "://")
}

func redactEntry(entry string) string {
	at := lastCredentialAt(entry)
	if at <= 0 {
		return entry
	}
	userinfo, host := entry[:at], entry[at+1:]
	if isWindowsPath(userinfo, host) {
		return entry
	}
	colon := strings.IndexByte(userinfo, ':')
	if colon >= 0 && strings.IndexByte(userinfo[:colon], '@') < 0 {
		return userinfo[:colon+1] + mask + entry[at:]
	}
	// A lone word before '@' is a token only before what looks like a host.
	if i := strings.IndexAny(host, "/,|?#"); i >= 0 {
		host = host[:i]
	}
	start := strings.LastIndexAny(userinfo, ",|=;") + 1
	path := strings.Contains(userinfo, "/") || strings.HasPrefix(userinfo, `\\`)
	if strings.ContainsAny(host, ".:") && !path && !publicUser[userinfo[start:]] {
		return userinfo[:start] + mask + entry[at:]
	}
	return entry
}

var (
	// windowsRoot is how an absolute or relative path of Windows begins, by itself
	// or as the value of a variable.
	windowsRoot = regexp.MustCompile(`^(?:[A-Za-z_]\w*=)?(?:[A-Za-z]:[\\/]|\\\\|\.\.?\\)[^:,|=;"]*$`)

	// versioned is how the name of a module's directory goes on behind the '@',
	// whatever the go command hangs on, as in "m@v1.0.0.tmp-123".
	versioned = regexp.MustCompile(`^v\d+\.\d+\.\d+`)
)

// isWindowsPath reports whether the text before an '@' and that behind it are one
// path of Windows: C:\go\pkg\mod\example.test\m@v1.0.0.tmp-123 or
// C:\Users\me@corp.example\go. Behind a blank in the name of a directory only the
// rest of a path stands here. A version, or backslashes on both sides, tell a
// path from a user of one letter with a password.
func isWindowsPath(before, after string) bool {
	if versioned.MatchString(after) && strings.Contains(before, `\`) && !strings.ContainsAny(before, ":,|=;") {
		return true
	}
	return windowsRoot.MatchString(before) &&
		(versioned.MatchString(after) || strings.Contains(before, `\`) && strings.Contains(after, `\`) ||
			strings.HasSuffix(before, `\`) && strings.TrimRight(after, `:"`) == "v") // of the protocol
}

// lastCredentialAt returns the position of the last '@' in s that can end
// userinfo, or -1.
func lastCredentialAt(s string) int {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == '@' && credentialAt(s, i) {
			return i
		}
	}
	return -1
}

// besideModule is what the go command adds to the name of a module's directory
// or zip for files that it keeps beside it.
var besideModule = regexp.MustCompile(`\.(?:tmp-\d+|lock|partial|zip|ziphash|mod|info)$`)

// credentialAt reports whether the '@' at s[i] can end userinfo: it does not
// when it belongs to module@version or to "/@v/" and "/@latest" of the GOPROXY
// protocol.
func credentialAt(s string, i int) bool {
	rest := s[i+1:]
	if end := strings.IndexAny(rest, " \t\r\n\"'`<>()[]{}/\\,|:;?#@&"); end >= 0 {
		rest = rest[:end]
	}
	rest = besideModule.ReplaceAllString(strings.TrimRight(rest, "."), "")
	rest = strings.ReplaceAll(rest, "!", "") // before what was a capital letter
	if i > 0 && s[i-1] == '/' && (rest == "v" || rest == "latest") {
		return false
	}
	return rest != "latest" && !semver.IsValid(rest) && !semver.IsValid("v"+rest)
}

// redactParameters hides the values of name=value where the name says secret.
func redactParameters(s string) string {
	var b strings.Builder
	for {
		loc := parameter.FindStringIndex(s)
		if loc == nil {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:loc[1]])
		s = s[loc[1]:]
		if s != "" && (s[0] == '"' || s[0] == '\'') {
			b.WriteByte(s[0])
			s = s[1:]
		}
		if n := valueLen(s); n > 0 {
			b.WriteString(mask)
			s = s[n:]
		}
	}
}

// valueLen returns the length of the parameter value at the start of s. A
// comma or bar ends it only when a list entry follows.
func valueLen(s string) int {
	for i := range len(s) {
		switch s[i] {
		case '&', ';', '#', ' ', '\t', '\r', '\n', '"', '\'', '`', '<', '>':
			return i
		case ',', '|':
			if listEntry.MatchString(s[i+1:]) {
				return i
			}
		}
	}
	return len(s)
}

var listEntry = regexp.MustCompile(`^\s*(?:direct|off|[A-Za-z][A-Za-z0-9+.-]*:/)`)

func isDigits(s string) bool {
	return strings.Trim(s, "0123456789") == ""
}
