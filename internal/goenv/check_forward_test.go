package goenv

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/settings"
)

func TestForwardProxiesAreUsedAsByTheGoCommand(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		env    map[string]string
		url    string
		want   string   // the forward proxy
		checks []string // of the findings
	}{
		{"no forward proxy", nil, "https://m.example.test", "", nil},
		{"one for https", map[string]string{"HTTPS_PROXY": "http://p.test:3128"}, "https://m.example.test", "http://p.test:3128", nil},
		{"one without a scheme", map[string]string{"https_proxy": "p.test:3128"}, "https://m.example.test", "http://p.test:3128", nil},
		{"one for http counts for http alone", map[string]string{"HTTP_PROXY": "p.test:3128"}, "https://m.example.test", "", []string{"forward-proxy-http-only"}},
		{"… and nothing is odd where NO_PROXY says so anyway", map[string]string{"HTTP_PROXY": "p.test:3128", "NO_PROXY": "example.test"}, "https://m.example.test", "", nil},
		{"the mirror is http", map[string]string{"HTTP_PROXY": "p.test:3128"}, "http://m.example.test", "http://p.test:3128", nil},
		{"ALL_PROXY is not read", map[string]string{"ALL_PROXY": "socks5://p.test:1080"}, "https://m.example.test", "", []string{"forward-proxy-unknown"}},
		{"… and harmless beside HTTPS_PROXY", map[string]string{"ALL_PROXY": "socks5://p.test:1080", "HTTPS_PROXY": "p.test:3128"}, "https://m.example.test", "http://p.test:3128", nil},
		{"the upper case wins", map[string]string{"HTTPS_PROXY": "a.test:1", "https_proxy": "b.test:1"}, "https://m.example.test", "http://a.test:1", []string{"forward-proxy-two-values"}},
		{"loopback is never proxied", map[string]string{"HTTP_PROXY": "p.test:1"}, "http://127.0.0.1:8080", "", []string{"forward-proxy-loopback"}},
		{"an exception by domain", map[string]string{"HTTPS_PROXY": "p.test:1", "NO_PROXY": "*.example.test"}, "https://m.example.test", "", []string{"no-proxy-mirror"}},
		{"an exception by range", map[string]string{"HTTPS_PROXY": "p.test:1", "NO_PROXY": "10.0.0.0/8"}, "https://10.1.2.3", "", []string{"no-proxy-mirror"}},
		{"an exception for everything", map[string]string{"HTTPS_PROXY": "p.test:1", "NO_PROXY": "*"}, "https://m.example.test", "", []string{"no-proxy-mirror"}},
		{"an address inside", map[string]string{"HTTPS_PROXY": "p.test:1"}, "https://10.1.2.3", "http://p.test:1", []string{"forward-proxy-internal-mirror"}},
		{"an exception with a scheme", map[string]string{"HTTPS_PROXY": "p.test:1", "NO_PROXY": "https://m.example.test"}, "https://m.example.test", "http://p.test:1", []string{"no-proxy-element"}},
		{"an exception with a path", map[string]string{"HTTPS_PROXY": "p.test:1", "NO_PROXY": "m.example.test/go"}, "https://m.example.test", "http://p.test:1", []string{"no-proxy-element"}},
		{"exceptions separated by blanks", map[string]string{"HTTPS_PROXY": "p.test:1", "NO_PROXY": "a.test m.example.test"}, "https://m.example.test", "http://p.test:1", []string{"no-proxy-element"}},
		{"a star in the middle", map[string]string{"HTTPS_PROXY": "p.test:1", "NO_PROXY": "m*.example.test"}, "https://m.example.test", "http://p.test:1", []string{"no-proxy-element"}},
		{"a strange scheme", map[string]string{"HTTPS_PROXY": "socks4://p.test:1"}, "https://m.example.test", "socks4://p.test:1", []string{"forward-proxy-invalid"}},
		{"a password", map[string]string{"HTTPS_PROXY": "http://u:s3cr3t@p.test:1"}, "https://m.example.test", "http://u:xxxxx@p.test:1", nil},
		{"exceptions without a proxy are nobody's business", map[string]string{"NO_PROXY": "https://x"}, "https://m.example.test", "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := ReadForward(func(name string) string { return tt.env[name] })
			u, err := url.Parse(tt.url)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if proxy, err := f.proxyForURL(u); err != nil {
				t.Error(err)
			} else if proxy != nil {
				got = settings.Redact(proxy.String())
			}
			if got != tt.want {
				t.Errorf("asked through %q, want %q", got, tt.want)
			}
			var checks []string
			for _, finding := range f.Check(Chain{{Kind: Mirror, Raw: tt.url, URL: tt.url}}) {
				checks = append(checks, finding.Check)
				if strings.Contains(finding.Found+finding.Effect+finding.Fix, "s3cr3t") {
					t.Errorf("the password is shown: %+v", finding)
				}
			}
			if !slices.Equal(checks, tt.checks) {
				t.Errorf("found %v, want %v", checks, tt.checks)
			}
		})
	}
}

