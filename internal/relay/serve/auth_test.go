package serve_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/relay/serve"
)

const other = "ffffffffffffffffffffffffffffffff"

// writePEM writes a certificate with its key into a file.
func writePEM(t *testing.T, name string, c tls.Certificate) string {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]})
	text = append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...)
	return write(t, name, string(text))
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestWhoIsAnswered(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m")
	mirror := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	authority := mirrortest.NewAuthority(t)
	const path = "/example.test/m/@v/v1.0.0.mod"
	plain := newBench(t, mirror.URL)
	plain.token = token
	plain.start()
	open := newBench(t, mirror.URL).start()
	secure := newBench(t, mirror.URL)
	secure.flags["tls-cert"] = writePEM(t, filepath.Join(t.TempDir(), "server.pem"), authority.Issue(t, mirrortest.GoodCert))
	secure.flags["token-file"] = write(t, filepath.Join(t.TempDir(), "tokens"), "# the team's\n"+token+"\n\n"+strings.Repeat("a", 16)+"\n")
	secure.start()
	secure.trust(&tls.Config{RootCAs: authority.Pool()})
	for _, test := range []struct {
		name   string
		b      *bench
		path   string
		header []string
		basic  [2]string
		status int
		says   string
	}{
		{name: "no token", b: plain, path: path, status: 401, says: "http://HOST:PORT/TOKEN"},
		{name: "the token in the path", b: plain, path: "/" + token + path, status: 200},
		{name: "another one", b: plain, path: "/" + other + path, status: 401},
		{name: "the beginning of it", b: plain, path: "/" + token[:31] + path, status: 401},
		{name: "a bearer token over http", b: plain, path: path, header: []string{"Authorization", "Bearer " + token}, status: 400, says: "plain http"},
		{name: "a password over http", b: plain, path: "/" + token + path, basic: [2]string{"u", token}, status: 400, says: "plain http"},
		{name: "a password where none is wanted", b: open, path: path, basic: [2]string{"u", "p"}, status: 400, says: "plain http"},
		{name: "nothing is wanted", b: open, path: path, status: 200},
		{name: "no token over https", b: secure, path: path, status: 401, says: ".netrc"},
		{name: "a bearer token", b: secure, path: path, header: []string{"Authorization", "bearer " + token}, status: 200},
		{name: "a wrong bearer token", b: secure, path: path, header: []string{"Authorization", "Bearer " + other}, status: 401, says: "none of those"},
		{name: "a password", b: secure, path: path, basic: [2]string{"anybody", token}, status: 200},
		{name: "the second token", b: secure, path: path, basic: [2]string{"x", strings.Repeat("a", 16)}, status: 200},
		{name: "a comment is no token", b: secure, path: path, basic: [2]string{"x", "# the team's"}, status: 401},
		{name: "a wrong password", b: secure, path: path, basic: [2]string{token, other}, status: 401},
		{name: "the path over https", b: secure, path: "/" + token + path, status: 200},
		{name: "another scheme", b: secure, path: path, header: []string{"Authorization", "Digest " + token}, status: 401},
		{name: "metrics", b: secure, path: "/metrics", status: 200},
		{name: "health", b: plain, path: "/healthz", status: 200},
		{name: "the result", b: plain, path: "/result", status: 401},
	} {
		t.Run(test.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, test.b.url+test.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i := 0; i < len(test.header); i += 2 {
				req.Header.Set(test.header[i], test.header[i+1])
			}
			header := test.header
			if test.basic[1] != "" {
				req.SetBasicAuth(test.basic[0], test.basic[1])
				header = []string{"Authorization", req.Header.Get("Authorization")}
			}
			resp, body := test.b.get(test.path, header...)
			if resp.StatusCode != test.status || !strings.Contains(body, test.says) || strings.Contains(body, token) {
				t.Errorf("%d %s", resp.StatusCode, body)
			}
			if again := resp.Header.Get("WWW-Authenticate") != ""; again != (test.status == 401 && test.b == secure) {
				t.Errorf("WWW-Authenticate: %t", again)
			}
		})
	}
	for _, b := range []*bench{plain, secure} {
		if s := b.log.String(); strings.Contains(s, token) {
			t.Errorf("the log shows a token:\n%s", s)
		}
	}
	for _, r := range mirror.Requests() {
		if r.Header.Get("Authorization") != "" || strings.Contains(r.Path, token) {
			t.Errorf("the mirror got %s %v", r.Path, r.Header)
		}
	}
}

