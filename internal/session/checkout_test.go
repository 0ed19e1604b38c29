package session_test

import (
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/fetch"
	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/settings"
)

// spoken opens a session over a checkout with a configuration file. environment
// is the go command's, as the job has it.
func spoken(b *fetchtest.Bench, config string, flags, environment map[string]string) *session.Session {
	b.T.Helper()
	if err := os.WriteFile(filepath.Join(b.Dir, ".modferry.yaml"), []byte(config), 0o666); err != nil {
		b.T.Fatal(err)
	}
	all := map[string]string{"dir": b.Dir, "modcache": b.ModCache, "no-probe": "true"}
	for name, value := range flags {
		all[name] = value
	}
	v, err := settings.Resolve(all, func(string) string { return "" }, settings.Disk{})
	if err != nil {
		b.T.Fatal(err)
	}
	v.CAFile = b.Values.CAFile
	environment["GOENV"] = "off"
	env, _, err := session.Environment(v, goenv.Host{Getenv: func(name string) string { return environment[name] }})
	if err != nil {
		b.T.Fatal(err)
	}
	s, err := session.Open(v, env, b.Options)
	if err != nil {
		b.T.Fatal(err)
	}
	return s
}

func exported(s *session.Session, chosen session.Chain) map[string]string {
	out := map[string]string{}
	for _, e := range s.Exports(chosen, true) {
		out[e.Name] = e.Value
	}
	return out
}

func checks(res *report.Result) []string {
	var out []string
	for _, f := range res.Findings {
		out = append(out, f.Check)
	}
	return out
}

// A mirror that only the checkout names brings what go.sum verifies, gets no
// password, and is nobody's mirror afterwards.
func TestMirrorsOfTheCheckout(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 2, 1<<10)
	authority := mirrortest.NewAuthority(t)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Protocol: mirrortest.HTTP2, Authority: authority})
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, config string
		flags        map[string]string
		env          string // GOPROXY of the job's environment
		asked, guest bool
		found        string
	}{
		{"named by the checkout", "proxy: " + s.URL, nil, "", true, true, "checkout-this-run"},
		{"listed by the checkout", "proxy: ['" + s.URL + "']", nil, "", true, true, "checkout-this-run"},
		{"named by a checkout that the job trusts", "proxy: " + s.URL, map[string]string{"trust-checkout": "true"}, "", true, false, ""},
		{"named by the job", "retries: 1", map[string]string{"proxy": s.URL}, "", true, false, ""},
		{"named by the checkout, while the job's environment names another", "proxy: " + s.URL, nil, "off", false, false, "checkout-mirrors-overruled"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := fetchtest.New(t, f, mirrortest.Checkout{})
			b.Trust(authority)
			b.Netrc("machine "+u.Host+" login user password hunter2\n", 0o600)
			before := len(s.Requests())
			j := spoken(b, tt.config+"\n", tt.flags, map[string]string{"GOPROXY": tt.env, "GOSUMDB": "off"})
			res, chosen := fetch.Run(t.Context(), j, nil)
			requests := s.Requests()[before:]
			if (res.Outcome == report.OK) != tt.asked || (len(requests) > 0) != tt.asked {
				t.Errorf("outcome %s: %s, %d requests", res.Outcome, res.Message, len(requests))
			}
			for _, r := range requests {
				if given := r.Header.Get("Authorization") != ""; given == tt.guest {
					t.Errorf("%s with credentials: %t", r.Path, given)
				}
			}
			goproxy := exported(j, chosen)["GOPROXY"]
			if got := strings.Contains(goproxy, u.Host); got != (tt.asked && !tt.guest) {
				t.Errorf("later steps get GOPROXY=%s", goproxy)
			}
			if tt.found != "" && !slices.Contains(checks(res), tt.found) {
				t.Errorf("the findings are %v", checks(res))
			}
		})
	}
}