func TestFindingsOnForwardProxiesHideCredentials(t *testing.T) {
	t.Parallel()
	f := ReadForward(func(name string) string {
		return map[string]string{"HTTP_PROXY": "u:s3cr3t@p.test:1", "ALL_PROXY": "u:s3cr3t@p.test:1", "http_proxy": "v:s3cr3t@p.test:1"}[name]
	})
	found := f.Check(Chain{{Kind: Mirror, URL: "https://m.example.test"}})
	if len(found) != 3 {
		t.Errorf("found %+v, want three things", found)
	}
	for _, finding := range found {
		if strings.Contains(finding.Found+finding.Effect+finding.Fix, "s3cr3t") {
			t.Errorf("the password is shown: %+v", finding)
		}
	}
}

func TestForwardFindingsAreToBePasted(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		env   map[string]string
		chain string
		want  []string // the fixes
	}{
		{"findings about NO_PROXY tell one value", map[string]string{"HTTPS_PROXY": "p.test:1", "NO_PROXY": "a.test,https://b.test,c.test/x"}, "https://go.corp", []string{
			"NO_PROXY=a.test,b.test,c.test,go.corp", "NO_PROXY=a.test,b.test,c.test,go.corp", "NO_PROXY=a.test,b.test,c.test,go.corp"}},
		{"credentials are neither shown nor masked", map[string]string{"ALL_PROXY": "http://u:s3cr3t@p.test:1"}, "https://a.test", []string{"the same address in HTTPS_PROXY, its credentials included"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			chain, err := ParseProxy(test.chain)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range ReadForward(func(name string) string { return test.env[name] }).Check(chain) {
				got = append(got, f.Fix)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("fixes %q, want %q", got, test.want)
			}
		})
	}
}

func TestAForwardProxyWhosePasswordIsCutIsRefused(t *testing.T) {
	t.Parallel()
	for address, refused := range map[string]bool{
		"http://fw:s3cr3t@ss/w#rd@127.0.0.1:1": true,
		"fw:s3cr3t@ss/w#rd@127.0.0.1:1":        true,
		"http://fw:/s3cr3t@127.0.0.1:1":        true,
		"http://fw:s3cr3t%zz@127.0.0.1:1":      false, // doctor tells of it, and nothing is sent to a wrong host
		"http://fw:s3cr3t%40@127.0.0.1:1/":     false,
		"http://127.0.0.1:1/":                  false,
	} {
		f := ReadForward(func(name string) string { return map[string]string{"https_proxy": address}[name] })
		err := f.Err()
		if (err != nil) != refused {
			t.Errorf("%s: got %v, want an error: %v", address, err, refused)
		}
		if err != nil && (strings.Contains(err.Error(), "s3cr3t") || strings.Contains(err.Error(), "ss/w") || !strings.Contains(err.Error(), "https_proxy: ") || !strings.Contains(err.Error(), "percent-encode")) {
			t.Errorf("%s: the error says %v", address, err)
		}
		var told bool
		for _, finding := range f.Check(nil) {
			told = told || finding.Check == "forward-proxy-invalid" && strings.Contains(finding.Effect, "percent-encode")
		}
		if told != refused {
			t.Errorf("%s: doctor tells of it: %v, want %v", address, told, refused)
		}
	}
}
