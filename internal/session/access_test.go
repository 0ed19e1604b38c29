package session_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/fetch"
	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/relay"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
)

// Rules of the checkout may keep modules from mirrors. They may send nothing to a mirror
// that is not the job's, when the job names its mirrors.
func TestRulesOfTheCheckout(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 3, 1<<10)
	for _, test := range []struct {
		name            string
		job             string // GOPROXY of the job: yes or no
		trusted         bool
		asked, theirsOf string // the module numbers that the job's and the checkout's mirrors are asked for
		found           string
	}{
		{"beside the job's mirrors", "yes", false, "0 1", "", "checkout-mirrors-overruled"},
		{"with mirrors of the checkout alone", "no", false, "", "0 1", "checkout-this-run"},
		{"of a checkout that the job trusts", "no", true, "", "0 1", "rules-not-exported"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			jobs := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
			theirs := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
			b := fetchtest.New(t, f, mirrortest.Checkout{})
			config := fmt.Sprintf("proxy: [{name: theirs, url: '%s'}]\nrules:\n  - {modules: example.test/m000, mirrors: theirs}\n  - {modules: example.test/m002, mirrors: none}\n", theirs.URL)
			env := map[string]string{"GOSUMDB": "off"}
			if test.job == "yes" {
				env["GOPROXY"] = jobs.URL
			}
			j := spoken(b, config, map[string]string{"trust-checkout": fmt.Sprint(test.trusted)}, env)
			res, chosen := fetch.Run(t.Context(), j, nil)
			fetchtest.WantOutcome(t, res, report.Incomplete)
			for what, s := range map[string]*mirrortest.Server{test.asked: jobs, test.theirsOf: theirs} {
				var got []string
				for _, n := range []string{"0", "1", "2"} {
					if len(s.Matching("*/m00"+n+"/*")) > 0 {
						got = append(got, n)
					}
				}
				if strings.Join(got, " ") != what {
					t.Errorf("asked for %q, want %q", got, what)
				}
			}
			if !slices.Contains(checks(res), test.found) {
				t.Errorf("the findings are %v", checks(res))
			}
			if goproxy := exported(j, chosen)["GOPROXY"]; strings.Contains(goproxy, theirs.URL) != test.trusted {
				t.Errorf("later steps get GOPROXY=%s", goproxy)
			}
		})
	}
}

// A relay says what @latest is, so the checkout does not choose who is asked: of its
// rules it takes those that nobody is asked by.
func TestRulesOfTheCheckoutAndARelay(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 3, 1<<10)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	j := spoken(b, "proxy: [{name: theirs, url: 'https://stranger.test'}]\nrules:\n  - {modules: example.test/m000, mirrors: theirs}\n  - {modules: example.test/m002, mirrors: none}\n",
		nil, map[string]string{"GOPROXY": s.URL, "GOSUMDB": "off"})
	r, err := relay.Open(j.Values, j.Env, b.Options)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{"example.test/m000": 1, "example.test/m001": 1, "example.test/m002": 0} {
		if got := len(r.Access.Route(r.Chain, path)); got != want {
			t.Errorf("%d mirrors for %s, want %d", got, path, want)
		}
	}
}

// Certificates and regions of the checkout's mirrors decide nothing.
func TestCertificatesOfTheCheckout(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 1<<10)
	clients := mirrortest.NewAuthority(t)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Protocol: mirrortest.HTTP2, ClientAuth: 1, Clients: clients})
	cert, key := clients.Client(t, "client")
	for _, trusted := range []bool{false, true} {
		b := fetchtest.New(t, f, mirrortest.Checkout{})
		config := fmt.Sprintf("region: eu\nproxy: [{url: '%s', ca-file: '%s', client-certificate: '%s', client-key: '%s'}]\n", s.URL, s.CAFile(), cert, key)
		j := spoken(b, config, map[string]string{"trust-checkout": fmt.Sprint(trusted)}, map[string]string{"GOSUMDB": "off"})
		s.Forget()
		res, _ := fetch.Run(t.Context(), j, nil)
		if (res.Outcome == report.OK) != trusted || (len(s.Requests()) > 0) != trusted || (j.Values.Region == "eu") != trusted {
			t.Errorf("trusted %t: %s %s, region %q", trusted, res.Outcome, res.Message, j.Values.Region)
		}
		for _, q := range s.Requests() {
			if q.Peer != "client" {
				t.Errorf("%s came from %q", q.Path, q.Peer)
			}
		}
		ignored := 0
		for _, f := range res.Findings {
			if f.Check == "checkout-setting-ignored" {
				ignored++
			}
		}
		if (ignored == 3) == trusted {
			t.Errorf("trusted %t: %d settings ignored: %v", trusted, ignored, res.Findings)
		}
	}
}

// What cannot mean what was intended is refused.
func TestRulesThatCannotBeMeant(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 1<<10)
	for _, test := range []struct{ config, says string }{
		{"rules: [{modules: 'https://corp.test', mirrors: none}]", "module paths have no scheme"},
		{"rules: [{modules: corp.test/..., mirrors: none}]", "... has no special meaning"},
		{"rules: [{modules: corp.test, mirrors: 'https://other.test'}]", "names the mirror https://other.test, expected one of the chain (GOPROXY is from: test)"},
		{"rules: [{modules: corp.test, mirrors: public}]", "names the mirror public, expected one of the chain"},
	} {
		b := fetchtest.New(t, f, mirrortest.Checkout{})
		b.Configure(test.config + "\n")
		if _, err := b.Open("https://job.test,direct"); err == nil || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), "job.yaml:1") {
			t.Errorf("%s: %v, want an error that says %q", test.config, err, test.says)
		}
	}
}

// The first rule that matches decides, and what is private stays private whatever a rule
// says.
func TestWhichRuleDecides(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 1<<10)
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	public := mirror.PublicCatalogue()[0].URL
	proxy := b.Configure(`
proxy:
  - {name: artifactory, url: 'https://u:p@corp.test/go'}
  - ` + public + `
  - https://other.test
rules:
  - {modules: corp.test/open, mirrors: [public, artifactory]}
  - {modules: 'corp.test,*.corp.test/x', mirrors: artifactory}
  - {modules: bad.test, mirrors: none}
  - {modules: world.test, mirrors: public}
`)
	b.Env["GOPRIVATE"], b.Env["GONOPROXY"] = "corp.test/secret,corp.test/open/secret", "corp.test/never"
	s, err := b.Open(proxy)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"corp.test/open":         "corp.test public",
		"corp.test/open/v2/x":    "corp.test public",
		"corp.test/open/secret":  "corp.test",
		"corp.test/a":            "corp.test",
		"corp.test/secret":       "corp.test",
		"corp.test/never":        "",
		"git.corp.test/x/y":      "corp.test",
		"git.corp.test/y":        "corp.test public other.test",
		"bad.test/x":             "",
		"world.test/x":           "public",
		"rest.test/x":            "corp.test public other.test",
		"":                       "corp.test public other.test", // no module
		"corp.testing.example/x": "corp.test public other.test",
	} {
		var got []string
		for _, h := range s.Access.Route(s.Chain, path) {
			got = append(got, h.Host())
			if h.Public {
				got[len(got)-1] = "public"
			}
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("%s: asked of %q, want %q", path, text, want)
		}
		if refused := s.Access.Refuses(path) != ""; refused != strings.HasPrefix(path, "bad.test") {
			t.Errorf("%s: refused %t", path, refused)
		}
	}
	if s.Chain.End != goenv.Direct || len(session.Access{}.Groups()) != 1 {
		t.Errorf("the chain ends in %v", s.Chain.End)
	}
}
