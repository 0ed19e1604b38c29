package e2e

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/modferry/modferry/docs/docstest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

func TestExampleOfExec(t *testing.T) {
	t.Parallel()
	_, _, dir := modules(t)
	s, sumdb := toolbox(t)
	if err := os.WriteFile(filepath.Join(dir, "Makefile"), []byte("test:\n\tgo test ./...\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	m := newReader(t, dir, "GOPROXY="+s.URL, sumdb)
	out := m.bash(docstest.Text(t, "docs/relay.md#the-relay sh"))
	if n := strings.Count(out, "ok: "); n != 2 {
		t.Errorf("%d commands tell of a good end, want 2\n%s", n, out)
	}
	m.bash(docstest.Text(t, "docs/ci.md#other-ci-systems sh"))
}

func TestExampleOfAServer(t *testing.T) {
	t.Parallel()
	_, s, dir := modules(t)
	port := mirrortest.FreePort(t)
	m := newReader(t, dir, "MODFERRY_PROXY="+s.URL, "MODFERRY_LISTEN=127.0.0.1:"+port, "NO_PROXY=localhost")
	m.bash("trap 'kill $(jobs -p)' EXIT\n" + docstest.Swap(t, docstest.Text(t, "docs/relay.md#a-relay-as-a-server sh"), "8642", port))
	if zips := s.Paths("*.zip"); len(zips) != 3 {
		t.Errorf("the mirror was asked for %q", zips)
	}
}

// A token in the path, over http and https, and one in a netrc.
func TestExampleOfATokenOfAServer(t *testing.T) {
	t.Parallel()
	const token = "tok-0123456789abcdef0123456789abcdef"
	_, s, dir := modules(t)
	ca := mirrortest.NewAuthority(t)
	cert, key := writeCertificate(t, ca)
	lines := strings.Split(docstest.Text(t, "docs/relay.md#a-relay-as-a-server sh 3"), "\n")
	p := newPlace(t, s)
	plain, err := p.withEnv("MODFERRY_RELAY_TOKEN="+token).serve(t, t.TempDir(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(plain.kill)
	secure, err := p.withEnv("MODFERRY_RELAY_TOKEN="+token).serve(t, t.TempDir(), "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(secure.kill)
	address := strings.Replace(strings.TrimPrefix(secure.url, "http://"), "127.0.0.1", "localhost", 1)

	m := newReader(t, dir, "SSL_CERT_FILE="+ca.CAFile())
	build := "go build ./..."
	over := docstest.Swap(t, lines[0], "http://modferry:8642", plain.url, "TOKEN", token)
	m.bash("export " + over + "\n" + build)
	m.fresh().bash("export " + docstest.Swap(t, lines[0], "http://modferry:8642", "https://"+address, "TOKEN", token) + "\n" + build)
	if _, err := m.fresh().try("bash", "-euc", "export "+docstest.Swap(t, lines[0], "http://modferry:8642/TOKEN", plain.url)+"\n"+build); err == nil {
		t.Error("no token is needed, so that this shows nothing")
	}
	m = m.fresh()
	netrc := docstest.Swap(t, strings.TrimPrefix(lines[2], "# "), "modferry.example.com:8642", address, "TOKEN", token)
	m.bash("umask 077 && printf '%s\\n' '" + netrc + "' >~/.netrc")
	m.bash("export " + docstest.Swap(t, lines[1], "modferry.example.com:8642", address) + "\n" + build)
}

func (p *place) withEnv(env ...string) *place {
	other := *p
	other.env = append(slices.Clone(p.env), env...)
	return &other
}

// writeCertificate writes a certificate for this machine and its key.
func writeCertificate(t *testing.T, ca *mirrortest.Authority) (cert, key string) {
	t.Helper()
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	pair := ca.Issue(t, mirrortest.GoodCert)
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err == nil {
		err = errors.Join(
			os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]}), 0o600),
			os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600),
		)
	}
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

// The step of a Jenkinsfile, by the shell that Jenkins runs it in.
func TestExampleOfACacheOfExec(t *testing.T) {
	t.Parallel()
	_, s, dir := modules(t)
	if err := os.WriteFile(filepath.Join(dir, "Makefile"), []byte("all:\n\tgo build ./...\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	bucket, name, env := bucketAt(t, "s3.example.com")
	_, step, ok := strings.Cut(docstest.Text(t, "docs/relay.md#in-ci groovy"), "sh '")
	if !ok {
		t.Fatal("the example is no step sh")
	}
	script := docstest.Swap(t, strings.TrimSuffix(strings.TrimSpace(step), "'"), "//bucket", "//"+name)
	m := newReader(t, dir, slices.Concat(env, bucket.environ(), []string{"GOPROXY=" + s.URL})...)
	m.bash(script)
	s.Close()
	m.fresh().bash(script)
}
