package mirror_test

import (
	"crypto/tls"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// trusting opens a mirror that a client certificate is shown to.
func trusting(t *testing.T, s *mirrortest.Server, clients *mirrortest.Authority, o mirror.Options, rawURL string) *mirror.Mirror {
	t.Helper()
	cert, key := clients.Client(t, "client")
	pair, err := mirror.KeyPair("client-certificate", cert, key)
	if err != nil {
		t.Fatal(err)
	}
	m, err := mirror.NewClient(o).OpenTrusting(rawURL, mirror.Limits{}, mirror.Trust{RootCAs: s.CA(), Certificate: pair})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

func TestAClientCertificateIsShownToTheMirrorsHostAlone(t *testing.T) {
	t.Parallel()
	clients := mirrortest.NewAuthority(t)
	for _, test := range []struct {
		name  string
		to    string // of the Location
		shown bool
	}{
		{"a path of the same host", "/there", true},
		{"the same host with its port", "https://go.example.test:443/there", true},
		{"another port", "https://go.example.test:8443/there", false},
		{"another host", "https://other.example.test/there", false},
		{"a parent domain", "https://example.test/there", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := mirrortest.Start(t, mirrortest.Options{Protocol: mirrortest.HTTP2, ClientAuth: tls.RequestClientCert, Clients: clients,
				Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/there" {
						http.NotFound(w, r)
						return
					}
					http.Redirect(w, r, test.to, http.StatusFound)
				})})
			network := new(mirrortest.Network)
			for _, host := range []string{"example.test", "go.example.test", "other.example.test"} {
				network.Route(host, s.Addr)
			}
			m := trusting(t, s, clients, mirror.Options{Dial: network.DialContext, Proxy: func(*http.Request) (*url.URL, error) { return nil, nil }}, "https://go.example.test")
			read(m, mirror.Request{Path: "example.test/a/@v/v1.0.0.mod"})
			all := s.Requests()
			if len(all) != 2 || all[0].Peer != "client" || (all[1].Peer == "client") != test.shown {
				t.Errorf("requests %+v, want the second one shown %t", all, test.shown)
			}
		})
	}
}

// net/http would show a forward proxy with an https:// address the certificate, too.
func TestAForwardProxyIsShownNoClientCertificate(t *testing.T) {
	t.Parallel()
	clients := mirrortest.NewAuthority(t)
	s := mirrortest.Start(t, mirrortest.Options{Protocol: mirrortest.HTTP1TLS, ClientAuth: tls.RequestClientCert, Clients: clients})
	m := trusting(t, s, clients, mirror.Options{Proxy: func(*http.Request) (*url.URL, error) { return url.Parse(s.URL) }}, "https://go.example.test")
	_, err := m.Get(t.Context(), mirror.Request{Path: "example.test/a/@v/v1.0.0.mod"})
	if fe := failure.As(err); fe == nil || fe.Class != failure.ProxyConnect || !strings.Contains(fe.Error(), "NO_PROXY") {
		t.Errorf("got %v", err)
	}
	if n := s.Connections(); n > 0 {
		t.Errorf("%d connections to the forward proxy", n)
	}
}

func TestKeyPair(t *testing.T) {
	t.Parallel()
	a := mirrortest.NewAuthority(t)
	cert, key := a.Client(t, "client")
	_, otherKey := a.Client(t, "client")
	both := filepath.Join(t.TempDir(), "both.pem")
	var text []byte
	for _, name := range []string{cert, key} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, data...)
	}
	if err := os.WriteFile(both, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, cert, key, says string }{
		{"two files", cert, key, ""},
		{"one file", both, "", ""},
		{"no key", cert, "", "and its key, not encrypted, in " + cert},
		{"another key", cert, otherKey, "private key does not match public key"},
		{"no certificate", key, key, "as PEM blocks"},
		{"a missing file", filepath.Join(t.TempDir(), "x"), key, "read the client-certificate"},
		{"a missing key", cert, filepath.Join(t.TempDir(), "x"), "read the key of the client-certificate"},
	} {
		pair, err := mirror.KeyPair("client-certificate", test.cert, test.key)
		if (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) || (pair == nil) != (err != nil) {
			t.Errorf("%s: %v, %v; want an error with %q", test.name, pair != nil, err, test.says)
		}
	}
}
