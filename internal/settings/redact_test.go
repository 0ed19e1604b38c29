package settings_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/settings"
)

func TestRedact(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		in   string
		want string
	}{
		// Userinfo of URLs.
		{"hides the password and keeps the user, as the go command does", "https://u:p@proxy.example.test/x", "https://u:xxxxx@proxy.example.test/x"},
		{"hides a lone user, which is a token", "https://tok@proxy.example.test", "https://xxxxx@proxy.example.test"},
		{"hides a user with an empty password, which is a token", "https://tok:@proxy.example.test", "https://xxxxx@proxy.example.test"},
		{"hides the user before the filler that GitHub documents", "https://tok:x-oauth-basic@git.example.test", "https://xxxxx@git.example.test"},
		{"hides a password after an empty user", "https://:p@proxy.example.test", "https://:xxxxx@proxy.example.test"},
		{"hides a password that contains @", "https://u:p@ss@proxy.example.test", "https://u:xxxxx@proxy.example.test"},
		{"hides a password that contains :", "https://u:p:q@proxy.example.test", "https://u:xxxxx@proxy.example.test"},
		{"hides a percent-encoded password", "https://u:p%40%2Fq@proxy.example.test", "https://u:xxxxx@proxy.example.test"},
		{"hides a password that contains a comma", "https://u:p,q@proxy.example.test", "https://u:xxxxx@proxy.example.test"},
		{"hides a password that contains a bar", "https://u:p|q@proxy.example.test", "https://u:xxxxx@proxy.example.test"},
		{"hides a password with an unescaped slash", "https://u:p/q@proxy.example.test/x", "https://u:xxxxx@proxy.example.test/x"},
		{"hides a password with an unescaped number sign", "https://u:12#34@proxy.example.test/x", "https://u:xxxxx@proxy.example.test/x"},
		{"hides a password with an unescaped question mark", "https://u:12?34@proxy.example.test/x", "https://u:xxxxx@proxy.example.test/x"},
		{"hides a password with a quote", `https://u:p"q@proxy.example.test/x`, `https://u:xxxxx@proxy.example.test/x`},
		{"hides a password with a space", "https://u:my pass@proxy.example.test/x", "https://u:xxxxx@proxy.example.test/x"},
		{"hides a password before a bad escape", "https://u:p%zz@proxy.example.test", "https://u:xxxxx@proxy.example.test"},
		{"hides a password before a bad port", "https://u:p@proxy.example.test:port/x", "https://u:xxxxx@proxy.example.test:port/x"},
		{"hides the userinfo of any scheme", "s3://id:key@bucket/prefix", "s3://id:xxxxx@bucket/prefix"},
		{"hides the userinfo of an unknown scheme", "htp+x://u:p@h", "htp+x://u:xxxxx@h"},
		{"hides the userinfo without a scheme but with slashes", "//u:p@proxy.example.test", "//u:xxxxx@proxy.example.test"},
		{"hides the userinfo after a single slash", "https:/u:p@proxy.example.test", "https:xxxxx@proxy.example.test"},
		{"hides the userinfo of an IPv6 host", "http://u:p@[::1]:8080/x", "http://u:xxxxx@[::1]:8080/x"},
		{"hides the userinfo of a URL quoted in an error", `Get "https://u:p@proxy.example.test/@v/list": EOF`, `Get "https://u:xxxxx@proxy.example.test/@v/list": EOF`},
		{"hides the userinfo of a URL inside a percent-encoded parameter", "https://h.example.test/?u=https%3A%2F%2Fu%3Ap%40x.example.test", "https://h.example.test/?u=https%3A%2F%2Fxxxxx%40x.example.test"},
		{"hides the userinfo of JSON-escaped slashes", `https:\/\/u:p@proxy.example.test`, `https:xxxxx@proxy.example.test`},

		{"hides a password with @ before a slash", "https://ci:Wrong@LEAKpw/12@localhost:18443/auth", "https://ci:xxxxx@localhost:18443/auth"},
		{"hides a password with @ before a number sign", "http://fw:FwP@ss/w#rd88@127.0.0.1:18888", "http://fw:xxxxx@127.0.0.1:18888"},
		{"hides a password with everything in it", "https://ci:S3c@ret/Pas#s%zz@localhost:1/x", "https://ci:xxxxx@localhost:1/x"},
		{"hides a password that begins with a slash", "https://ci:/LEAKrr@localhost:18443/auth", "https://ci:xxxxx@localhost:18443/auth"},
		{"hides a password of digits before a slash", "https://ci:12/34@localhost:18443/auth", "https://ci:xxxxx@localhost:18443/auth"},
		{"hides a token with @ before a slash", "https://to@k/en@localhost/auth", "https://xxxxx@localhost/auth"},
		{"hides a token before another @ and a colon", "https://tok@h.test:80/x@y", "https://xxxxx@y"},
		{"hides a password with @ and keeps the entry behind it", "https://u:p@q/r@h/x,https://v:p@q/r@k|direct", "https://u:xxxxx@h/x,https://v:xxxxx@k|direct"},
		{"hides userinfo and keeps the protocol's paths", "https://u:p@h/a.test/m/@v/v1.0.0.zip", "https://u:xxxxx@h/a.test/m/@v/v1.0.0.zip"},
		{"hides userinfo and keeps module@version", "https://u:p@h/lookup/a.test/m@v1.0.0", "https://u:xxxxx@h/lookup/a.test/m@v1.0.0"},
		{"keeps a version of the protocol's writing behind a port", "https://h:8443/lookup/a.test/m@v1.0.0-!r!c1", "https://h:8443/lookup/a.test/m@v1.0.0-!r!c1"},
		{"keeps a path with @ where no userinfo is", "https://h.example.test/@scope/m@branch", "https://h.example.test/@scope/m@branch"},

		// Tokens of relays.
		{"hides the token of a relay in a list", "https://localhost:1/RelayTok3nXYZ12345,http://h/3f9a1c07be52d84466e0917ac3d5f8b2/x|direct", "https://localhost:1/xxxxx,http://h/xxxxx/x|direct"},
		{"hides the token of a relay behind userinfo", "https://u:p@h/RelayTok3nXYZ12345", "https://u:xxxxx@h/xxxxx"},
		{"hides the token of a relay in an error", `Get "HTTPS://h:1//RelayTok3nXYZ12345/a.test/m/@v/list": EOF`, `Get "HTTPS://h:1//xxxxx/a.test/m/@v/list": EOF`},
		{"hides the token of a relay in another URL", "https://h/https://k/RelayTok3nXYZ12345", "https://h/https://k/xxxxx"},
		{"keeps paths of other mirrors", "https://h.test/artifactory/api/go/go-virtual-prod,https://h.test/team1-go2-virtual-prod3/x", "https://h.test/artifactory/api/go/go-virtual-prod,https://h.test/team1-go2-virtual-prod3/x"},
		{"keeps a pseudo-version in a URL", "https://h/a.test/m/@v/v0.0.0-20240101000000-a1b2c3d4e5f6.zip", "https://h/a.test/m/@v/v0.0.0-20240101000000-a1b2c3d4e5f6.zip"},
		{"keeps names in a store", "s3://bucket/3f9a1c07be52d84466e0", "s3://bucket/3f9a1c07be52d84466e0"},

		// Lists and entries without a scheme.
		{"hides every entry of a list", "https://a:b@h1.example.test|https://c:d@h2.example.test,direct", "https://a:xxxxx@h1.example.test|https://c:xxxxx@h2.example.test,direct"},
		{"keeps the other entries of a list", "a|https://u:p@h,direct", "a|https://u:xxxxx@h,direct"},
		{"hides an entry without a scheme", "u:p@host/x", "u:xxxxx@host/x"},
		{"hides an entry without a scheme after others", "https://h.example.test/x,u:p@host/x", "https://h.example.test/x,u:xxxxx@host/x"},
		{"hides an entry without a scheme before others", "u:p@h1,https://u:p@h2", "u:xxxxx@h1,https://u:xxxxx@h2"},
		{"hides a slash in the password of an entry without a scheme", "u:p/w@host.example.test", "u:xxxxx@host.example.test"},
		{"hides a lone token before a host", "tok@proxy.example.test/x", "xxxxx@proxy.example.test/x"},
		{"hides a lone token in a list", "direct,tok@proxy.example.test", "direct,xxxxx@proxy.example.test"},
		{"hides a lone token after an assignment", "GOPROXY=tok@localhost:8080", "GOPROXY=xxxxx@localhost:8080"},

		{"hides an entry after a Windows path in a list, and what could be one with it", `C:\mod,u:p@host.example.test`, `C:xxxxx@host.example.test`},
		{"hides a password of a user with one letter", "C:pass@host.example.test", "C:xxxxx@host.example.test"},
		{"hides a password with a slash of a user with one letter", "u:/w@host.example.test", "u:xxxxx@host.example.test"},
		{"hides the password of a user named git", "https://git:tok@git.example.test/x", "https://git:xxxxx@git.example.test/x"},
		// Paths of Windows: its drives are no users.
		{"keeps a directory of the module cache on Windows", `rename C:\Users\x\go\pkg\mod\a.test\m@v1.0.0.tmp-12 C:\Users\x\go\pkg\mod\a.test\m@v1.0.0: Access is denied.`, `rename C:\Users\x\go\pkg\mod\a.test\m@v1.0.0.tmp-12 C:\Users\x\go\pkg\mod\a.test\m@v1.0.0: Access is denied.`},
		{"keeps a path of Windows with slashes", `C:/go/pkg/mod/a.test/m@v1.0.0.tmp-12`, `C:/go/pkg/mod/a.test/m@v1.0.0.tmp-12`},
		{"keeps a path of Windows with a user's address in it", `open C:\Users\me@corp.test\go\pkg\mod\a.test\m@v1.0.0\x.go: x`, `open C:\Users\me@corp.test\go\pkg\mod\a.test\m@v1.0.0\x.go: x`},
		{"keeps a path of Windows with a blank in it", `C:\Users\A B\go\pkg\mod\a.test\m@v1.0.0.tmp-12\x.go`, `C:\Users\A B\go\pkg\mod\a.test\m@v1.0.0.tmp-12\x.go`},
		{"keeps a path of a Windows share", `\\srv\share\mod\a.test\m@v1.0.0.tmp-12`, `\\srv\share\mod\a.test\m@v1.0.0.tmp-12`},
		{"keeps a path of Windows behind a variable", `GOMODCACHE=C:\mod\a.test\m@v1.0.0.tmp-12`, `GOMODCACHE=C:\mod\a.test\m@v1.0.0.tmp-12`},
		{"hides the password of a user of one letter", `u:\p@host.example.test/x`, `u:xxxxx@host.example.test/x`},
		{"hides a password with backslashes", `u:\p@s\s@host.example.test/x`, `u:xxxxx@host.example.test/x`},
		{"hides a token behind a path of Windows in a list", `C:\a@v1.0.0.x,u:p@host.example.test`, `C:xxxxx@host.example.test`},
		{"hides the password before a host like a version", `user:pa\ss@v1.2.3.example.test`, `user:xxxxx@v1.2.3.example.test`},

		// What must stay readable.
		{"keeps a module's directory on Windows", `open C:\Users\jo\go\pkg\mod\a.test\b@v1.0.0: denied`, `open C:\Users\jo\go\pkg\mod\a.test\b@v1.0.0: denied`},
		{"keeps a directory that the go command is about to rename", `rename C:\mod\b@v1.0.0.tmp-123456789 C:\mod\b@v1.0.0`, `rename C:\mod\b@v1.0.0.tmp-123456789 C:\mod\b@v1.0.0`},
		{"keeps a Windows path with slashes", "D:/a/_temp/mod/b@v1.0.0.tmp-1/x.go:1:2", "D:/a/_temp/mod/b@v1.0.0.tmp-1/x.go:1:2"},
		{"keeps a Windows path in quotes", `"C:\\mod\\b@v1.0.0.tmp-1"`, `"C:\\mod\\b@v1.0.0.tmp-1"`},
		{"keeps a Windows path with a domain", `C:\Users\jo@corp.example.test\go\b`, `C:\Users\jo@corp.example.test\go\b`},
		{"keeps the protocol's directories on Windows", `D:\mod\cache\download\b\@v\v1.0.0.info`, `D:\mod\cache\download\b\@v\v1.0.0.info`},
		{"keeps a directory of the protocol on Windows", `mkdir D:\mod\cache\download\b\@v: disk full`, `mkdir D:\mod\cache\download\b\@v: disk full`},
		{"keeps a share", `\\server\share\b@v1.0.0.lock`, `\\server\share\b@v1.0.0.lock`},
		{"keeps a long Windows path", `\\?\C:\mod\b@v1.0.0.zip`, `\\?\C:\mod\b@v1.0.0.zip`},
		{"keeps the user of a git remote", "git@git.example.test:org/repo.git", "git@git.example.test:org/repo.git"},
		{"keeps the user of a git URL", "ssh://git@git.example.test/org/repo", "ssh://git@git.example.test/org/repo"},
		{"keeps the file beside a module on Unix", "/mod/b@v1.0.0.tmp-1: busy", "/mod/b@v1.0.0.tmp-1: busy"},
		{"keeps a plain URL", "https://proxy.example.test:8443/go/", "https://proxy.example.test:8443/go/"},
		{"keeps the protocol's paths", "https://proxy.example.test/rsc.io/quote/@v/v1.5.2.zip", "https://proxy.example.test/rsc.io/quote/@v/v1.5.2.zip"},
		{"keeps the protocol's latest", "http://127.0.0.1:8080/rsc.io/quote/@latest", "http://127.0.0.1:8080/rsc.io/quote/@latest"},
		{"keeps the protocol's paths behind a bad port", "https://h:80a/quote/@v/list", "https://h:80a/quote/@v/list"},
		{"keeps module@version", "rsc.io/quote@v1.5.2: reading", "rsc.io/quote@v1.5.2: reading"},
		{"keeps module@version after a position", "go.sum:12:golang.org/x/text@v0.3.0", "go.sum:12:golang.org/x/text@v0.3.0"},
		{"keeps module@version without slash after a position", "go.mod:3:quote@v1.5.2+incompatible", "go.mod:3:quote@v1.5.2+incompatible"},
		{"keeps module@version as a directory", "/tmp/x:rsc.io/quote@v1.5.2/go.mod", "/tmp/x:rsc.io/quote@v1.5.2/go.mod"},
		{"keeps a pseudo-version", "toolchain: a.test/b@v0.0.0-20240101000000-abcdefabcdef", "toolchain: a.test/b@v0.0.0-20240101000000-abcdefabcdef"},
		{"keeps module@latest", "go install:a.test/b@latest", "go install:a.test/b@latest"},
		{"keeps a verifier key", "sum.example.test+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8", "sum.example.test+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"},
		{"keeps a hash", "h1:w5fcysjrx7yqtD/aO+QwRjYZOKnaM9Uh2b40tElTs3Q=", "h1:w5fcysjrx7yqtD/aO+QwRjYZOKnaM9Uh2b40tElTs3Q="},
		{"keeps prose about basic authentication", "basic authentication is required", "basic authentication is required"},
		{"keeps prose about bearer tokens", "a bearer token was refused", "a bearer token was refused"},
		{"keeps a challenge's realm", `Bearer realm="https://auth.example.test/"`, `Bearer realm="https://auth.example.test/"`},
		{"keeps a cache key in prose", "restored key=go.sum-1f2e", "restored key=go.sum-1f2e"},
		{"keeps a parser's token message", "yaml: unexpected token: colon", "yaml: unexpected token: colon"},
		{"keeps a harmless query", "https://h.example.test/x?go-get=1&se=2024", "https://h.example.test/x?go-get=1&se=2024"},
		{"keeps an empty string", "", ""},
		{"keeps a lone at sign", "@", "@"},

		// Parameters.
		{"hides an Azure signature", "https://b.example.test/x?sv=1&sig=abc%2Bd%3D&se=2024", "https://b.example.test/x?sv=1&sig=xxxxx&se=2024"},
		{"hides the parameters of a signed S3 URL", "https://s.example.test/k?X-Amz-Credential=AK%2F1&X-Amz-Date=2&X-Amz-Security-Token=tt&X-Amz-Signature=ff", "https://s.example.test/k?X-Amz-Credential=xxxxx&X-Amz-Date=2&X-Amz-Security-Token=xxxxx&X-Amz-Signature=xxxxx"},
		{"hides the parameters of a signed Google URL", "https://s.example.test/k?GoogleAccessId=a&Expires=1&Signature=zz", "https://s.example.test/k?GoogleAccessId=xxxxx&Expires=1&Signature=xxxxx"},
		{"hides tokens whatever their case", "https://h/x?Access_Token=a&TOKEN=b&private_token=c", "https://h/x?Access_Token=xxxxx&TOKEN=xxxxx&private_token=xxxxx"},
		{"hides passwords and keys", "https://h/x?password=a&key=b&api_key=c", "https://h/x?password=xxxxx&key=xxxxx&api_key=xxxxx"},
		{"hides secret keys in each writing", "s3://b/p?endpoint=http://h:1&secret_key=a&secretkey=b&secret-key=c&accesskey=d&secret_access_key=e&x=f", "s3://b/p?endpoint=http://h:1&secret_key=xxxxx&secretkey=xxxxx&secret-key=xxxxx&accesskey=xxxxx&secret_access_key=xxxxx&x=f"},
		{"hides a value with a comma", "https://h/x?token=a,b", "https://h/x?token=xxxxx"},
		{"keeps the list entry after a value", "https://h/x?token=a,direct", "https://h/x?token=xxxxx,direct"},
		{"keeps the URL after a value", "https://h/x?token=a|https://k", "https://h/x?token=xxxxx|https://k"},
		{"hides an assignment in the environment", "MODFERRY_TOKEN=abc other", "MODFERRY_TOKEN=xxxxx other"},
		{"hides a quoted assignment", `token="abc" x`, `token="xxxxx" x`},
		{"hides both userinfo and parameters", "https://u:p@h/x?sig=1", "https://u:xxxxx@h/x?sig=xxxxx"},

		// Headers, netrc, tokens of known shape.
		{"hides a bearer value", "Authorization: Bearer abc.def", "Authorization: Bearer xxxxx"},
		{"hides a basic value", "Authorization: Basic dTpw", "Authorization: Basic xxxxx"},
		{"hides a proxy authorization", "Proxy-Authorization: Basic dTpw", "Proxy-Authorization: Basic xxxxx"},
		{"hides an authorization in a printed map", "map[Authorization:[Bearer abc]]", "map[Authorization:[Bearer xxxxx]]"},
		{"hides an authorization without a scheme", "authorization: abc", "authorization: xxxxx"},
		{"hides a bearer value outside a header", "sent bearer abcdef", "sent bearer xxxxx"},
		{"hides a basic value outside a header", "sent basic dTpwYXNz", "sent basic xxxxx"},
		{"hides token headers", "Private-Token: abc\nX-Api-Key: def", "Private-Token: xxxxx\nX-Api-Key: xxxxx"},
		{"hides a token in a configuration excerpt", "   3 |   token: abc", "   3 |   token: xxxxx"},
		{"hides a password in a configuration", "password: 'abc'", "password: 'xxxxx'"},
		{"hides a key in YAML and in a header", "tls-key: open\nX-Api-Key: found", "tls-key: xxxxx\nX-Api-Key: xxxxx"},
		{"hides a token in the variables of a pipeline", "  MODFERRY_RELAY_TOKEN: found", "  MODFERRY_RELAY_TOKEN: xxxxx"},
		{"hides a password at the end of a path", "db/password: abc", "db/password: xxxxx"},
		{"hides the password before a placeholder", "http://USER:PASSWORD@1@HOST", "http://USER:xxxxx@HOST"},
		{"keeps what is said of a flag", "--tls-cert, --tls-key: open /x.pem, --tls-key: tls: no key", "--tls-cert, --tls-key: open /x.pem, --tls-key: tls: no key"},
		{"keeps what is said of a variable", "MODFERRY_RELAY_TOKEN: found a token of 1 characters", "MODFERRY_RELAY_TOKEN: found a token of 1 characters"},
		{"keeps what the system says of a file", "mkdir /etc/passwd: not a directory", "mkdir /etc/passwd: not a directory"},
		{"keeps a placeholder", "http://USER:PASSWORD@HOST:PORT", "http://USER:PASSWORD@HOST:PORT"},
		{"hides a netrc password", "machine h login u password p", "machine h login u password xxxxx"},
		{"hides a GitHub token anywhere", "found ghp_0123456789abcdefghijABCDEFGHIJ012345 here", "found xxxxx here"},
		{"hides a GitLab token anywhere", "found glpat-0123456789abcdefghij here", "found xxxxx here"},
		{"hides a JSON web token anywhere", "found eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl here", "found xxxxx here"},
		{"survives bytes that are not UTF-8", "https://u:\xff\xfe@h/\xff", "https://u:xxxxx@h/\xff"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := settings.Redact(tt.in)
			if got != tt.want {
				t.Errorf("Redact(%q)\n got %q\nwant %q", tt.in, got, tt.want)
			}
			if again := settings.Redact(got); again != got {
				t.Errorf("Redact is not idempotent on %q:\nonce  %q\ntwice %q", tt.in, got, again)
			}
		})
	}
}

