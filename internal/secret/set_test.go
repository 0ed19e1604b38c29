package secret_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/modferry/modferry/internal/secret"
)

// encodings are the ways in which a secret may come back.
var encodings = map[string]func(string) string{
	"as it is":          func(s string) string { return s },
	"in upper case":     strings.ToUpper,
	"in a query":        url.QueryEscape,
	"in a path":         url.PathEscape,
	"as userinfo":       func(s string) string { return url.User(s).String() },
	"percent, lower":    func(s string) string { return everyByte(s, "%%%02x") },
	"percent, upper":    func(s string) string { return everyByte(s, "%%%02X") },
	"percent, twice":    func(s string) string { return url.QueryEscape(everyByte(s, "%%%02X")) },
	"in HTML":           html.EscapeString,
	"entities":          func(s string) string { return everyRune(s, "&#%d;") },
	"entities, hex":     func(s string) string { return everyRune(s, "&#x%X;") },
	"in JSON":           func(s string) string { b, _ := json.Marshal(s); return string(b) },
	"JSON in JSON":      func(s string) string { b, _ := json.Marshal(s); c, _ := json.Marshal(string(b)); return string(c) },
	"JSON escapes":      func(s string) string { return everyRune(s, `\u%04x`) },
	"quoted by Go":      strconv.Quote,
	"quoted in ASCII":   strconv.QuoteToASCII,
	"C escapes":         func(s string) string { return everyByte(s, `\x%02x`) },
	"octal":             func(s string) string { return everyByte(s, `\%03o`) },
	"hexadecimal":       func(s string) string { return hex.EncodeToString([]byte(s)) },
	"hexadecimal, odd":  func(s string) string { return "a" + strings.ToUpper(hex.EncodeToString([]byte(s))) },
	"base64":            func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"invisible between": func(s string) string { return strings.Join(strings.Split(s, ""), "\u200b") },
	"line ends between": func(s string) string { return strings.Join(strings.Split(s, ""), "\r\n") },
}

func init() {
	for name, e := range map[string]*base64.Encoding{"std": base64.StdEncoding, "raw": base64.RawStdEncoding, "url": base64.URLEncoding, "raw url": base64.RawURLEncoding} {
		encodings["basic, "+name] = func(s string) string { return e.EncodeToString([]byte("login:" + s)) }
		for _, before := range []string{"", "x", "xy", "xyz"} {
			encodings["within base64, "+name+", after "+before] = func(s string) string { return e.EncodeToString([]byte(before + s + "\n")) }
		}
	}
	encodings["JSON in base64"] = func(s string) string {
		b, _ := json.Marshal(map[string]string{"auth": s})
		return base64.StdEncoding.EncodeToString(b)
	}
	encodings["base64 in a query"] = func(s string) string { return url.QueryEscape(base64.StdEncoding.EncodeToString([]byte("login:" + s))) }
}

func everyByte(s, format string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, format, s[i])
	}
	return b.String()
}

func everyRune(s, format string) string {
	var b strings.Builder
	for _, r := range s {
		fmt.Fprintf(&b, format, r)
	}
	return b.String()
}

// shows reports whether a text still shows a secret in an encoding: whole, or
// so much of it that the rest can be guessed.
func shows(text, encoded string) bool {
	part := max(8, len(encoded)/2)
	for i := 0; i+part <= len(encoded); i++ {
		if strings.Contains(text, encoded[i:i+part]) {
			return true
		}
	}
	return strings.Contains(text, encoded)
}

func TestHideEncodings(t *testing.T) {
	t.Parallel()
	for _, password := range []string{"MARKERPW9Q", "hunter22", "p@ss:w/rd?&#", `qu"o\te'<d>`, "two words", "пароль-мой", "100%sure+", "==//++==", "AbC_dEf-gHi.jKl~"} {
		var s secret.Set
		s.AddLogin("login", password)
		for name, encode := range encodings {
			encoded := encode(password)
			for _, around := range []string{"%s", "denied for %s today", "say('%s')", "a=%s;b", "/%s/", "user:%s@host", `{"k":%s}`} {
				text := fmt.Sprintf(around, encoded)
				if got := s.Hide(text); shows(got, strings.Trim(encoded, `"`)) || !strings.Contains(got, secret.Mask) {
					t.Errorf("%s: Hide(%q) = %q shows %q", name, text, got, password)
				} else if again := s.Hide(got); again != got {
					t.Errorf("%s: hiding once more makes %q of %q", name, again, got)
				}
			}
		}
	}
}

