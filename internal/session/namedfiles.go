package session

import (
	"errors"
	"fmt"

	"github.com/modferry/modferry/internal/diskfile"
)

// Most bytes that are read of files which the job names.
const (
	MaxCertificates = 16 << 20 // the public authorities of the world are a quarter of one
	maxNetrc        = 1 << 20
)

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
