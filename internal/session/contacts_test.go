package session

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/modferry/modferry/internal/report"
)

func TestHostsAreWrittenAsAllowListsHaveThem(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"https://a.example.test/x?sig=s3cret":  "a.example.test",
		"https://A.example.test:443/":          "a.example.test",
		"https://b.example.test:8443/":         "b.example.test:8443",
		"http://c.example.test/":               "c.example.test:80",
		"https://user:s3cret@d.example.test/x": "d.example.test",
		"https://[2001:db8::1]/":               "[2001:db8::1]",
		"https://[2001:db8::1]:8443/":          "[2001:db8::1]:8443",
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := hostOf(u); got != want {
			t.Errorf("%s is %q, want %q", raw, got, want)
		}
	}
}

// A host that two are expected at is listed for both; one that nobody is
// expected at is not ours to list.
func TestAHostIsListedForAllThatLiveThere(t *testing.T) {
	t.Parallel()
	c := &contacts{}
	c.expect("https://a.example.test/one", "the mirror one")
	c.expect("https://a.example.test/two", "the mirror two")
	c.expect("https://sum.example.test", "the checksum database sum.example.test")
	c.expect("file:///srv/mirror", "a directory")
	ask := c.watch(func(*http.Request) (*url.URL, error) { return nil, nil }, "")
	for _, raw := range []string{"https://a.example.test/one/x", "https://sum.example.test/latest", "https://api.example.test/"} {
		r, err := http.NewRequest(http.MethodGet, raw, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ask(r); err != nil {
			t.Fatal(err)
		}
	}
	res := &report.Result{}
	c.fill(res, "the cache gha")
	want := &report.Result{Hosts: []string{"a.example.test", "sum.example.test"}, Uncontacted: []string{"the cache gha"}, HostUses: map[string][]string{
		"a.example.test": {"the mirror one", "the mirror two"}, "sum.example.test": {"the checksum database sum.example.test"},
	}}
	if diff := cmp.Diff(want, res); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