// The go command reads the password from .netrc, for https only, and wants the port there.
func TestAGoCommandShowsItsPassword(t *testing.T) {
	t.Parallel()
	mirrortest.NeedSSLCertFile(t)
	f := modules(t, "example.test/m")
	mirror := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	authority := mirrortest.NewAuthority(t)
	b := newBench(t, mirror.URL)
	b.flags["tls-cert"] = writePEM(t, filepath.Join(t.TempDir(), "server.pem"), authority.Issue(t, mirrortest.GoodCert))
	b.token = token
	b.start()
	netrc := write(t, filepath.Join(t.TempDir(), "netrc"), "machine "+strings.TrimPrefix(b.url, "https://")+" login ci password "+token+"\n")
	env := []string{"NETRC=" + netrc, "SSL_CERT_FILE=" + authority.CAFile(), "GONOSUMDB=example.test"}
	if out, err := b.gocmd(b.url, t.TempDir(), env, "mod", "download", "-json", "example.test/m@v1.0.0"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := b.gocmd(b.url, t.TempDir(), env[1:], "mod", "download", "-json", "example.test/m@v1.0.0"); err == nil || !strings.Contains(out, "401") {
		t.Errorf("without a password: %v\n%s", err, out)
	}
}

func TestClientsShowCertificates(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m")
	mirror := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	servers, clients := mirrortest.NewAuthority(t), mirrortest.NewAuthority(t)
	b := newBench(t, mirror.URL)
	b.flags["tls-cert"] = writePEM(t, filepath.Join(t.TempDir(), "server.pem"), servers.Issue(t, mirrortest.GoodCert))
	b.flags["client-ca"] = clients.CAFile()
	b.start()
	const path = "/example.test/m/@v/v1.0.0.mod"
	for _, test := range []struct {
		name   string
		cert   []tls.Certificate
		status int // 0: no connection
	}{
		{"none", nil, 401},
		{"a right one", []tls.Certificate{clients.IssueClient(t, "client")}, 200},
		{"one of others", []tls.Certificate{servers.IssueClient(t, "client")}, 0},
	} {
		// What is not of the right authority is not shown by Go's client, unless told to.
		b.trust(&tls.Config{RootCAs: servers.Pool(), GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if test.cert == nil {
				return &tls.Certificate{}, nil
			}
			return &test.cert[0], nil
		}})
		if test.status == 0 {
			if resp, err := b.client.Get(b.url + path); err == nil {
				resp.Body.Close()
				t.Errorf("%s: %d", test.name, resp.StatusCode)
			}
			continue
		}
		if resp, body := b.get(path); resp.StatusCode != test.status {
			t.Errorf("%s: %d %s", test.name, resp.StatusCode, body)
		}
		if resp, _ := b.get("/healthz"); resp.StatusCode != 200 {
			t.Errorf("%s: the probe got %d", test.name, resp.StatusCode)
		}
	}
}

func TestATokenThatClientsDoNotHideIsToldOf(t *testing.T) {
	t.Parallel()
	mirror := mirrortest.Start(t, mirrortest.Options{Fixtures: modules(t, "example.test/m")})
	for token, want := range map[string]bool{token: false, "our-relay-of-the-team": true} {
		b := newBench(t, mirror.URL)
		b.token = token
		b.start()
		if got := strings.Contains(b.log.String(), "looks like words"); got != want {
			t.Errorf("%s: told of it: %v, want %v", token, got, want)
		}
	}
}

func TestSettingsThatCannotBeMeantAreRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		token string
		flags map[string]string
		says  string
	}{
		"a short token":          {token: "short", says: "MODFERRY_RELAY_TOKEN"},
		"a token for no URL":     {token: "0123456789abcdef/0123", says: "expected 16 to 200 letters"},
		"a file without tokens":  {flags: map[string]string{"token-file": write(t, filepath.Join(t.TempDir(), "t"), "# none\n")}, says: "found no token"},
		"no file of tokens":      {flags: map[string]string{"token-file": filepath.Join(t.TempDir(), "none")}, says: "--token-file"},
		"a key alone":            {flags: map[string]string{"tls-key": "key.pem"}, says: "--tls-cert FILE"},
		"client-ca without TLS":  {flags: map[string]string{"client-ca": "ca.pem"}, says: "--tls-cert FILE"},
		"no certificate":         {flags: map[string]string{"tls-cert": filepath.Join(t.TempDir(), "none")}, says: "--tls-cert"},
		"a store nobody shares":  {flags: map[string]string{"shared-store": "gha"}, says: "expected dir:PATH or s3://"},
		"no address":             {flags: map[string]string{"listen": "nowhere"}, says: "listen at nowhere"},
		"a chain without mirror": {flags: map[string]string{"proxy": "direct"}, says: "expected a mirror"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "https://mirror.example.test")
			b.token = test.token
			for k, v := range test.flags {
				b.flags[k] = v
			}
			if err := serve.Run(t.Context(), b.options()); err == nil || !strings.Contains(err.Error(), test.says) || test.token != "" && strings.Contains(err.Error(), test.token) {
				t.Errorf("got %v, want %q", err, test.says)
			}
		})
	}
}
