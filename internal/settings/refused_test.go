package settings_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/settings"
)

func TestConfigurationFileIsRefusedWithItsLine(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		text string
		want string // Error, line break, Excerpt
	}{
		{"a misspelt key", "retrys: 3\n", `
.modferry.yaml:1:1: found the unknown key "retrys", expected a setting; write retries
  1 | retrys: …
    | ^`},
		{"a key that resembles none", "banana: yes\n", `
.modferry.yaml:1:1: found the unknown key "banana", expected a setting; remove it, or see https://github.com/modferry/modferry/blob/main/docs/settings.md for the keys
  1 | banana: …
    | ^`},
		{"the value behind an unknown key is not shown", "tokn: s3cr3t\n", `
.modferry.yaml:1:1: found the unknown key "tokn", expected a setting; remove it, or see https://github.com/modferry/modferry/blob/main/docs/settings.md for the keys
  1 | tokn: …
    | ^`},
		{"a setting that is no key", "quiet: true\n", `
.modferry.yaml:1:1: found the unknown key "quiet", expected a setting; give it as --quiet or MODFERRY_QUIET
  1 | quiet: …
    | ^`},
		{"a value that does not fit", "no-probe: false\nextract: al\n", `
.modferry.yaml:2:10: found "al", expected none, needed or all; write extract: all
  2 | extract: al
    |          ^`},
		{"a number where a duration belongs", "timeout: 30\n", `
.modferry.yaml:1:10: found "30", which has no unit, expected a duration with a unit such as 500ms, 30s, 2m or 1h30m; write timeout: 30s
  1 | timeout: 30
    |          ^`},
		{"a key without value", "proxy:\n", `
.modferry.yaml:1:8: found no value, expected a list for proxy; write the value or remove the key
  1 | proxy:
    |       ^`},
		{"an empty text", "sumdb: ''\n", `
.modferry.yaml:1:8: found an empty value, expected a name; write a value or leave it out
  1 | sumdb: ''
    |        ^`},
		{"a list where a value belongs", "extract: [all]\n", `
.modferry.yaml:1:10: found a list, expected none, needed or all for extract
  1 | extract: [all]
    |          ^`},
		{"the same key twice", "no-probe: true\nno-probe: false\n", `
.modferry.yaml:2:1: found a YAML error: mapping key "no-probe" already defined at [1:1]
  2 | no-probe: false
    | ^`},
		{"broken YAML", "proxy: [a\n", `
.modferry.yaml:1:8: found a YAML error: sequence end token ']' not found
  1 | proxy: [a
    |        ^`},
		{"broken YAML with a secret", "proxy: \"https://u:s3cr3t@a.example.test\n", `
.modferry.yaml:1:8: found a YAML error: could not find end character of double-quoted text
  1 | proxy: "https://u:xxxxx@a.example.test
    |        ^`},
		{"no mapping at all", "- a\n", `
.modferry.yaml:1:1: found a list, expected a mapping of settings
  1 | - a
    | ^`},
		{"plain text", "hello\n", `
.modferry.yaml:1:1: found "hello", expected a mapping of settings
  1 | hello
    | ^`},
		{"two documents", "no-probe: true\n---\nno-probe: false\n", `
.modferry.yaml:3:1: found a second YAML document, expected one document; remove the line --- and merge the two
  3 | no-probe: false
    | ^`},
		{"an alias", "modules: &m a\nsumdb: *m\n", `
.modferry.yaml:1:10: found a YAML anchor, alias, tag or merge, expected a list for modules; write the value out; profiles overlay the top level
  1 | modules: &m a
    |          ^`},
		{"a merge key", "profiles:\n  dev:\n    <<: {no-probe: true}\n", `
.modferry.yaml:3:5: found a YAML anchor, alias, tag or merge, expected a plain word as key; write the value out; profiles overlay the top level
  3 |     <<: {no-probe: true}
    |     ^`},
		{"direct beside proxy", "proxy: https://a.example.test\ndirect: true\n", `
.modferry.yaml:2:1: found direct beside a proxy in GOPROXY syntax, expected direct beside a list of mirrors only; write direct as the last entry of proxy
  2 | direct: true
    | ^`},
		{"direct without mirrors", "direct: false\n", `
.modferry.yaml:1:1: found direct without a list of mirrors, expected direct beside such a list below proxy; write direct at the end of proxy instead
  1 | direct: false
    | ^`},
		{"a list of mirrors under the wrong key", "mirrors: [https://a.example.test]\n", `
.modferry.yaml:1:10: found a list, expected configured, auto or cn for mirrors; write the list of mirrors below proxy:
  1 | mirrors: [https://a.example.test]
    |          ^`},
		{"an empty list of mirrors", "proxy: []\n", `
.modferry.yaml:1:8: found an empty list, expected at least one item below proxy; add one or remove the key
  1 | proxy: []
    |        ^`},
		{"a mirror without url", "proxy:\n  - weight: 2\n", `
.modferry.yaml:2:5: found a mirror without url, expected its url; add url: https://…
  2 |   - weight: 2
    |     ^`},
		{"a mirror without scheme", "proxy:\n  - url: proxy.example.test/go\n", `
.modferry.yaml:2:10: found "proxy.example.test/go", expected an absolute URL that begins with https://, http:// or file:///; write https://proxy.example.test/go
  2 |   - url: proxy.example.test/go
    |          ^`},
		{"a mirror with host and port only", "proxy: ['proxy.example.test:8080']\n", `
.modferry.yaml:1:9: found "proxy.example.test:8080", expected an absolute URL that begins with https://, http:// or file:///; write https://proxy.example.test:8080
  1 | proxy: ['proxy.example.test:8080']
    |         ^`},
		{"credentials without a scheme", "proxy: ['u:s3cr3t@proxy.example.test']\n", `
.modferry.yaml:1:9: found "u:xxxxx@proxy.example.test", expected an absolute URL that begins with https://, http:// or file:///; correct it where it stands; its credentials are not shown here
  1 | proxy: ['u:xxxxx@proxy.example.test']
    |         ^`},
		{"a mirror of another scheme", "proxy: ['ftp://a.example.test']\n", `
.modferry.yaml:1:9: found "ftp://a.example.test", expected an absolute URL that begins with https://, http:// or file:///
  1 | proxy: ['ftp://a.example.test']
    |         ^`},
		{"a file mirror with a host", "proxy: ['file://srv/goproxy']\n", `
.modferry.yaml:1:9: found "file://srv/goproxy", expected file:/// and an absolute path; write file:///srv/goproxy
  1 | proxy: ['file://srv/goproxy']
    |         ^`},
		{"a password over http", "proxy: ['http://u:s3cr3t@a.example.test']\n", `
.modferry.yaml:1:9: found "http://u:xxxxx@a.example.test", which would send the password unencrypted, expected credentials in an https:// URL only, as the go command requires; write https:// instead, or put the credentials into netrc
  1 | proxy: ['http://u:xxxxx@a.example.test']
    |         ^`},
		{"a malformed URL with a password", "proxy: ['https://u:s3cr3t@a.example.test:port']\n", `
.modferry.yaml:1:9: found "https://u:xxxxx@a.example.test:port", which is not a URL, expected an absolute URL that begins with https://, http:// or file:///
  1 | proxy: ['https://u:xxxxx@a.example.test:port']
    |         ^`},
		{"a GOPROXY list as a mirror", "proxy: ['https://a.example.test|https://b.example.test']\n", `
.modferry.yaml:1:9: found several entries in "https://a.example.test|https://b.example.test", expected one URL for each mirror; write one list item for each, with fall-through: any instead of a bar
  1 | proxy: ['https://a.example.test|https://b.example.test']
    |         ^`},
		{"direct as a mirror", "proxy: [https://a.example.test, direct]\n", `
.modferry.yaml:1:33: found direct in the list of mirrors, expected URLs of mirrors only; remove it: direct follows the mirrors unless direct: false is set
  1 | proxy: [https://a.example.test, direct]
    |                                 ^`},
		{"off as a mirror", "proxy: ['off']\n", `
.modferry.yaml:1:9: found off in the list of mirrors, expected URLs of mirrors only; set direct: false to have nothing follow the mirrors
  1 | proxy: ['off']
    |         ^`},
		{"the same mirror twice", "proxy:\n  - https://a.example.test\n  - url: https://a.example.test/\n", `
.modferry.yaml:3:5: found the mirror of line 2 again, expected every mirror once; remove one; for more attempts, set retries
  3 |   - url: https://a.example.test/
    |     ^`},
		{"only fallback mirrors", "proxy:\n  - url: https://a.example.test\n    fallback-only: true\n", `
.modferry.yaml:1:1: found only mirrors with fallback-only: true, expected at least one without it; remove it from the first
  1 | proxy:
    | ^`},
		{"a weight of zero", "proxy:\n  - {url: https://a.example.test, weight: 0}\n", `
.modferry.yaml:2:43: found "0", expected a whole number from 1 to 1000
  2 |   - {url: https://a.example.test, weight: 0}
    |                                           ^`},
		{"a name that is no word", "proxy:\n  - {url: https://a.example.test, name: none}\n", `
.modferry.yaml:2:41: found "none", expected a name such as artifactory; write a word that is neither a URL nor none, off, public or direct
  2 |   - {url: https://a.example.test, name: none}
    |                                         ^`},
		{"a name twice", "proxy:\n  - {url: https://a.example.test, name: a}\n  - {url: https://b.example.test, name: a}\n", `
.modferry.yaml:3:6: found the name "a" again, expected another name for every mirror
  3 |   - {url: https://b.example.test, name: a}
    |      ^`},
		{"a key without its certificate", "proxy:\n  - url: https://a.example.test\n    client-key: k.pem\n", `
.modferry.yaml:2:5: found client-key without client-certificate, expected both, or the certificate alone when its file has the key too; add client-certificate
  2 |   - url: https://a.example.test
    |     ^`},
		{"a certificate where nobody sees it", "proxy:\n  - url: http://a.example.test\n    client-certificate: c.pem\n", `
.modferry.yaml:2:5: found certificates for "http://a.example.test", expected certificates for an https:// mirror only
  2 |   - url: http://a.example.test
    |     ^`},
		{"a rule that names an unknown mirror", "proxy:\n  - {url: https://a.example.test, name: artifactory}\nrules:\n  - modules: corp.test\n    mirrors: artifactroy\n", `
.modferry.yaml:5:14: found the mirror "artifactroy", which is not in the list, expected the name or URL of a mirror: artifactory; write artifactory
  5 |     mirrors: artifactroy
    |              ^`},
		{"a rule that names a host", "rules:\n  - modules: corp.test\n    mirrors: [goproxy.corp.test]\n", `
.modferry.yaml:3:15: found the mirror "goproxy.corp.test", which is not in the list, expected the name or URL of a mirror; give a mirror of the list a name, or write its URL
  3 |     mirrors: [goproxy.corp.test]
    |               ^`},
		{"a rule without mirrors", "rules:\n  - modules: corp.test\n", `
.modferry.yaml:2:5: found a rule without mirrors, expected the names of mirrors, or none; add mirrors: none if nobody may be asked
  2 |   - modules: corp.test
    |     ^`},
		{"a rule without modules", "rules:\n  - mirrors: none\n", `
.modferry.yaml:2:5: found a rule without modules, expected patterns of module paths, as in GOPRIVATE; add modules: git.corp.example
  2 |   - mirrors: none
    |     ^`},
		{"a rule for an empty list", "rules:\n  - {modules: '', mirrors: none}\n", `
.modferry.yaml:2:15: found an empty value, expected patterns of module paths, as in GOPRIVATE; write "*" for all modules
  2 |   - {modules: '', mirrors: none}
    |               ^`},
		{"a rule with nobody and somebody", "rules:\n  - {modules: corp.test, mirrors: [none, public]}\n", `
.modferry.yaml:2:36: found none among mirrors, expected mirrors, or none alone; remove one or the other
  2 |   - {modules: corp.test, mirrors: [none, public]}
    |                                    ^`},
		{"a rule with version control", "rules:\n  - {modules: corp.test, mirrors: direct}\n", `
.modferry.yaml:2:35: found direct in a rule, expected mirrors only; set noproxy for modules that only version control has
  2 |   - {modules: corp.test, mirrors: direct}
    |                                   ^`},
		{"a rule with no value", "rules:\n  - modules: corp.test\n    mirrors:\n", `
.modferry.yaml:3:14: found no value, expected a list for mirrors; write the value or remove the key
  3 |     mirrors:
    |             ^`},
		{"a misspelt key of a rule", "rules:\n  - {module: corp.test, mirrors: none}\n", `
.modferry.yaml:2:6: found the unknown key "module", expected mirrors or modules; write modules
  2 |   - {module: …
    |      ^`},
		{"a fall-through in GOPROXY syntax", "proxy:\n  - {url: https://a.example.test, fall-through: '|'}\n", `
.modferry.yaml:2:49: found "|", expected not-found or any
  2 |   - {url: https://a.example.test, fall-through: '|'}
    |                                                 ^`},
		{"a misspelt key of a mirror", "proxy:\n  - url: https://a.example.test\n    wieght: 3\n", `
.modferry.yaml:3:5: found the unknown key "wieght", expected ca-file, client-certificate, client-key, fall-through, fallback-only, name, region, timeouts, url or weight; write weight
  3 |     wieght: …
    |     ^`},
		{"a misspelt limit of a mirror", "proxy:\n  - url: https://a.example.test\n    timeouts: {first_byte: 3s}\n", `
.modferry.yaml:3:16: found the unknown key "first_byte", expected connect, first-byte, request, stall or tls; write first-byte
  3 |     timeouts: {first_byte: …
    |                ^`},
		{"a limit of a mirror without unit", "proxy:\n  - url: https://a.example.test\n    timeouts: {stall: 3}\n", `
.modferry.yaml:3:23: found "3", which has no unit, expected a duration with a unit such as 500ms, 30s, 2m or 1h30m; write stall: 3s
  3 |     timeouts: {stall: 3}
    |                       ^`},
		{"two patterns in one item", "private: ['a.example.test,b.example.test']\n", `
.modferry.yaml:1:11: found "a.example.test,b.example.test", expected one element per list item; write one item for each
  1 | private: ['a.example.test,b.example.test']
    |           ^`},
		{"an empty list of patterns", "private: []\n", `
.modferry.yaml:1:10: found an empty list, expected at least one item below private; add one or remove the key
  1 | private: []
    |          ^`},
		{"a mistake in a profile that is not used", "profiles:\n  dev:\n    extract: most\n", `
.modferry.yaml:3:14: found "most", expected none, needed or all
  3 |     extract: most
    |              ^`},
		{"profiles within a profile", "profiles:\n  dev:\n    profiles: {}\n", `
.modferry.yaml:3:5: found profiles within the profile "dev", expected profiles at the top level only; move them there
  3 |     profiles: {}
    |     ^`},
		{"a profile that is a value", "profiles:\n  dev: fast\n", `
.modferry.yaml:2:8: found "fast", expected a mapping of settings
  2 |   dev: fast
    |        ^`},
		{"Windows line ends", "no-probe: true\r\nextract: al\r\n", `
.modferry.yaml:2:10: found "al", expected none, needed or all; write extract: all
  2 | extract: al
    |          ^`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := resolve(nil, nil, files{".modferry.yaml": tt.text})
			var e *settings.Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want a *settings.Error", err)
			}
			if got := "\n" + e.Error() + "\n" + e.Excerpt; got != tt.want {
				t.Errorf("\n got %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestConfigurationFileOfAStrangerIsBounded(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text, want string
	}{
		{"too long", strings.Repeat("# x\n", 20000), ".modferry.yaml: found 80000 bytes, expected at most 65536"},
		{"lists in lists", strings.Repeat("[", 10000), ".modferry.yaml: found brackets or dashes nested too deeply, expected at most 32 levels"},
		{"mappings in mappings", strings.Repeat("{a: ", 10000), ".modferry.yaml: found brackets or dashes nested too deeply, expected at most 32 levels"},
		{"items in items", strings.Repeat("- ", 10000) + "x", ".modferry.yaml: found brackets or dashes nested too deeply, expected at most 32 levels"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := resolve(nil, nil, files{".modferry.yaml": tt.text})
			if err == nil || err.Error() != tt.want {
				t.Errorf("\n got %v\nwant %s", err, tt.want)
			}
		})
	}
}
