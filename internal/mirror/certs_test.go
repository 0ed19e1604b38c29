package mirror_test

import (
	"crypto/x509"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/mirror"
)

func TestCertPool(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(nil)
	t.Cleanup(s.Close)
	dir := t.TempDir()
	write := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	good := write("good.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})))
	large, err := os.Create(filepath.Join(dir, "large.pem"))
	if err != nil {
		t.Fatal(err)
	}
	defer large.Close()
	if err := large.Truncate(mirror.MaxCertificates + 1); err != nil {
		t.Fatal(err)
	}

	mine := x509.NewCertPool()
	for name, pool := range map[string]*x509.CertPool{"beside the system's": nil, "beside those of a pool": mine} {
		got, err := mirror.CertPool(pool, "--ca-file", good)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Certificate().Verify(x509.VerifyOptions{Roots: got, DNSName: "example.com"}); err != nil {
			t.Errorf("%s: the server's certificate is not trusted: %v", name, err)
		}
	}
	if !mine.Equal(x509.NewCertPool()) {
		t.Error("the pool given was changed")
	}
	if got, err := mirror.CertPool(mine, "--ca-file", ""); got != mine || err != nil {
		t.Errorf("without a file: %v, %v; want the pool itself", got, err)
	}
	for _, test := range []struct{ name, file, says string }{
		{"missing", filepath.Join(dir, "none.pem"), "read the CA certificates of --ca-file"},
		{"a directory", dir, "read the CA certificates of --ca-file"},
		{"too large", large.Name(), "read the CA certificates of --ca-file"},
		{"no certificate", write("empty.pem", "no PEM\n"), "found no certificate"},
	} {
		if pool, err := mirror.CertPool(nil, "--ca-file", test.file); pool != nil || err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want an error that says %q", test.name, err, test.says)
		}
	}

	for _, test := range []struct {
		name, file string
		refused    bool
	}{
		{"unset", "", false},
		{"a file of certificates", good, false},
		{"missing", filepath.Join(dir, "none.pem"), false},
		{"a directory", dir, false},
		{"too large", large.Name(), true},
	} {
		err := mirror.CheckCertFile(func(string) string { return test.file })
		if (err != nil) != test.refused {
			t.Errorf("SSL_CERT_FILE, %s: %v", test.name, err)
		}
	}
	if err := mirror.CheckCertFile(nil); err != nil {
		t.Error(err)
	}
}
