package fetch_test

import (
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
)

// A mirror that wants credentials is told of together with what became of those that
// there are.
func TestCredentialsThatDoNotHelpAreExplained(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 100)
	for _, test := range []struct {
		name     string
		protocol mirrortest.Protocol
		setup    func(b *fetchtest.Bench, host string)
		check    string // "" for no finding about credentials
		say      []string
	}{
		{"a wrong password", mirrortest.HTTP2, func(b *fetchtest.Bench, host string) {
			b.Netrc("machine "+host+" login ci password wrong\n", 0o600)
		}, "credentials-refused", []string{"netrc (login ci) were sent to the mirror and refused"}},
		{"a variable that nobody has replaced", mirrortest.HTTP2, func(b *fetchtest.Bench, host string) {
			b.Netrc("machine "+host+" login ci password ${ARTIFACTORY_TOKEN}\n", 0o600)
		}, "credentials-refused", []string{"${…}"}},
		{"none", mirrortest.HTTP2, func(b *fetchtest.Bench, _ string) { b.Netrc("", 0o600) }, "", nil},
		{"a file that is not there", mirrortest.HTTP2, func(b *fetchtest.Bench, _ string) {
			b.Setenv("NETRC", filepath.Join(b.Dir, "gone"))
		}, "netrc-missing", []string{"gone", "does not exist"}},
		{"no file at the usual place", mirrortest.HTTP2, func(b *fetchtest.Bench, _ string) { b.Setenv("HOME", b.Dir) }, "", nil},
		{"nothing but a default", mirrortest.HTTP2, func(b *fetchtest.Bench, _ string) {
			b.Netrc("default login ci password s3cret\n", 0o600)
		}, "netrc-unmatched", []string{"default"}},
		{"the right ones for plain http", mirrortest.HTTP1, func(b *fetchtest.Bench, host string) {
			b.Netrc("machine "+host+" login ci password s3cret\n", 0o600)
		}, "netrc-http", []string{"plain http", "https://"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			authority := mirrortest.NewAuthority(t)
			s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Protocol: test.protocol, Authority: authority, BasicAuth: "ci:s3cret"})
			u, err := url.Parse(s.URL)
			if err != nil {
				t.Fatal(err)
			}
			b := fetchtest.New(t, f, mirrortest.Checkout{})
			b.Trust(authority)
			test.setup(b, u.Host)
			res := b.Run(s.URL)
			fetchtest.WantOutcome(t, res, report.Incomplete)
			for _, check := range []string{"credentials-refused", "netrc-missing", "netrc-unmatched", "netrc-http"} {
				got := fetchtest.Found(res, check)
				if (got != nil) != (check == test.check) {
					t.Errorf("%s: %+v", check, got)
				}
				for _, want := range test.say {
					if got != nil && !strings.Contains(got.Found+" "+got.Effect+" "+got.Fix, want) {
						t.Errorf("it does not say %q: %+v", want, got)
					}
				}
			}
		})
	}
}

// A mirror that cannot be reached because NO_PROXY keeps it from the forward proxy is
// told of together with that.
func TestAMirrorThatNoProxyKeepsFromTheForwardProxyIsToldOf(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 100)
	for exceptions, want := range map[string]bool{"*.example.test": true, "*.other.test": false} {
		t.Run(exceptions, func(t *testing.T) {
			t.Parallel()
			network := new(mirrortest.Network)
			network.NoSuchHost("mirror.example.test")
			b := fetchtest.New(t, f, mirrortest.Checkout{})
			b.Options.Dial, b.Options.Proxy = network.DialContext, func(*http.Request) (*url.URL, error) { return nil, nil }
			b.Values.Retries = 0
			b.Setenv("HTTPS_PROXY", "http://proxy.example.test:3128")
			b.Setenv("NO_PROXY", exceptions)
			got := fetchtest.Found(b.Run("https://mirror.example.test/go"), "no-proxy-mirror")
			if (got != nil) != want {
				t.Fatalf("found %+v", got)
			}
			if got != nil && (got.Found != exceptions || !strings.Contains(got.Effect, "mirror.example.test")) {
				t.Errorf("found %+v", got)
			}
		})
	}
}
