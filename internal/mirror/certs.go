package mirror

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/modferry/modferry/internal/diskfile"
)

// MaxCertificates is the most bytes that are read of a file of CA certificates;
// the public ones of the world are a quarter of a MiB.
const MaxCertificates = 16 << 20

// CertPool is the CA certificates of pool, nil for the system's, and those in a
// file of PEM blocks. Without a file ("") it is pool itself. setting is what names
// the file, for errors.
func CertPool(pool *x509.CertPool, setting, file string) (*x509.CertPool, error) {
	if file == "" {
		return pool, nil
	}
	pem, err := diskfile.Read(file, MaxCertificates)
	if err != nil {
		return nil, fmt.Errorf("read the CA certificates of %s: %w", setting, err)
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

// KeyPair reads a client certificate and its key from files of PEM blocks; without a
// file for the key ("") it is in that of the certificate. setting is what names the
// files, for errors.
func KeyPair(setting, certFile, keyFile string) (*tls.Certificate, error) {
	cert, err := diskfile.Read(certFile, MaxCertificates)
	if err != nil {
		return nil, fmt.Errorf("read the %s: %w", setting, err)
	}
	key := cert
	if keyFile != "" {
		if key, err = diskfile.Read(keyFile, MaxCertificates); err != nil {
			return nil, fmt.Errorf("read the key of the %s: %w", setting, err)
		}
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("%s: expected a certificate in %s and its key, not encrypted, in %s, as PEM blocks: %w", setting, certFile, cmp.Or(keyFile, certFile), err)
	}
	return &pair, nil
}

// CheckCertFile refuses an SSL_CERT_FILE that crypto/x509 would wait for or read
// without end: it opens whatever the variable names. One that cannot be read is a
// matter of doctor; Go goes on without it.
func CheckCertFile(getenv func(string) string) error {
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
