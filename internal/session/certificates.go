package session

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"

	"github.com/modferry/modferry/internal/diskfile"
)

// MaxCertificates is how many bytes are read of a file of CA certificates: the
// public ones of the world are a quarter of one MiB.
const MaxCertificates = 16 << 20

// checkCertFile refuses an SSL_CERT_FILE that crypto/x509 would wait for or
// read without end: it opens whatever the variable names. One that cannot be
// read is a matter of doctor; Go goes on without it.
func checkCertFile(getenv func(string) string) error {
	if getenv == nil || getenv("SSL_CERT_FILE") == "" {
		return nil
	}
	_, err := diskfile.Read(getenv("SSL_CERT_FILE"), MaxCertificates)
	var kind *diskfile.KindError
	var size *diskfile.SizeError
	if errors.As(err, &size) || errors.As(err, &kind) && !kind.Mode.IsDir() {
		return fmt.Errorf("SSL_CERT_FILE: %w; name a file of certificates, or unset it", err)
	}
	return nil
}

// TransportTrusting is Transport for a server whose authorities may be those in
// a file of PEM blocks, too; "" for none. Mirrors are not reached with them.
// setting is what names the file, for errors.
func (s *Session) TransportTrusting(setting, file string) (http.RoundTripper, error) {
	t := s.Client.Transport()
	if file == "" {
		return t, nil
	}
	pool, err := withAuthorities(t.TLSClientConfig.RootCAs, setting, file)
	if err != nil {
		return nil, err
	}
	t.TLSClientConfig.RootCAs = pool
	return t, nil
}

// rootCAs is the system's authorities and those of the file; nil when no file
// is given.
func rootCAs(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	return withAuthorities(nil, "--ca-file", file)
}

// withAuthorities is the authorities of a pool, nil for the system's, and those
// of the file that a setting names.
func withAuthorities(pool *x509.CertPool, setting, file string) (*x509.CertPool, error) {
	pem, err := diskfile.Read(file, MaxCertificates)
	if err != nil {
		return nil, fmt.Errorf("read the authorities of %s: %w", setting, err)
	}
	if pool != nil {
		pool = pool.Clone()
	} else if pool, err = x509.SystemCertPool(); err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s %s: found no certificate, expected PEM blocks that begin with -----BEGIN CERTIFICATE-----", setting, file)
	}
	return pool, nil
}
