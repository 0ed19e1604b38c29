package fetch_test

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
)

// ruled are modules of a company, of others, and one that nobody may be asked for.
func ruled(t *testing.T) *mirrortest.Fixtures {
	t.Helper()
	return mirrortest.Build(t,
		mirrortest.Module{Path: "corp.test/a", Version: "v1.0.0", Size: 4 << 10},
		mirrortest.Module{Path: "corp.test/b", Version: "v1.0.0", Size: 4 << 10},
		mirrortest.Module{Path: "open.test/x", Version: "v1.0.0", Size: 4 << 10},
		mirrortest.Module{Path: "open.test/y", Version: "v1.0.0", Size: 4 << 10},
	)
}

// wantNames checks of whose modules a mirror was asked: of those alone, and of some.
func wantNames(t *testing.T, what string, s *mirrortest.Server, hosts ...string) {
	t.Helper()
	seen := map[string]bool{}
	for _, r := range s.Requests() {
		host, _, _ := strings.Cut(strings.TrimPrefix(r.Path, "/"), "/")
		if host != "sumdb" {
			seen[host] = true
		}
	}
	for _, h := range hosts {
		if !seen[h] {
			t.Errorf("%s was not asked for modules of %s", what, h)
		}
		delete(seen, h)
	}
	if len(seen) > 0 {
		t.Errorf("%s was asked for modules of %v", what, seen)
	}
}

// What a rule names is asked of its mirrors and never elsewhere: no probe names it, and
// no failure of theirs leads on to others.
func TestWhatARuleNamesIsAskedNowhereElse(t *testing.T) {
	t.Parallel()
	f := ruled(t)
	wrong := []mirrortest.Rule{
		mirrortest.Always("*corp.test/a/*.zip", mirrortest.Swap(mirrortest.Corrupt(t, mirrortest.Module{Path: "corp.test/a", Version: "v1.0.0", Size: 4 << 10}, mirrortest.OtherContent)))}
	for _, test := range []struct {
		name    string
		one     []mirrortest.Rule // faults of the company's first mirror
		oneGone bool
		two     []mirrortest.Rule // of its second one
		twoGone bool
		outcome report.Outcome
		class   failure.Class // of the company's modules
	}{
		{"two replicas", nil, false, nil, false, report.OK, ""},
		{"one replica is dead", nil, true, nil, false, report.OK, ""},
		{"the other replica is dead", nil, false, nil, true, report.OK, ""},
		{"both are dead", nil, true, nil, true, report.Incomplete, failure.Refused},
		{"one has nothing", []mirrortest.Rule{mirrortest.Always("*", mirrortest.Status(404))}, false, nil, false, report.OK, ""},
		{"both have nothing", []mirrortest.Rule{mirrortest.Always("*", mirrortest.Status(404))}, false, []mirrortest.Rule{mirrortest.Always("*", mirrortest.Status(410))}, false, report.Incomplete, failure.Gone},
		{"both refuse", []mirrortest.Rule{mirrortest.Always("*", mirrortest.Status(403))}, false, []mirrortest.Rule{mirrortest.Always("*", mirrortest.Status(401))}, false, report.Incomplete, failure.Unauthorized},
		{"both fail", []mirrortest.Rule{mirrortest.Always("*", mirrortest.Status(500))}, false, []mirrortest.Rule{mirrortest.Always("*", mirrortest.Status(503))}, false, report.Incomplete, failure.ServerError},
		{"one has wrong bytes", wrong, false, nil, false, report.OK, ""},
		{"both have wrong bytes", wrong, false, wrong, false, report.Integrity, failure.HashMismatch},
	} {
		for _, probed := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, probed %t", test.name, probed), func(t *testing.T) {
				t.Parallel()
				one := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: test.one})
				two := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: test.two})
				public := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
				if test.oneGone {
					one.Close()
				}
				if test.twoGone {
					two.Close()
				}
				b := fetchtest.New(t, f, mirrortest.Checkout{})
				proxy := b.Configure(fmt.Sprintf(`
proxy:
  - {name: one, url: '%s', fall-through: any}
  - {name: two, url: '%s', fall-through: any}
  - {name: world, url: '%s', fall-through: any}
direct: false
retries: 2
rules:
  - {modules: corp.test, mirrors: [one, two]}
  - {modules: '*', mirrors: world}
`, one.URL, two.URL, public.URL))
				b.Values.NoProbe = !probed
				r := b.Run(proxy)
				fetchtest.WantOutcome(t, r, test.outcome)
				wantNames(t, "the public mirror", public, "open.test")
				for what, s := range map[string]*mirrortest.Server{"the first": one, "the second": two} {
					for _, q := range s.Requests() {
						if !strings.HasPrefix(q.Path, "/corp.test/") && !strings.HasPrefix(q.Path, "/sumdb/") {
							t.Errorf("%s mirror of the company was asked for %s", what, q.Path)
						}
					}
				}
				for _, m := range r.Modules {
					ours := strings.HasPrefix(m.Path, "corp.test/")
					if !ours && m.Source != report.FromMirror {
						t.Errorf("%s: %s %s", m.Path, m.Source, m.Message)
					}
					if ours && m.Source == report.FromMirror && m.Mirror == public.URL {
						t.Errorf("%s is from the public mirror", m.Path)
					}
					if test.class == failure.Refused && ours && (m.Source != report.FromFailed || m.Class != test.class) {
						t.Errorf("%s: %s %s: %s", m.Path, m.Source, m.Class, m.Message)
					}
				}
			})
		}
	}
}

