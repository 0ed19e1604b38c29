package failure_test

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/failure"
)

func TestTheIssuerOfAnUntrustedCertificateIsNamed(t *testing.T) {
	t.Parallel()
	certificate := func(issuer string) *x509.Certificate {
		return &x509.Certificate{Issuer: pkix.Name{CommonName: issuer}}
	}
	failed := func(chain ...*x509.Certificate) error {
		return &tls.CertificateVerificationError{UnverifiedCertificates: chain, Err: x509.UnknownAuthorityError{Cert: chain[0]}}
	}
	for _, test := range []struct {
		name string
		err  error
		want string
	}{
		{"the topmost one is named", failed(certificate("the middle"), certificate("the proxy")), "CN=the proxy"},
		{"commands and escapes are broken up", failed(certificate("x\n::error::y\x1b[31m##[group]")), "CN=x ::error::y# #[group]"},
		{"credentials are hidden", failed(certificate("https://ann:s3cret@proxy.example.test")), "CN=https://ann:xxxxx@proxy.example.test"},
		{"a name without end is cut", failed(certificate(strings.Repeat("x", 10_000))), "CN=" + strings.Repeat("x", 496) + "…"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e := failure.New(failure.TLSUnknownAuthority, "get", "https://mirror.example.test", test.err)
			if e.Issuer != test.want {
				t.Errorf("issuer %q, want %q", e.Issuer, test.want)
			}
			for _, text := range []string{e.Detail, e.Error()} {
				if strings.ContainsAny(text, "\n\x1b") || strings.Contains(text, "##[") || strings.Contains(text, "s3cret") {
					t.Errorf("%q is not fit for being shown", text)
				}
			}
		})
	}
	other := failure.New(failure.TLSExpired, "get", "", failed(certificate("the proxy")))
	if other.Issuer != "" {
		t.Errorf("the issuer %q is named though nobody doubts it", other.Issuer)
	}
}
