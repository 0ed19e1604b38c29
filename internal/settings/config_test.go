package settings_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/modferry/modferry/internal/settings"
)

const example = `# where modules come from
choose: auto
private:
  - corp.example.test/*
  - git.example.test
mirrors:
  - url: https://user:secret@proxy.example.test/go
    weight: 3
    region: eu
    fall-through: not-found
    timeouts: {connect: 2s, tls: 3s, first-byte: 10s, stall: 15s, request: 5m}
  - url: https://mirror.example.test
    fall-through: any
    fallback-only: true
  - file:///srv/goproxy
direct: false
modcache: cache/mod
stall-timeout: 45s
no-hedge: true
profiles:
  dev:
    proxy: https://dev.example.test,direct
  staging:
    direct: true
    stall-timeout: 5s
  prod:
    mirrors: [https://prod.example.test]
`

func TestConfigurationFileIsReadInFull(t *testing.T) {
	t.Parallel()
	v, err := resolve(map[string]string{"dir": "sub"}, nil, files{"sub/.modferry.yaml": example})
	if err != nil {
		t.Fatal(err)
	}
	want := []settings.MirrorConfig{
		{URL: "https://user:secret@proxy.example.test/go", Weight: 3, Region: "eu", FallThrough: "not-found", Line: 7,
			Timeouts: settings.Timeouts{Connect: 2 * time.Second, TLS: 3 * time.Second, FirstByte: 10 * time.Second, Stall: 15 * time.Second, Request: 5 * time.Minute}},
		{URL: "https://mirror.example.test", Weight: 1, FallThrough: "any", FallbackOnly: true, Line: 12},
		{URL: "file:///srv/goproxy", Weight: 1, FallThrough: "not-found", Line: 15},
	}
	if diff := cmp.Diff(want, v.ConfiguredMirrors); diff != "" {
		t.Errorf("mirrors (-want +got)\n%s", diff)
	}
	got := []any{v.Mirrors, v.Private, v.Direct, v.ModCache, v.StallTimeout, v.NoHedge, v.Proxy, v.Sources["proxy"], v.Sources["mirrors"], v.Sources["config"]}
	wants := []any{"auto", "corp.example.test/*,git.example.test", false, "sub/cache/mod", 45 * time.Second, true, "", "file .modferry.yaml:6", "file .modferry.yaml:2", "file .modferry.yaml"}
	if diff := cmp.Diff(wants, got); diff != "" {
		t.Errorf("values (-want +got)\n%s", diff)
	}
}