// Private patterns of the checkout narrow this run, beside the job's; later
// steps get the job's alone, since GOPRIVATE also decides what is verified.
func TestPrivatePatternsOfTheCheckout(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 3, 1<<10)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	j := spoken(b, "private: example.test/m000\n", map[string]string{"proxy": s.URL},
		map[string]string{"GOPRIVATE": "example.test/m001", "GOSUMDB": "off"})
	res, chosen := fetch.Run(t.Context(), j, nil)
	for _, r := range s.Requests() {
		if !strings.Contains(r.Path, "m002") {
			t.Errorf("the mirror was asked for %s", r.Path)
		}
	}
	for _, m := range res.Modules {
		if want := map[bool]string{true: report.FromMirror, false: report.FromDeferred}[strings.HasSuffix(m.Path, "m002")]; m.Source != want {
			t.Errorf("%s is %s, want %s", m.Path, m.Source, want)
		}
	}
	if got := exported(j, chosen)["GOPRIVATE"]; got != "example.test/m001" {
		t.Errorf("later steps get GOPRIVATE=%s", got)
	}
	if got := res.Settings.GOPRIVATE; got != "example.test/m001,example.test/m000" {
		t.Errorf("the result says GOPRIVATE=%s", got)
	}
}

func TestAPatternOfTheCheckoutThatMatchesNothingIsRefused(t *testing.T) {
	t.Parallel()
	b := fetchtest.New(t, mirrortest.Generate(t, 1, 10), mirrortest.Checkout{})
	b.Values.Checkout.Private = "https://git.corp.test"
	if _, err := b.Open("off"); err == nil || !strings.Contains(err.Error(), "git.corp.test") {
		t.Errorf("got %v", err)
	}
}

// What --mirrors adds at the word of the checkout stays in this run.
func TestMirrorsThatTheCheckoutAddsAreNotExported(t *testing.T) {
	t.Parallel()
	b := fetchtest.New(t, mirrortest.Generate(t, 1, 10), mirrortest.Checkout{})
	const job = "https://goproxy.corp.test,direct"
	theirs := spoken(b, "mirrors: auto\n", map[string]string{"proxy": job}, map[string]string{"GOSUMDB": "off"})
	_, chosen := fetch.Unprobed(theirs)
	if got := exported(theirs, chosen)["GOPROXY"]; got != job {
		t.Errorf("later steps get GOPROXY=%s", got)
	}
	own := spoken(b, "", map[string]string{"proxy": job, "mirrors": "auto"}, map[string]string{"GOSUMDB": "off"})
	_, chosen = fetch.Unprobed(own)
	if got := exported(own, chosen)["GOPROXY"]; strings.Count(got, "https://") < 2 {
		t.Errorf("at the job's word, later steps get GOPROXY=%s", got)
	}
}

func TestTheResultSaysWhatTheCheckoutSaid(t *testing.T) {
	t.Parallel()
	b := fetchtest.New(t, mirrortest.Generate(t, 1, 10), mirrortest.Checkout{})
	j := spoken(b, "sumdb: off\nretries: 1\nca-file: x.pem\n", map[string]string{"proxy": "off"}, map[string]string{"GOSUMDB": "off"})
	res, _ := fetch.Unprobed(j)
	got := res.Settings.Checkout
	if got == nil || got.File != ".modferry.yaml" || !slices.Equal(got.Obeyed, []string{"retries"}) || !slices.Equal(got.Ignored, []string{"ca-file", "sumdb"}) {
		t.Errorf("%+v", got)
	}
}

// A link that a pull request put in the place of a directory moves nothing out
// of the checkout.
func TestPlacesBehindALinkOfTheCheckoutAreNotWritten(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 1<<10)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	away := t.TempDir()
	if err := os.Symlink(away, filepath.Join(b.Dir, "link")); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	saving := spoken(b, "", map[string]string{"proxy": s.URL, "cache": "dir:" + filepath.Join(b.Dir, "link", "cache")}, map[string]string{"GOSUMDB": "off"})
	fetch.Run(t.Context(), saving, nil)
	saving = spoken(b, "", map[string]string{"proxy": s.URL, "cache": "dir:" + filepath.Join(b.Dir, "link", "cache")}, map[string]string{"GOSUMDB": "off"})
	fetch.Save(t.Context(), saving, nil)
	fetching := spoken(b, "", map[string]string{"proxy": s.URL, "modcache": filepath.Join(b.Dir, "link", "mod")}, map[string]string{"GOSUMDB": "off"})
	if res, _ := fetch.Run(t.Context(), fetching, nil); res.Outcome != report.Settings || !strings.Contains(res.Message, "behind a link") {
		t.Errorf("outcome %s: %s", res.Outcome, res.Message)
	}
	if left, err := os.ReadDir(away); err != nil || len(left) > 0 {
		t.Errorf("written outside of the checkout: %v, %v", left, err)
	}
}