func TestHidingIsNarrow(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, login, password, in, want string }{
		{"the words around a secret stay", "u", "s3cr3t-w0rd", "wrong password 's3cr3t-w0rd' (HTTP 403)", "wrong password 'xxxxx' (HTTP 403)"},
		{"the login stays beside it", "alice", "s3cr3t-w0rd", "alice:s3cr3t-w0rd is wrong", "alice:xxxxx is wrong"},
		{"a basic authorization goes whole", "u", "s3cr3t-w0rd", "got Basic dTpzM2NyM3QtdzByZA== of you", "got Basic xxxxx of you"},
		{"a long secret is hidden within words", "u", "secret", "mysecrets", "myxxxxxs"},
		{"a short one as a word only", "u", "cat", "cat, concatenate, cat_1, a cat", "xxxxx, concatenate, cat_1, a xxxxx"},
		{"one shorter than a word stays by itself", "u", "a", "a path has a dot", "a path has a dot"},
		{"one shorter than a word is hidden beside its login", "u", "a", "denied for u:a at u:abc", "denied for u:xxxxx at u:abc"},
		{"and in a basic authorization", "u", "a", "denied for dTph", "denied for xxxxx"},
		{"a login without password is the secret", "tok-123456", "", "no tok-123456 here", "no xxxxx here"},
		{"as is one with the filler of GitHub", "tok-123456", "x-oauth-basic", "no tok-123456 here", "no xxxxx here"},
		{"one that is the mask changes nothing", "u", "xxxxx", "u:xxxxx@h", "u:xxxxx@h"},
		{"nothing to hide", "u", "s3cr3t-w0rd", "github.com/some/module@v1.2.3 h1:NqM8EUOU14njkJ3fqMW+pc6Ldnwhi/IjpwHt7yyuwOQ=", "github.com/some/module@v1.2.3 h1:NqM8EUOU14njkJ3fqMW+pc6Ldnwhi/IjpwHt7yyuwOQ="},
		{"bytes that are no text stay", "u", "s3cr3t-w0rd", "\xff\xfe s3cr3t-w0rd\x80", "\xff\xfe xxxxx\x80"},
		{"two in a row", "u", "s3cr3t-w0rd", "s3cr3t-w0rds3cr3t-w0rd", "xxxxxxxxxx"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var s secret.Set
			s.AddLogin(tt.login, tt.password)
			if got := s.Hide(tt.in); got != tt.want {
				t.Errorf("Hide(%q)\n got %q\nwant %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestAPartBeforeACutIsHidden(t *testing.T) {
	t.Parallel()
	const password = "s3cr3t-w0rd-of-length"
	var s secret.Set
	s.AddLogin("login", password)
	for name, encode := range encodings {
		encoded := encode(password)
		for _, n := range []int{len(encoded) - 1, len(encoded) / 2} {
			text := "denied for " + encoded[:n]
			if !utf8.ValidString(text) {
				continue
			}
			got := s.Hide(text + "…\" (403)")
			if !strings.HasSuffix(got, "…\" (403)") || !strings.HasPrefix(got, "denied for ") || len(got) > len("denied for …\" (403)")+30 {
				t.Errorf("%s: Hide(%q…) = %q", name, text, got)
			}
		}
	}
	if got := s.Hide("a word…, another word…"); got != "a word…, another word…" {
		t.Errorf("ordinary text became %q", got)
	}
}

func TestURLsAreLearned(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, echoed string }{
		{"a mirror of a list", "https://a.example.test,https://u:PLANTED9Q@b.example.test|direct", "PLANTED9Q"},
		{"a password that is percent-encoded", "https://u:PLANT%40ED9Q@b.example.test", "PLANT@ED9Q"},
		{"the same as it is written", "https://u:PLANT%40ED9Q@b.example.test", "PLANT%40ED9Q"},
		{"a password with a slash", "https://u:PLANT/ED9Q@b.example.test", "PLANT/ED9Q"},
		{"a password with an at sign", "https://u:PLANT@ED9Q@b.example.test", "PLANT@ED9Q"},
		{"a password with an at sign before a slash", "https://u:PLA@NT/ED9Q@b.example.test/x", "PLA@NT/ED9Q"},
		{"a token alone", "https://PLANTED9Q@b.example.test", "PLANTED9Q"},
		{"a forward proxy", "http://u:PLANTED9Q@proxy.example.test:3128/", "PLANTED9Q"},
		{"without a scheme", "//u:PLANTED9Q@b.example.test", "PLANTED9Q"},
		{"a signature in the query", "https://b.example.test/x?sv=1&sig=PLANT%2FED9Q%3D#f", "PLANT/ED9Q="},
		{"a token in the query", "https://b.example.test/x?access_token=PLANTED9Q", "PLANTED9Q"},
		{"a secret key in the query", "s3://b?secret_key=PLANTED9Q", "PLANTED9Q"},
		{"a secret key in one word", "s3://b?secretkey=PLANTED9Q", "PLANTED9Q"},
		{"an endpoint in a cache setting", "s3://bucket?endpoint=https://u:PLANTED9Q@b.example.test", "PLANTED9Q"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var s secret.Set
			s.AddURLs(tt.text)
			if got := s.Hide("wrong: " + tt.echoed); got != "wrong: xxxxx" {
				t.Errorf("after AddURLs(%q) Hide shows %q", tt.text, got)
			}
			if got := s.Hide("b.example.test says no"); got != "b.example.test says no" {
				t.Errorf("after AddURLs(%q) Hide hides the host: %q", tt.text, got)
			}
		})
	}
	var s secret.Set
	s.AddURLs("ssh://git@host.example.test/x https://proxy.example.test/a.test/b/@v/v1.0.0.info")
	if got := s.Hide("git clone, a.test/b/@v/v1.0.0.info"); got != "git clone, a.test/b/@v/v1.0.0.info" {
		t.Errorf("what is no credential was learned: %q", got)
	}
}

func TestEnvironmentIsLearned(t *testing.T) {
	t.Parallel()
	var s secret.Set
	s.AddEnviron([]string{"GITHUB_TOKEN=PLANTED1Q", "AWS_SECRET_ACCESS_KEY=PLANTED2Q", "HTTPS_PROXY=http://u:PLANTED3Q@p.example.test", "CI_JOB_TOKEN=PLANTED4Q\n", "Gh_Token=PLANTED7Q", "https_proxy=http://u:PLANTED5Q@p.example.test", "MODFERRY_PROXY=https://u:PLANTED6Q@p.example.test,direct", "HOME=/home/somebody", "CI_COMMIT_MESSAGE=see https://u:integrity@h", "BROKEN"})
	for _, planted := range []string{"PLANTED1Q", "PLANTED2Q", "PLANTED3Q", "PLANTED4Q", "PLANTED5Q", "PLANTED6Q", "PLANTED7Q"} {
		if got := s.Hide(planted); got != secret.Mask {
			t.Errorf("%s is shown: %q", planted, got)
		}
	}
	if got := s.Hide("/home/somebody: integrity"); got != "/home/somebody: integrity" {
		t.Errorf("an ordinary value is hidden: %q", got)
	}
}

func TestErrorKeepsWhatItWraps(t *testing.T) {
	t.Parallel()
	var s secret.Set
	s.Add("PLANTED9Q")
	err := s.Error(fmt.Errorf("the server says PLANTED9Q: %w", io.ErrUnexpectedEOF))
	if !errors.Is(err, io.ErrUnexpectedEOF) || err.Error() != "the server says xxxxx: unexpected EOF" {
		t.Errorf("got %v", err)
	}
	if s.Error(nil) != nil || s.Error(io.EOF) != io.EOF {
		t.Error("an error that shows nothing was replaced")
	}
}

func TestNilSetHidesNothing(t *testing.T) {
	t.Parallel()
	var s *secret.Set
	s.Add("PLANTED9Q")
	s.AddURLs("https://u:PLANTED9Q@b.example.test")
	if got := s.Hide("PLANTED9Q"); got != "PLANTED9Q" {
		t.Errorf("got %q", got)
	}
}

func TestSetIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	var s secret.Set
	var wg sync.WaitGroup
	for i := range 8 {
		planted := fmt.Sprintf("PLANTED%dQ", i)
		wg.Go(func() { s.Add(planted) })
		wg.Go(func() { s.Hide("some text with " + planted) })
	}
	wg.Wait()
	for i := range 8 {
		if got := s.Hide(fmt.Sprintf("PLANTED%dQ", i)); got != secret.Mask {
			t.Errorf("got %q", got)
		}
	}
}

func FuzzHide(f *testing.F) {
	f.Add("MARKERPW9Q", "denied for ", " today")
	f.Add("p@ss w%rd", "\\u00", "&#")
	f.Add("xxxxxx", "x", "x")
	f.Fuzz(func(t *testing.T, password, before, after string) {
		var s secret.Set
		s.AddLogin("login", password)
		text := before + password + after
		got := s.Hide(text)
		// What the fold drops is no part of a secret, and short ones need be words.
		if len(password) >= 6 && !strings.ContainsFunc(password, func(r rune) bool { return r <= ' ' || r > '~' }) && strings.Contains(got, password) && !strings.Contains(secret.Mask+before+after, password) && !strings.Contains(password, "xx") {
			t.Errorf("Hide(%q) = %q", text, got)
		}
	})
}