func TestProfilesOverlayTheTopLevel(t *testing.T) {
	t.Parallel()
	type outcome struct {
		Proxy   string
		Mirrors int
		Direct  bool
		Stall   time.Duration
		Private string
	}
	const private = "corp.example.test/*,git.example.test"
	tests := []struct {
		name  string
		flags map[string]string
		want  outcome
	}{
		{"without a profile the top level holds", nil, outcome{"", 3, false, 45 * time.Second, private}},
		{"a profile's proxy takes the place of the mirrors", map[string]string{"profile": "dev"}, outcome{"https://dev.example.test,direct", 0, true, 45 * time.Second, private}},
		{"a profile may change single values", map[string]string{"profile": "staging"}, outcome{"", 3, true, 5 * time.Second, private}},
		{"a profile's mirrors take the place of the mirrors", map[string]string{"profile": "prod"}, outcome{"", 1, false, 45 * time.Second, private}},
		{"the flag --proxy overrules the mirrors", map[string]string{"proxy": "https://x.example.test"}, outcome{"https://x.example.test", 0, true, 45 * time.Second, private}},
		{"the flag --private adds to the list", map[string]string{"private": "x.test"}, outcome{"", 3, false, 45 * time.Second, "x.test," + private}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v, err := resolve(tt.flags, nil, files{".modferry.yaml": example})
			if err != nil {
				t.Fatal(err)
			}
			got := outcome{v.Proxy, len(v.ConfiguredMirrors), v.Direct, v.StallTimeout, v.Private}
			if got != tt.want {
				t.Errorf("\n got %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func TestMirrorsAreRenderedAsAProxyList(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		flags map[string]string
		want  string
	}{
		{"the separator is what follows a mirror", nil, "https://user:secret@proxy.example.test/go,https://mirror.example.test|file:///srv/goproxy"},
		{"direct follows unless it is off", map[string]string{"profile": "staging"}, "https://user:secret@proxy.example.test/go,https://mirror.example.test|file:///srv/goproxy,direct"},
		{"a proxy is kept as it is", map[string]string{"profile": "dev"}, "https://dev.example.test,direct"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v, err := resolve(tt.flags, nil, files{".modferry.yaml": example})
			if err != nil {
				t.Fatal(err)
			}
			if got := v.ProxyList(); got != tt.want {
				t.Errorf("\n got %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestAProfilesMirrorsTakeThePlaceOfTheProxy(t *testing.T) {
	t.Parallel()
	const text = "proxy: https://top.example.test\nprofiles:\n  prod:\n    mirrors: [https://prod.example.test]\n    direct: false\n"
	v, err := resolve(map[string]string{"profile": "prod"}, nil, files{".modferry.yaml": text})
	if err != nil {
		t.Fatal(err)
	}
	if v.Proxy != "" || len(v.ConfiguredMirrors) != 1 || v.Direct {
		t.Errorf("proxy %q, mirrors %v, direct %v", v.Proxy, v.ConfiguredMirrors, v.Direct)
	}
}

func TestPathsInTheConfigurationFileAreRelativeToIt(t *testing.T) {
	t.Parallel()
	f := files{"/etc/modferry/ci.yaml": "modcache: mod\nca-file: /etc/ssl/ca.pem\n"}
	v, err := resolve(map[string]string{"config": "/etc/modferry/ci.yaml"}, nil, f)
	if err != nil {
		t.Fatal(err)
	}
	if v.ModCache != "/etc/modferry/mod" || v.CAFile != "/etc/ssl/ca.pem" {
		t.Errorf("modcache %q, ca-file %q", v.ModCache, v.CAFile)
	}
	v, err = resolve(map[string]string{"config": "/etc/modferry/ci.yaml", "modcache": "here"}, nil, f)
	if err != nil {
		t.Fatal(err)
	}
	if v.ModCache != "here" {
		t.Errorf("a path given as a flag became %q", v.ModCache)
	}
}

func TestAnEmptyConfigurationFileSaysNothing(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "\n", "# nothing yet\n", "---\n", "\ufeff# with a byte order mark\n"} {
		v, err := resolve(nil, nil, files{".modferry.yaml": text})
		if err != nil {
			t.Errorf("%q: %v", text, err)
		} else if v.ConfigFile == "" {
			t.Errorf("%q: not read", text)
		}
	}
}

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
.modferry.yaml:1:1: found the unknown key "banana", expected a setting; remove it, or see docs/settings.md for the keys
  1 | banana: …
    | ^`},
		{"the value behind an unknown key is not shown", "tokn: s3cr3t\n", `
.modferry.yaml:1:1: found the unknown key "tokn", expected a setting; remove it, or see docs/settings.md for the keys
  1 | tokn: …
    | ^`},
		{"a setting that is no key", "quiet: true\n", `
.modferry.yaml:1:1: found the unknown key "quiet", expected a setting; give it as --quiet or MODFERRY_QUIET
  1 | quiet: …
    | ^`},
		{"a value that does not fit", "all: false\nextract: al\n", `
.modferry.yaml:2:10: found "al", expected none, used, needed or all; write extract: all
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
.modferry.yaml:1:10: found a list, expected none, used, needed or all for extract
  1 | extract: [all]
    |          ^`},
		{"a list for proxy, whose separators matter", "proxy: [https://a.example.test]\n", `
.modferry.yaml:1:8: found a list, expected a list in GOPROXY syntax for proxy; write its entries below mirrors:
  1 | proxy: [https://a.example.test]
    |        ^`},
		{"the same key twice", "all: true\nall: false\n", `
.modferry.yaml:2:1: found a YAML error: mapping key "all" already defined at [1:1]
  2 | all: false
    | ^`},
		{"broken YAML", "mirrors: [a\n", `
.modferry.yaml:1:10: found a YAML error: sequence end token ']' not found
  1 | mirrors: [a
    |          ^`},
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
		{"two documents", "all: true\n---\nall: false\n", `
.modferry.yaml:3:1: found a second YAML document, expected one document; remove the line --- and merge the two
  3 | all: false
    | ^`},
		{"an alias", "modules: &m a\nsumdb: *m\n", `
.modferry.yaml:1:10: found a YAML anchor, alias, tag or merge, expected a list for modules; write the value out; profiles overlay the top level
  1 | modules: &m a
    |          ^`},
		{"a merge key", "profiles:\n  dev:\n    <<: {all: true}\n", `
.modferry.yaml:3:5: found a YAML anchor, alias, tag or merge, expected a plain word as key; write the value out; profiles overlay the top level
  3 |     <<: {all: true}
    |     ^`},
		{"proxy beside mirrors", "proxy: direct\nmirrors: [https://a.example.test]\n", `
.modferry.yaml:1:1: found proxy beside the mirrors of line 2, expected one of the two, because both say where modules come from; put the entries of proxy into mirrors, or remove mirrors
  1 | proxy: direct
    | ^`},
		{"direct beside proxy", "proxy: https://a.example.test\ndirect: true\n", `
.modferry.yaml:2:1: found direct beside proxy, expected direct beside mirrors only; write direct as the last entry of proxy
  2 | direct: true
    | ^`},
		{"direct without mirrors", "direct: false\n", `
.modferry.yaml:1:1: found direct without a list of mirrors, expected direct beside mirrors; write direct at the end of proxy instead
  1 | direct: false
    | ^`},
		{"the choice of mirrors under the wrong key", "mirrors: auto\n", `
.modferry.yaml:1:10: found "auto" for mirrors, expected a list of mirrors; write choose: auto
  1 | mirrors: auto
    |          ^`},
		{"an empty list of mirrors", "mirrors: []\n", `
.modferry.yaml:1:10: found an empty list, expected at least one item below mirrors; add one or remove the key
  1 | mirrors: []
    |          ^`},
		{"a mirror without url", "mirrors:\n  - weight: 2\n", `
.modferry.yaml:2:5: found a mirror without url, expected its url; add url: https://…
  2 |   - weight: 2
    |     ^`},
		{"a mirror without scheme", "mirrors:\n  - url: proxy.example.test/go\n", `
.modferry.yaml:2:10: found "proxy.example.test/go", expected an absolute URL that begins with https://, http:// or file:///; write https://proxy.example.test/go
  2 |   - url: proxy.example.test/go
    |          ^`},
		{"a mirror with host and port only", "mirrors: ['proxy.example.test:8080']\n", `
.modferry.yaml:1:11: found "proxy.example.test:8080", expected an absolute URL that begins with https://, http:// or file:///; write https://proxy.example.test:8080
  1 | mirrors: ['proxy.example.test:8080']
    |           ^`},
		{"a mirror of another scheme", "mirrors: ['ftp://a.example.test']\n", `
.modferry.yaml:1:11: found "ftp://a.example.test", expected an absolute URL that begins with https://, http:// or file:///
  1 | mirrors: ['ftp://a.example.test']
    |           ^`},
		{"a file mirror with a host", "mirrors: ['file://srv/goproxy']\n", `
.modferry.yaml:1:11: found "file://srv/goproxy", expected file:/// and an absolute path; write file:///srv/goproxy
  1 | mirrors: ['file://srv/goproxy']
    |           ^`},
		{"a password over http", "mirrors: ['http://u:s3cr3t@a.example.test']\n", `
.modferry.yaml:1:11: found "http://u:xxxxx@a.example.test", whose password would travel readable, expected credentials in an https:// URL only, as the go command demands; write https://u:xxxxx@a.example.test
  1 | mirrors: ['http://u:xxxxx@a.example.test']
    |           ^`},
		{"a malformed URL with a password", "mirrors: ['https://u:s3cr3t@a.example.test:port']\n", `
.modferry.yaml:1:11: found "https://u:xxxxx@a.example.test:port", which is no URL, expected an absolute URL that begins with https://, http:// or file:///
  1 | mirrors: ['https://u:xxxxx@a.example.test:port']
    |           ^`},
		{"a GOPROXY list as a mirror", "mirrors: ['https://a.example.test|https://b.example.test']\n", `
.modferry.yaml:1:11: found several entries in "https://a.example.test|https://b.example.test", expected one URL for each mirror; write one list item for each, with fall-through: any in place of a bar
  1 | mirrors: ['https://a.example.test|https://b.example.test']
    |           ^`},
		{"direct as a mirror", "mirrors: [https://a.example.test, direct]\n", `
.modferry.yaml:1:35: found direct in the list of mirrors, expected URLs of mirrors only; remove it: direct follows the mirrors unless direct: false is set
  1 | mirrors: [https://a.example.test, direct]
    |                                   ^`},
		{"off as a mirror", "mirrors: ['off']\n", `
.modferry.yaml:1:11: found off in the list of mirrors, expected URLs of mirrors only; set direct: false to have nothing follow the mirrors
  1 | mirrors: ['off']
    |           ^`},
		{"the same mirror twice", "mirrors:\n  - https://a.example.test\n  - url: https://a.example.test/\n", `
.modferry.yaml:3:5: found the mirror of line 2 again, expected every mirror once; remove one; repeated attempts are the setting retries
  3 |   - url: https://a.example.test/
    |     ^`},
		{"only fallback mirrors", "mirrors:\n  - url: https://a.example.test\n    fallback-only: true\n", `
.modferry.yaml:1:1: found only mirrors with fallback-only: true, expected at least one without it; remove it from the first
  1 | mirrors:
    | ^`},
		{"a weight of zero", "mirrors:\n  - {url: https://a.example.test, weight: 0}\n", `
.modferry.yaml:2:43: found "0", expected a whole number from 1 to 1000
  2 |   - {url: https://a.example.test, weight: 0}
    |                                           ^`},
		{"a region in capitals", "mirrors:\n  - {url: https://a.example.test, region: EU}\n", `
.modferry.yaml:2:43: found "EU", expected a word in lower case such as cn or eu-west
  2 |   - {url: https://a.example.test, region: EU}
    |                                           ^`},
		{"a fall-through in GOPROXY syntax", "mirrors:\n  - {url: https://a.example.test, fall-through: '|'}\n", `
.modferry.yaml:2:49: found "|", expected not-found or any
  2 |   - {url: https://a.example.test, fall-through: '|'}
    |                                                 ^`},
		{"a misspelt key of a mirror", "mirrors:\n  - url: https://a.example.test\n    wieght: 3\n", `
.modferry.yaml:3:5: found the unknown key "wieght", expected fall-through, fallback-only, region, timeouts, url or weight; write weight
  3 |     wieght: …
    |     ^`},
		{"a misspelt limit of a mirror", "mirrors:\n  - url: https://a.example.test\n    timeouts: {first_byte: 3s}\n", `
.modferry.yaml:3:16: found the unknown key "first_byte", expected connect, first-byte, request, stall or tls; write first-byte
  3 |     timeouts: {first_byte: …
    |                ^`},
		{"a limit of a mirror without unit", "mirrors:\n  - url: https://a.example.test\n    timeouts: {stall: 3}\n", `
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
.modferry.yaml:3:14: found "most", expected none, used, needed or all
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
		{"Windows line ends", "all: true\r\nextract: al\r\n", `
.modferry.yaml:2:10: found "al", expected none, used, needed or all; write extract: all
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
		{"lists in lists", strings.Repeat("[", 10000), ".modferry.yaml: found brackets or dashes within one another without end, expected at most 32 levels"},
		{"mappings in mappings", strings.Repeat("{a: ", 10000), ".modferry.yaml: found brackets or dashes within one another without end, expected at most 32 levels"},
		{"items in items", strings.Repeat("- ", 10000) + "x", ".modferry.yaml: found brackets or dashes within one another without end, expected at most 32 levels"},
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

func TestUnknownProfilesNameTheKnownOnes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		profile string
		text    string
		want    string
	}{
		{"a misspelt one", "stagin", example,
			`flag --profile: found the profile "stagin", expected a profile of .modferry.yaml: dev, prod or staging; write staging`},
		{"one that resembles none", "canary", example,
			`flag --profile: found the profile "canary", expected a profile of .modferry.yaml: dev, prod or staging`},
		{"a file without profiles", "dev", "all: true\n",
			`flag --profile: found the profile "dev", but .modferry.yaml has no profiles, expected a profile of that file; add it below profiles: or leave the profile out`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := resolve(map[string]string{"profile": tt.profile}, nil, files{".modferry.yaml": tt.text})
			if err == nil || err.Error() != tt.want {
				t.Errorf("\n got %v\nwant %s", err, tt.want)
			}
		})
	}
}

// FuzzConfigurationFile checks that no file makes Resolve panic, that every
// error names the file, and that a secret in a mirror's URL is in none.
func FuzzConfigurationFile(f *testing.F) {
	f.Add(example)
	f.Add("mirrors: [a\n")
	f.Add("profiles:\n  dev:\n    <<: *x\n")
	f.Add("? a\n: b\n")
	f.Add("private: |\n  a\n  b\n")
	f.Add("a: !!binary x\n--- b\n...\n")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "q7q7") {
			t.Skip("the text repeats the secret")
		}
		for _, full := range []string{text, "mirrors:\n  - url: https://u:q7q7@h.example.test/\n" + text} {
			_, err := resolve(nil, nil, files{".modferry.yaml": full})
			if err == nil {
				continue
			}
			var e *settings.Error
			if !errors.As(err, &e) {
				t.Fatalf("%q: got %T, want a *settings.Error", full, err)
			}
			if !strings.HasPrefix(e.Where, ".modferry.yaml") {
				t.Errorf("%q: the error does not name the file: %v", full, e)
			}
			if strings.Contains(e.Error()+e.Excerpt, "q7q7") {
				t.Errorf("%q: the secret is in the error: %v\n%s", full, e, e.Excerpt)
			}
			if strings.ContainsAny(e.Error(), "\n\r\x1b") {
				t.Errorf("%q: the error is not one clean line: %q", full, e)
			}
		}
	})
}