// A mirror that no rule lets be asked for anything that a probe could ask for is not
// probed, and serves all the same.
func TestAMirrorIsNotProbedWithWhatItMayNotBeAsked(t *testing.T) {
	t.Parallel()
	f := ruled(t)
	corp := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	world := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	proxy := b.Configure(fmt.Sprintf(`
proxy:
  - {name: corp, url: '%s'}
  - {name: world, url: '%s'}
rules:
  - {modules: 'corp.test', mirrors: corp}
  - {modules: '*', mirrors: world}
`, corp.URL, world.URL))
	b.Env["GOPRIVATE"], b.Env["GONOPROXY"] = "corp.test", "none" // private names are in no probe
	r := b.Run(proxy)
	fetchtest.WantOutcome(t, r, report.OK)
	wantNames(t, "the company's mirror", corp, "corp.test")
	wantNames(t, "the other mirror", world, "golang.org", "open.test")
	if n := corp.Count("*.mod"); n != 2 {
		t.Errorf("the company's mirror was asked for %d go.mod files, want 2: a private name is in no probe", n)
	}
}

// A module for which a rule lets nobody be asked is refused, and the reason says where
// that stands.
func TestWhatARuleRefusesIsAskedOfNobody(t *testing.T) {
	t.Parallel()
	f := ruled(t)
	for _, end := range []string{"direct: true", "direct: false"} {
		for _, word := range []string{"none", "off"} {
			t.Run(end+" "+word, func(t *testing.T) {
				t.Parallel()
				s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
				b := fetchtest.New(t, f, mirrortest.Checkout{})
				r := b.Run(b.Configure(fmt.Sprintf("proxy: ['%s']\n%s\nrules:\n  - {modules: corp.test/b, mirrors: %s}\n", s.URL, end, word)))
				fetchtest.WantOutcome(t, r, report.Incomplete)
				for _, q := range s.Matching("*corp.test/b*") {
					t.Errorf("asked for %s", q.Path)
				}
				for _, m := range r.Modules {
					refused := m.Path == "corp.test/b"
					if refused != (m.Source == report.FromFailed) {
						t.Errorf("%s %s: %s %s", m.Path, m.Kind, m.Source, m.Message)
					}
					if refused && (m.Class != failure.Disabled || !strings.Contains(m.Message, "job.yaml:4") || !strings.Contains(m.Message, "lets nobody be asked")) {
						t.Errorf("%s: %s", m.Class, m.Message)
					}
				}
				if fetchtest.Found(r, "rules-not-exported") == nil {
					t.Error("nothing says what later go commands do")
				}
			})
		}
	}
}

// Each mirror has certificates of its own: the one for the company's is shown to it
// alone, and its CA is trusted for it alone.
func TestCertificatesOfOneMirror(t *testing.T) {
	t.Parallel()
	f := ruled(t)
	corp, other, clients := mirrortest.NewAuthority(t), mirrortest.NewAuthority(t), mirrortest.NewAuthority(t)
	cert, key := clients.Client(t, "client")
	for _, test := range []struct {
		name, config string
		ok           bool
	}{
		{"with both", fmt.Sprintf("ca-file: '%s', client-certificate: '%s', client-key: '%s'", corp.CAFile(), cert, key), true},
		{"without a certificate", fmt.Sprintf("ca-file: '%s'", corp.CAFile()), false},
		{"with another CA", fmt.Sprintf("ca-file: '%s', client-certificate: '%s', client-key: '%s'", other.CAFile(), cert, key), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Protocol: mirrortest.HTTP2, Authority: corp, ClientAuth: tls.RequireAndVerifyClientCert, Clients: clients})
			public := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Protocol: mirrortest.HTTP2, Authority: other, ClientAuth: tls.RequestClientCert, Clients: clients})
			b := fetchtest.New(t, f, mirrortest.Checkout{})
			proxy := b.Configure(fmt.Sprintf(`
proxy:
  - {name: corp, url: '%s', %s}
  - {name: world, url: '%s', ca-file: '%s'}
direct: false
retries: 1
rules:
  - {modules: corp.test, mirrors: corp}
  - {modules: '*', mirrors: world}
`, s.URL, test.config, public.URL, other.CAFile()))
			r := b.Run(proxy)
			if (r.Outcome == report.OK) != test.ok {
				t.Errorf("%s: %s", r.Outcome, r.Message)
			}
			if f := fetchtest.Found(r, "mirror-certificates"); f == nil || f.Found != s.URL {
				t.Errorf("found %+v, want that go commands do not know the certificates", f)
			}
			for _, q := range s.Requests() {
				if q.Peer != "client" {
					t.Errorf("%s came from %q", q.Path, q.Peer)
				}
			}
			wantNames(t, "the public mirror", public, "golang.org", "open.test") // the former by a probe: it stands behind a gatekeeper
			for _, q := range public.Requests() {
				if q.Peer != "" {
					t.Errorf("the public mirror was shown the certificate of %q", q.Peer)
				}
			}
		})
	}
}

