package session_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/modferry/modferry/internal/fetch"
	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/store/gha/ghatest"
)

// An allow-list that is copied from a result is enough to run the same again,
// so that every host is in it: of mirrors, of what they redirect to, of the
// cache and of where it keeps its bytes.
func TestEveryHostThatWasAskedIsListedWithItsUse(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 3, 1000)
	storage := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	first := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.Always("*.zip", mirrortest.RedirectTo(storage.URL))}})
	second := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	g := ghatest.Start(t, ghatest.Options{Protocol: "v2"})
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	b.Values.Cache, b.Values.NoProbe = "gha:v2", true
	b.Options.Getenv = g.Getenv

	r := b.Run(first.URL + "," + second.URL)
	fetchtest.WantOutcome(t, r, report.OK)
	uses := map[string][]string{
		first.Addr:     {"the mirror " + first.URL},
		storage.Addr:   {"where the mirror " + first.URL + " redirects to"},
		addr(t, g.URL): {"the cache gha:v2"},
	}
	if diff := cmp.Diff(uses, r.HostUses); diff != "" {
		t.Errorf("uses (-want +got):\n%s", diff)
	}
	for host := range uses {
		if !slices.Contains(r.Hosts, host) {
			t.Errorf("hosts %v lack %s", r.Hosts, host)
		}
	}
	if want := []string{"the mirror " + second.URL + " (" + second.Addr + ")"}; !slices.Equal(r.Uncontacted, want) {
		t.Errorf("not contacted %q, want %q", r.Uncontacted, want)
	}

	// The save and the next restore ask the cache alone.
	j, err := b.Open(first.URL)
	if err != nil {
		t.Fatal(err)
	}
	saved := fetch.Save(t.Context(), j, nil)
	b.Afresh()
	restored := b.Run(first.URL)
	for name, r := range map[string]*report.Result{"save": saved, "restore": restored} {
		for _, host := range r.Hosts {
			if !slices.Equal(r.HostUses[host], []string{"the cache gha:v2"}) {
				t.Errorf("%s: %s for %v", name, host, r.HostUses[host])
			}
		}
		if !slices.Contains(r.Hosts, addr(t, g.URL)) {
			t.Errorf("%s: hosts %v lack the cache's %s", name, r.Hosts, g.URL)
		}
		for _, secret := range g.Secrets() {
			if strings.Contains(strings.Join(r.Hosts, " "), secret) {
				t.Errorf("%s: a host tells a secret", name)
			}
		}
	}
}

func TestAForwardProxyIsAHostThatWasAsked(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 10)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	b.Values.NoProbe = true
	proxy, err := url.Parse(s.URL) // of plain http it gets the whole URL, and answers alike
	if err != nil {
		t.Fatal(err)
	}
	b.Options.Proxy = func(*http.Request) (*url.URL, error) { return proxy, nil }
	r := b.Run("http://mirror.example.test")
	fetchtest.WantOutcome(t, r, report.OK)
	want := map[string][]string{"mirror.example.test:80": {"the mirror http://mirror.example.test"}, s.Addr: {"the forward proxy"}}
	if diff := cmp.Diff(want, r.HostUses); diff != "" {
		t.Errorf("uses (-want +got):\n%s", diff)
	}
}

// addr is the host of a URL as hosts are listed.
func addr(t *testing.T, rawURL string) string {
	t.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}
