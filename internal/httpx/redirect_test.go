package httpx_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/httpx"
)

func request(t *testing.T, rawURL, authorization string) *http.Request {
	t.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{"Referer": {"https://ann:s3cret@a.test/"}}
	if authorization != "" {
		h.Set("Authorization", authorization)
	}
	return &http.Request{Method: http.MethodGet, URL: u, Header: h}
}

func TestCheckRedirect(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, from, to string
		before         int // requests so far
		refused, loop  bool
		sent           string // the Authorization that goes along
	}{
		{"same host", "https://a.test/x", "https://a.test/y", 1, false, false, "Basic x"},
		{"back from elsewhere", "https://a.test/x", "https://a.test/y", 3, false, false, "Basic x"},
		{"subdomain", "https://a.test/x", "https://b.a.test/y", 1, false, false, ""},
		{"other port", "https://a.test/x", "https://a.test:8443/y", 1, false, false, ""},
		{"up to https", "http://a.test/x", "https://a.test/y", 1, false, false, ""},
		{"down to http", "https://a.test/x", "http://ann:s3cret@a.test/y?sig=q1w2", 1, true, false, ""},
		{"to no web server", "http://a.test/x", "ftp://a.test/y", 1, true, false, ""},
		{"the tenth request", "https://a.test/x", "https://a.test/y", 9, false, false, "Basic x"},
		{"an eleventh request", "https://a.test/x", "https://a.test/y", 10, true, true, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			via := []*http.Request{request(t, test.from, "Basic x")}
			for len(via) < test.before {
				via = append(via, request(t, "https://elsewhere.test/", ""))
			}
			next := request(t, test.to, "")
			if next.URL.Host == via[0].URL.Host || test.sent == "" {
				next.Header.Set("Authorization", "Basic x") // as net/http would send it
			}
			err := httpx.CheckRedirect(next, via)
			refused, ok := errors.AsType[*httpx.RedirectError](err)
			if ok != test.refused || (err != nil) != test.refused {
				t.Fatalf("CheckRedirect = %v, want an error: %t", err, test.refused)
			}
			if test.refused {
				if refused.Loop != test.loop {
					t.Errorf("%v: loop %t, want %t", err, refused.Loop, test.loop)
				}
				if strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "q1w2") {
					t.Errorf("%q shows the credentials of the URL", err)
				}
				return
			}
			if got := next.Header.Get("Authorization"); got != test.sent {
				t.Errorf("sent Authorization %q, want %q", got, test.sent)
			}
			if got := next.Header.Get("Referer"); got != "" {
				t.Errorf("the Referer %q went along", got)
			}
		})
	}
}
