package settings_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/modferry/modferry/internal/settings"
)

const example = `# where modules come from
mirrors: auto
private:
  - corp.example.test/*
  - git.example.test
proxy:
  - url: https://user:secret@proxy.example.test/go
    weight: 3
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
    proxy: [https://prod.example.test]
`

func TestConfigurationFileIsReadInFull(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"LF": example, "CRLF": strings.ReplaceAll(example, "\n", "\r\n")} {
		t.Run(name, func(t *testing.T) { isReadInFull(t, text) })
	}
}

func isReadInFull(t *testing.T, text string) {
	v, err := resolve(map[string]string{"dir": "sub"}, nil, files{"sub/.modferry.yaml": text})
	if err != nil {
		t.Fatal(err)
	}
	want := []settings.MirrorConfig{
		{URL: "https://user:secret@proxy.example.test/go", Weight: 3, FallThrough: "not-found", Line: 7,
			Timeouts: settings.Timeouts{Connect: 2 * time.Second, TLS: 3 * time.Second, FirstByte: 10 * time.Second, Stall: 15 * time.Second, Request: 5 * time.Minute}},
		{URL: "https://mirror.example.test", Weight: 1, FallThrough: "any", FallbackOnly: true, Line: 11},
		{URL: "file:///srv/goproxy", Weight: 1, FallThrough: "not-found", Line: 14},
	}
	if diff := cmp.Diff(want, v.ConfiguredMirrors); diff != "" {
		t.Errorf("mirrors (-want +got)\n%s", diff)
	}
	got := []any{v.Mirrors, v.Private, v.Direct, v.ModCache, v.StallTimeout, v.NoHedge, v.Proxy, v.Sources["proxy"], v.Sources["mirrors"], v.Sources["config"]}
	wants := []any{"auto", "corp.example.test/*,git.example.test", false, filepath.FromSlash("sub/cache/mod"), 45 * time.Second, true, "", "file .modferry.yaml:6", "file .modferry.yaml:2", "file .modferry.yaml"}
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
		{"a profile's proxy replaces the mirrors", map[string]string{"profile": "dev"}, outcome{"https://dev.example.test,direct", 0, true, 45 * time.Second, private}},
		{"a profile may change single values", map[string]string{"profile": "staging"}, outcome{"", 3, true, 5 * time.Second, private}},
		{"a profile's mirrors replace the mirrors", map[string]string{"profile": "prod"}, outcome{"", 1, false, 45 * time.Second, private}},
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

func TestAProfilesMirrorsReplaceTheProxy(t *testing.T) {
	t.Parallel()
	const text = "proxy: https://top.example.test\nprofiles:\n  prod:\n    proxy: [https://prod.example.test]\n    direct: false\n"
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
	dir, ca := absolute(t, "etc/modferry"), absolute(t, "etc/ssl/ca.pem")
	config := filepath.Join(dir, "ci.yaml")
	f := files{filepath.ToSlash(config): "modcache: mod\nca-file: " + ca + "\n"}
	v, err := resolve(map[string]string{"config": config}, nil, f)
	if err != nil {
		t.Fatal(err)
	}
	if v.ModCache != filepath.Join(dir, "mod") || v.CAFile != ca {
		t.Errorf("modcache %q, ca-file %q", v.ModCache, v.CAFile)
	}
	v, err = resolve(map[string]string{"config": config, "modcache": "here"}, nil, f)
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
		{"a file without profiles", "dev", "no-probe: true\n",
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
	f.Add("proxy: [a\n")
	f.Add("profiles:\n  dev:\n    <<: *x\n")
	f.Add("? a\n: b\n")
	f.Add("private: |\n  a\n  b\n")
	f.Add("a: !!binary x\n--- b\n...\n")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "q7q7") {
			t.Skip("the text repeats the secret")
		}
		for _, full := range []string{text, "proxy:\n  - url: https://u:q7q7@h.example.test/\n" + text} {
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
