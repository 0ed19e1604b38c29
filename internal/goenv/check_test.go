package goenv

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/modferry/modferry/internal/finding"
)

// quietEnv is an environment without a trap; the tests change one variable at a
// time.
func quietEnv(changes map[string]string) Env {
	values := map[string]string{
		"GOPROXY": "https://a.test|direct", "GOSUMDB": DefaultSumDB, "GOPRIVATE": "git.x.test", "GONOPROXY": "git.x.test", "GONOSUMDB": "git.x.test",
		"GOMODCACHE": native("/c"), "GOPATH": native("/p"), "GOTOOLCHAIN": "local", "GOAUTH": "netrc",
	}
	if private, ok := changes["GOPRIVATE"]; ok { // as Load derives them
		values["GONOPROXY"], values["GONOSUMDB"] = private, private
	}
	for name, value := range changes {
		values[name] = value
	}
	env := Env{}
	for name, value := range values {
		env[name] = Var{value, "environment"}
	}
	return env
}

// wellFormed checks what every finding must be.
func wellFormed(t *testing.T, f finding.Finding) {
	t.Helper()
	if !regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)+$`).MatchString(f.Check) {
		t.Errorf("check name %q is not kebab-case", f.Check)
	}
	if f.Severity.Rank() < 0 || f.Setting == "" || f.Source == "" {
		t.Errorf("%s lacks severity, setting or source: %+v", f.Check, f)
	}
	if !regexp.MustCompile(`(?s)^[A-Z].*\.$`).MatchString(f.Effect) {
		t.Errorf("%s: effect is no sentence: %q", f.Check, f.Effect)
	}
}

func TestEveryTrapIsNamed(t *testing.T) {
	t.Parallel()
	type env = map[string]string
	key := testKey(t, "db.test")
	modules := []string{"git.x.test/team/m", "pub.test/Mixed/m", "x.test/a"}
	for _, test := range []struct {
		name    string
		env     env
		modules []string
		checks  []string // all of them, worst first
		effect  string   // part of the first one's
		fix     string   // of the first one
	}{
		{name: "a value without a trap gives no finding", modules: modules},

		// GOPROXY
		{name: "a comma stops at a mirror that is down", env: env{"GOPROXY": "https://a.test,https://b.test|direct"}, checks: []string{"goproxy-separator"},
			effect: "404 and 410 only: when https://a.test is down"},
		{name: "a comma before direct is told, too", env: env{"GOPROXY": "https://a.test,direct"}, checks: []string{"goproxy-separator"},
			effect: "5xx"},
		{name: "a comma behind a public mirror guards nothing", env: env{"GOPROXY": "https://public.test,https://a.test,direct"}, checks: []string{"goproxy-separator"},
			effect: "when https://public.test, https://a.test is down", fix: "https://public.test|https://a.test,direct"},
		{name: "a comma before off changes nothing", env: env{"GOPROXY": "https://a.test,off"}},
		{name: "entries behind direct are never used", env: env{"GOPROXY": "direct,https://a.test"}, checks: []string{"goproxy-ignored-entries", "goproxy-direct-only"},
			effect: "The list ends at direct: the go command never uses what follows.", fix: "https://a.test,direct"},
		{name: "entries behind off are never used", env: env{"GOPROXY": "https://a.test|off|https://b.test"}, checks: []string{"goproxy-ignored-entries"},
			effect: "ends at off", fix: "https://a.test|off"},
		{name: "every refused entry is named", env: env{"GOPROXY": "Direct,OFF"}, checks: []string{"goproxy-keyword", "goproxy-keyword"},
			effect: "lower case", fix: "direct"},
		{name: "a misspelt keyword is a refused entry", env: env{"GOPROXY": "https://a.test|driect"}, checks: []string{"goproxy-keyword"},
			effect: "refuses the whole list", fix: "https://a.test|direct"},
		{name: "direct joined with a URL", env: env{"GOPROXY": "direct+https://a.test"}, checks: []string{"goproxy-list-separator"},
			effect: `only "," and "|" separate`, fix: "https://a.test,direct"},
		{name: "a semicolon the go command accepts", env: env{"GOPROXY": "https://a.test;https://b.test,direct"}, checks: []string{"goproxy-list-separator"},
			effect: "reads all of it as one URL", fix: "https://a.test,https://b.test,direct"},
		{name: "a full-width comma", env: env{"GOPROXY": "https://a.test，direct"}, checks: []string{"goproxy-list-separator"},
			effect: "one URL", fix: "https://a.test,direct"},
		{name: "a blank before direct", env: env{"GOPROXY": "https://a.test/ direct"}, checks: []string{"goproxy-list-separator"},
			effect: "one URL", fix: "https://a.test,direct"},
		{name: "an empty value", env: env{"GOPROXY": ""}, checks: []string{"goproxy-empty"}, effect: "no entry", fix: proxyExample},
		{name: "credentials over http are refused at every request", env: env{"GOPROXY": "http://u:hunter2@a.test|direct"}, checks: []string{"goproxy-http-credentials", "goproxy-pipe-passes-refusal"},
			effect: "refusing to pass credentials to insecure URL", fix: "https://a.test,direct"},
		{name: "credentials in the value", env: env{"GOPROXY": "https://u:hunter2@a.test,off"}, checks: []string{"goproxy-credentials"},
			effect: "instead of netrc", fix: "https://a.test,off"},
		{name: "a lone token is shown by the go command", env: env{"GOPROXY": "https://hunter2@a.test,off"}, checks: []string{"goproxy-credentials"},
			effect: "shows the token", fix: "https://a.test,off"},
		{name: "a secret in the query", env: env{"GOPROXY": "https://a.test?token=hunter2,off"}, checks: []string{"goproxy-credentials"},
			effect: "query", fix: "over https, the URL without the secret, which netrc or GOAUTH supplies"},
		{name: "plain http", env: env{"GOPROXY": "http://a.test|direct"}, checks: []string{"goproxy-http"}, effect: "unencrypted", fix: "https://a.test|direct"},
		{name: "plain http on this machine is fine", env: env{"GOPROXY": "http://127.0.0.1:8080|http://localhost:1|direct"}},
		{name: "a URL without host", env: env{"GOPROXY": "https:/a.test|direct"}, checks: []string{"goproxy-no-host"}, effect: "no Host", fix: "https://a.test|direct"},
		{name: "https is put before a host", env: env{"GOPROXY": "localhost:8080|direct"}, checks: []string{"goproxy-scheme-added"}, effect: "https://", fix: "https://localhost:8080|direct"},
		{name: "a fragment is dropped", env: env{"GOPROXY": "https://a.test/#x|direct"}, checks: []string{"goproxy-fragment"}, effect: "#", fix: "https://a.test|direct"},
		{name: "a mirror listed twice", env: env{"GOPROXY": "https://a.test|https://a.test/|direct"}, checks: []string{"goproxy-duplicate"}, effect: "remembers", fix: "each mirror once"},
		{name: "off is not offline", env: env{"GOPROXY": "off"}, checks: []string{"goproxy-not-offline"},
			effect: "modules that match GONOPROXY (git.x.test) are still downloaded", fix: "GODEBUG=cmdgonetlimit=0 in the environment refuses every use of the network"},
		{name: "directories are not offline either", env: env{"GOPROXY": "file:///srv/go", "GOPRIVATE": ""}, checks: []string{"goproxy-not-offline"}, effect: "checksum database"},

		// Patterns
		{name: "a pattern that matches nothing", env: env{"GOPRIVATE": "git.x.test, b.test"}, checks: []string{"pattern-blank"}, effect: "not trimmed", fix: "git.x.test,b.test"},
		{name: "a pattern without obvious repair", env: env{"GOPRIVATE": "{a,b}.test"}, checks: []string{"pattern-character", "pattern-character"}, effect: "contains",
			fix: "patterns such as git.example.test/team, separated by commas"},
		{name: "a pattern that matches no module of the checkout", env: env{"GOPRIVATE": "git.x.test,other.test"}, modules: modules, checks: []string{"pattern-unmatched"},
			effect: "none of the 3 modules"},
		{name: "a pattern for subdomains only", env: env{"GOPRIVATE": "*.x.test"}, modules: modules, checks: []string{"pattern-below-only"}, effect: "not x.test/a", fix: "*.x.test,x.test"},
		{name: "a pattern for what is below only", env: env{"GOPRIVATE": "git.x.test/team/m/*"}, modules: modules, checks: []string{"pattern-below-only"},
			effect: "not git.x.test/team/m", fix: "git.x.test/team/m/*,git.x.test/team/m"},
		{name: "a pattern in the wrong case", env: env{"GOPRIVATE": "git.x.test,pub.test/mixed"}, modules: modules, checks: []string{"pattern-case"}, effect: "pub.test/Mixed/m",
			fix: "the pattern spelled like the module path"},
		{name: "all modules private", env: env{"GOPRIVATE": "*"}, checks: []string{"pattern-everything"}, effect: "not verified", fix: "patterns for the private hosts only, such as git.example.test,*.corp.example.test"},
		{name: "no lookup for any module", env: env{"GONOSUMDB": "*"}, checks: []string{"pattern-everything"}, effect: "for toolchains only"},
		{name: "insecure origins everywhere", env: env{"GOINSECURE": "**"}, checks: []string{"pattern-everything"}, effect: "unverified TLS"},
		{name: "none for the mirrors", env: env{"GONOPROXY": "none"}, checks: []string{"pattern-none"}, effect: "keeps GOPRIVATE from applying"},
		{name: "none for everything", env: env{"GOPRIVATE": "none"}, checks: []string{"pattern-none"}, effect: "matches no module"},
		{name: "private modules asked of mirrors", env: env{"GONOPROXY": "none"}, modules: modules, checks: []string{"pattern-none", "gonoproxy-narrower"}, effect: "GOPRIVATE"},
		{name: "private modules looked up", env: env{"GONOSUMDB": "other.test"}, modules: modules, checks: []string{"gonosumdb-narrower", "pattern-unmatched"},
			effect: "git.x.test/team/m", fix: "other.test,git.x.test"},
		{name: "patterns that keep toolchains away", env: env{"GOPRIVATE": "golang.org", "GOTOOLCHAIN": "auto"}, checks: []string{"pattern-toolchain"}, effect: "toolchain not available",
			fix: "patterns for the private hosts only, or GOTOOLCHAIN=local"},
		{name: "GOINSECURE for a mirror", env: env{"GOINSECURE": "a.test"}, checks: []string{"goinsecure-mirror"}, effect: "repositories of modules only", fix: "the mirror's CA certificate in the system's store, or in a file with the public ones that SSL_CERT_FILE names"},

		// GOSUMDB
		{name: "looks up toolchains only", env: env{"GOSUMDB": "off"}, checks: []string{"gosumdb-off"}, effect: "unverified", fix: DefaultSumDB},
		{name: "no checksum database, but toolchains to download", env: env{"GOSUMDB": "off", "GOTOOLCHAIN": "auto"}, checks: []string{"gosumdb-off"}, effect: "disabled by GOSUMDB=off"},
		{name: "a malformed database", env: env{"GOSUMDB": "OFF"}, checks: []string{"gosumdb-key"}, effect: "malformed verifier id", fix: "off"},
		{name: "a database at a URL", env: env{"GOSUMDB": key + " https://db.test"}, checks: []string{"gosumdb-bypasses-mirrors"}, effect: "never a mirror", fix: key + ", where mirrors should answer"},
		{name: "the alias is told nothing", env: env{"GOSUMDB": DefaultSumDBAlias}},
		{name: "a database over plain http", env: env{"GOSUMDB": DefaultSumDB + " http://db.test"}, checks: []string{"gosumdb-http", "gosumdb-bypasses-mirrors"}, effect: "unencrypted", fix: DefaultSumDB + " https://db.test"},
		{name: "a database with credentials over http", env: env{"GOSUMDB": key + " http://u:hunter2@db.test"}, checks: []string{"gosumdb-http-credentials", "gosumdb-bypasses-mirrors"},
			effect: "refusing", fix: key + " https://db.test"},
		{name: "a database with credentials", env: env{"GOSUMDB": key + " https://u:hunter2@db.test"}, checks: []string{"gosumdb-credentials", "gosumdb-bypasses-mirrors"},
			effect: "environment", fix: key + " https://db.test"},

		// Modes
		{name: "vendor", env: env{"GOFLAGS": "-mod=vendor"}, checks: []string{"goflags-mod"}, effect: "downloads nothing"},
		{name: "mod", env: env{"GOFLAGS": "-modcacherw --mod=mod"}, checks: []string{"goflags-mod"}, effect: "other versions", fix: "-modcacherw"},
		{name: "mod in a workspace", env: env{"GOFLAGS": "-mod=mod", "GOWORK": native("/w/go.work")}, checks: []string{"goflags-mod"}, effect: "workspace", fix: "an empty value"},
		{name: "an unknown -mod", env: env{"GOFLAGS": "-mod=vendored"}, checks: []string{"goflags-mod"}, effect: "not supported"},
		{name: "readonly is the default", env: env{"GOFLAGS": "-mod=readonly '-ldflags=-s -w'"}},
		{name: "a flag and its value in two words", env: env{"GOFLAGS": "-v -mod vendor"}, checks: []string{"goflags-syntax"}, effect: "non-flag", fix: "-v -mod=vendor"},
		{name: "a word that is no flag", env: env{"GOFLAGS": "x -v"}, checks: []string{"goflags-syntax"}, effect: "non-flag", fix: "-v"},
		{name: "an open quotation mark", env: env{"GOFLAGS": "'-tags=a b"}, checks: []string{"goflags-syntax"}, effect: "not closed"},
		{name: "a flag that no command has", env: env{"GOFLAGS": "-v -nosuchflag=1"}, checks: []string{"goflags-syntax"}, effect: "unknown flag -nosuchflag", fix: "-v"},
		{name: "flags of several commands", env: env{"GOFLAGS": "-v -count=1 --race -test.run=X -vettool=/x -modcacherw -trimpath -buildvcs=false"}},
		{name: "-insecure", env: env{"GOFLAGS": "-insecure"}, checks: []string{"goflags-insecure"}, effect: "no effect"},
		{name: "-modfile", env: env{"GOFLAGS": "-modfile=go.ci.mod"}, checks: []string{"goflags-modfile"}, effect: "instead of go.mod"},
		{name: "GOPATH mode", env: env{"GO111MODULE": "off"}, checks: []string{"go111module-off"}, effect: "GOPATH mode"},
		{name: "a module mode that does not exist", env: env{"GO111MODULE": "yes"}, checks: []string{"go111module-invalid"}, effect: "unknown environment setting"},
		{name: "a relative workspace", env: env{"GOWORK": "go.work"}, checks: []string{"gowork-relative"}, effect: "not an absolute path"},
		{name: "no workspace", env: env{"GOWORK": "off", "GO111MODULE": "on"}},
		{name: "a toolchain that does not exist", env: env{"GOTOOLCHAIN": "1.26.0"}, checks: []string{"gotoolchain-invalid"}, effect: "invalid GOTOOLCHAIN"},
		{name: "an empty command for credentials", env: env{"GOAUTH": "netrc;"}, checks: []string{"goauth-invalid"}, effect: "empty", fix: "netrc"},
		{name: "off and netrc", env: env{"GOAUTH": "off;netrc"}, checks: []string{"goauth-invalid"}, effect: "off", fix: "netrc"},
		{name: "git without a directory", env: env{"GOAUTH": "git"}, checks: []string{"goauth-invalid"}, effect: "absolute path", fix: "git /absolute/path"},
		{name: "a program beside an invalid command", env: env{"GOAUTH": "helper --token hunter2;git"}, checks: []string{"goauth-invalid", "goauth-command"}, effect: "absolute path", fix: "git /absolute/path"},
		{name: "a program beside an empty command", env: env{"GOAUTH": "helper --token hunter2;"}, checks: []string{"goauth-invalid", "goauth-command"}, effect: "empty", fix: "helper …"},
		{name: "a program for credentials", env: env{"GOAUTH": "helper --token hunter2;netrc;git " + native("/w")}, checks: []string{"goauth-command"}, effect: "runs this program"},
		{name: "no credentials at all", env: env{"GOAUTH": "off"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			findings := Check(quietEnv(test.env), test.modules, isPublic)
			var checks []string
			for _, f := range findings {
				checks = append(checks, f.Check)
				wellFormed(t, f)
				for _, text := range []string{f.Found, f.Effect, f.Fix} {
					if strings.Contains(text, "hunter2") {
						t.Errorf("%s shows the secret: %+v", f.Check, f)
					}
				}
			}
			if diff := cmp.Diff(test.checks, checks); diff != "" {
				t.Fatalf("findings (-want +got):\n%s\n%+v", diff, findings)
			}
			if len(findings) == 0 {
				return
			}
			if !strings.Contains(findings[0].Effect, test.effect) {
				t.Errorf("effect %q lacks %q", findings[0].Effect, test.effect)
			}
			if test.fix != "" && findings[0].Fix != test.fix {
				t.Errorf("fix %q, want %q", findings[0].Fix, test.fix)
			}
		})
	}
}

func isPublic(url string) bool { return url == "https://public.test" }

// Whoever pastes the fix of one finding must not have to paste another over it.
func TestFindingsAboutAVariableTellOneValue(t *testing.T) {
	t.Parallel()
	type env = map[string]string
	for _, test := range []struct {
		name, setting string
		env           env
		modules       []string
		want          string
	}{
		{"a typo, credentials and a comma", "GOPROXY", env{"GOPROXY": "https://u:hunter2@a.test|https://public.test,Direct"}, nil, "https://a.test,https://public.test|direct"},
		{"credentials at two mirrors", "GOPROXY", env{"GOPROXY": "https://u:hunter2@a.test,http://u:hunter2@b.test,off"}, nil, "https://a.test,https://b.test,off"},
		{"a typo beside a secret that stays", "GOPROXY", env{"GOPROXY": "https://a.test?token=hunter2,Off"}, nil, "the value corrected where it is set; its credentials are not shown here"},
		{"a blank, and hosts that look private", "GOPRIVATE", env{"GOPRIVATE": "git.x.test, b.test"}, []string{"git.x.test/m", "b.test/m", "a.corp/m", "c.lan/m"}, "git.x.test,b.test,a.corp,c.lan"},
		{"subdomains only, twice", "GOPRIVATE", env{"GOPRIVATE": "*.x.test,y.test/*"}, []string{"x.test/m", "y.test"}, "*.x.test,y.test/*,x.test,y.test"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			n := 0
			for _, f := range Check(quietEnv(test.env), test.modules, isPublic) {
				if f.Setting != test.setting || strings.Contains(f.Fix, " netrc ") || f.Check == "goproxy-separator" && f.Fix == "" {
					continue
				}
				if n++; f.Fix != test.want {
					t.Errorf("%s: fix %q, want %q", f.Check, f.Fix, test.want)
				}
			}
			if n == 0 {
				t.Error("no finding tells a value")
			}
		})
	}
}

func TestFindingsComeWorstFirst(t *testing.T) {
	t.Parallel()
	findings := Check(quietEnv(map[string]string{"GOPROXY": "https://a.test,https://b.test|b", "GOSUMDB": "off", "GOFLAGS": "-mod=vendor", "GOTOOLCHAIN": "x"}), nil, nil)
	if len(findings) < 4 {
		t.Fatalf("%d findings, want at least 4", len(findings))
	}
	if !slices.IsSortedFunc(findings, func(a, b finding.Finding) int { return a.Severity.Rank() - b.Severity.Rank() }) {
		t.Errorf("not sorted: %+v", findings)
	}
}

// A correction that is a value, and not a description, must itself be free of
// errors: users paste it.
func TestCorrectedListsAreFreeOfErrors(t *testing.T) {
	t.Parallel()
	corrected := 0
	for _, list := range randomLists(400) {
		for _, f := range Check(quietEnv(map[string]string{"GOPROXY": list}), nil, nil) {
			if f.Severity != finding.Error || f.Setting != "GOPROXY" || f.Fix == proxyExample || strings.Contains(f.Fix, "xxxxx@") {
				continue
			}
			corrected++
			for _, again := range Check(quietEnv(map[string]string{"GOPROXY": f.Fix}), nil, nil) {
				if again.Severity == finding.Error && again.Check == f.Check && again.Found == f.Found {
					t.Errorf("%q: %s suggests %q, which has the same error", list, f.Check, f.Fix)
				}
			}
		}
	}
	if corrected == 0 {
		t.Error("no list was corrected, so nothing was compared")
	}
}

func TestSecretsNeverShow(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		"https://u:hunter2@a.test,Direct", "https://u:hunter2@a.test:port", "u:hunter2@a.test", "https://u:hunter2/x@a.test", "https://u:hunter2@a.test https://b.test",
		"https://u:hunter2@a.test，direct", "ftp://u:hunter2@a.test", "https://u:%zzhunter2@a.test", `"https://u:hunter2@a.test"`, "direct,https://u:hunter2@a.test",
		"http://u:hunter2@a.test,direct", "https://hunter2@a.test", "https://a.test?token=hunter2|direct", "file://u:hunter2@h/x", "direct+https://u:hunter2@a.test", "https://u:hunter2@",
	} {
		var texts []string
		_, proxyErr := ParseProxy(value)
		_, sumDBErr := ParseSumDB(DefaultSumDB + " " + value)
		for _, err := range []error{proxyErr, sumDBErr} {
			var bad *SyntaxError
			if errors.As(err, &bad) {
				texts = append(texts, bad.Error(), bad.Found, bad.Problem, bad.Fix)
			}
		}
		for _, f := range Check(quietEnv(map[string]string{"GOPROXY": value, "GOSUMDB": DefaultSumDB + " " + value, "GOPRIVATE": value, "GOFLAGS": "-x " + value}), nil, nil) {
			texts = append(texts, f.Found, f.Effect, f.Fix)
		}
		m := machine{env: map[string]string{"HOME": "/h", "GO_PROXY": value}, files: map[string]string{"/h/.config/go/env": " GOPROXY=" + value + "\nGOPROXY='" + value + "'\nGOPROXY=x\n"}}
		_, findings, _ := Load(m.host(), nil)
		for _, f := range findings {
			texts = append(texts, f.Found, f.Effect, f.Fix)
		}
		if len(texts) == 0 {
			t.Errorf("%q gave no text at all", value)
		}
		for _, text := range texts {
			if strings.Contains(text, "hunter2") {
				t.Errorf("%q shows its secret: %s", value, text)
			}
		}
	}
}
