package mirrortest_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

func TestHostsAreKnownByNameOverTLS(t *testing.T) {
	t.Parallel()
	h := mirrortest.StartHosts(t, map[string]http.Handler{
		"a.corp.example": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "a of "+r.Host) }),
		"b.corp.example": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "b of "+r.Host) }),
	})
	pem, err := os.ReadFile(h.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	proxy, err := url.Parse(h.URL)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport}
	for _, name := range []string{"a", "b"} {
		resp, err := client.Get("https://" + name + ".corp.example/")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if want := name + " of " + name + ".corp.example"; err != nil || string(body) != want {
			t.Errorf("%q, %v, want %q", body, err, want)
		}
	}
	if resp, err := client.Get("https://c.corp.example/"); err == nil {
		resp.Body.Close()
		t.Error("there is a host c")
	}
	if got, want := h.Asked(), []string{"a.corp.example", "b.corp.example", "c.corp.example"}; !slices.Equal(got, want) {
		t.Errorf("asked %q, want %q", got, want)
	}
}