// Mirrors of the job's region are asked first, and the others where they fail.
func TestMirrorsOfTheRegionComeFirst(t *testing.T) {
	t.Parallel()
	f := ruled(t)
	for _, test := range []struct {
		region string
		gone   bool
		want   string
	}{
		{"", false, "us"}, {"eu", false, "eu"}, {"us", false, "us"}, {"eu", true, "us"}, {"moon", false, "us"},
	} {
		t.Run(fmt.Sprintf("%s gone %t", test.region, test.gone), func(t *testing.T) {
			t.Parallel()
			servers := map[string]*mirrortest.Server{}
			for _, r := range []string{"us", "eu"} {
				servers[r] = mirrortest.Start(t, mirrortest.Options{Fixtures: f})
			}
			if test.gone {
				servers[test.region].Close()
			}
			b := fetchtest.New(t, f, mirrortest.Checkout{})
			proxy := b.Configure(fmt.Sprintf("proxy:\n  - {url: '%s', region: us, fall-through: any}\n  - {url: '%s', region: eu, fall-through: any}\ndirect: false\n", servers["us"].URL, servers["eu"].URL))
			b.Values.Region, b.Values.NoHedge = test.region, true
			r := b.Run(proxy)
			fetchtest.WantOutcome(t, r, report.OK)
			says := map[string]string{"": "", "moon": "no mirror is of the region moon"}
			if want, ok := says[test.region]; !ok && !slices.Contains(r.Choice.Reasons, "mirrors of the region "+test.region+" stand first") || want != "" && !slices.Contains(r.Choice.Reasons, want) {
				t.Errorf("the reasons are %q", r.Choice.Reasons)
			}
			for _, m := range r.Modules {
				if m.Mirror != servers[test.want].URL {
					t.Errorf("%s %s is from %s", m.Path, m.Kind, m.Mirror)
				}
			}
		})
	}
}

// A failure tells why nobody else was asked: the rule, or what the list says, in the
// words of the list.
func TestAFailureSaysWhyNobodyElseWasAsked(t *testing.T) {
	t.Parallel()
	f := ruled(t)
	world := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	for _, test := range []struct {
		name, fallThrough, rules string
		status                   int // 0 for a mirror that is down
		want                     string
	}{
		{"a rule", "not-found", "rules: [{modules: corp.test, mirrors: one}]", 0, "The rule for corp.test ("},
		{"a rule, with fall-through", "any", "rules: [{modules: corp.test, mirrors: one}]", 0, "The rule for corp.test ("},
		{"a rule, refused", "not-found", "rules: [{modules: corp.test, mirrors: one}]", 403, "The rule for corp.test ("},
		{"a rule, not found", "any", "rules: [{modules: corp.test, mirrors: one}]", 404, "The rule for corp.test ("},
		{"a rule with all mirrors", "not-found", "rules: [{modules: corp.test, mirrors: [one, world]}]", 0, "guards nothing, give it fall-through: any"},
		{"no rule", "not-found", "", 0, "guards nothing, give it fall-through: any"},
		{"no rule, refused", "not-found", "", 403, "The refusal of "},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			one := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.Always("*", mirrortest.Status(test.status))}})
			if test.status == 0 {
				one.Close()
			}
			b := fetchtest.New(t, f, mirrortest.Checkout{})
			proxy := b.Configure(fmt.Sprintf("proxy:\n  - {name: one, url: '%s', fall-through: %s}\n  - {name: world, url: '%s'}\ndirect: false\nretries: 0\n%s\n",
				one.URL, test.fallThrough, world.URL, test.rules))
			b.Values.NoProbe = true
			r := b.Run(proxy)
			fetchtest.WantOutcome(t, r, report.Incomplete)
			told := 0
			for _, m := range r.Modules {
				if m.Source != report.FromFailed || m.Class == failure.CircuitOpen || !strings.HasPrefix(m.Path, "corp.test/") {
					continue
				}
				told++
				where := ""
				if strings.Contains(test.want, "rule") {
					where = "job.yaml:6) lets no other mirror be asked"
				}
				if !strings.Contains(m.Message, test.want) || !strings.Contains(m.Message, where) || strings.Contains(m.Message, "|") {
					t.Errorf("%s: %s, want %q", m.Path, m.Message, test.want)
				}
			}
			if told == 0 {
				t.Error("nothing has failed")
			}
		})
	}
}