// FuzzRedact places a secret into userinfo, escaped as net/url does it and as
// it is, in front of arbitrary text, and looks for it in the outcome.
func FuzzRedact(f *testing.F) {
	f.Add("user", "p4ssw0rd-p4ssw0rd", "proxy.example.test/go")
	f.Add("", "s3cr3t/with?odd#bytes@", "h,direct")
	f.Add("u", "a,b|c", "h1|https://u:p@h2")
	f.Add("token=", "Bearer abc", "\"x\"")
	f.Add("u:v", "%zz%40", "h/@v/list rsc.io/quote@v1.5.2")
	f.Fuzz(func(t *testing.T, user, secret, rest string) {
		// The secret is made recognisable, so that finding it in the outcome
		// is not a coincidence with the text around it.
		secret = "q7" + secret + "z9"
		if strings.Contains(user+rest, "q7") || strings.Contains(user+rest, "z9") {
			t.Skip("the text repeats the secret")
		}
		escaped := url.UserPassword(user, secret).String()
		lone := url.User(secret).String()
		inputs := map[string]string{
			"https://" + escaped + "@h.example.test/" + rest: url.PathEscape(secret),
			"https://" + lone + "@h.example.test/" + rest:    url.PathEscape(secret),
			"direct|https://" + escaped + "@h|" + rest:       url.PathEscape(secret),
		}
		// Raw: anything but what ends an authority without doubt.
		if !strings.ContainsAny(secret, "/?#\\\"`<> \t\r\n") && !strings.ContainsAny(user, "/?#\\\"`<> \t\r\n") {
			inputs["https://"+user+":"+secret+"@h.example.test/"+rest] = secret
			inputs["https://"+secret+"@h.example.test/"+rest] = secret
		}
		for in, hidden := range inputs {
			out := settings.Redact(in)
			for _, form := range []string{secret, hidden} {
				if strings.Contains(out, form) {
					t.Errorf("the secret %q survives in %q\nfrom %q", form, out, in)
				}
			}
			if again := settings.Redact(out); again != out {
				t.Errorf("not idempotent on %q:\nonce  %q\ntwice %q", in, out, again)
			}
		}
		for _, in := range []string{user, secret, rest, user + ":" + secret + "@" + rest} {
			out := settings.Redact(in)
			if again := settings.Redact(out); again != out {
				t.Errorf("not idempotent on %q:\nonce  %q\ntwice %q", in, out, again)
			}
		}
	})
}
