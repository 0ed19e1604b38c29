package mirrortest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// Cert is the kind of certificate that a server shows.
type Cert int

// The kinds of certificates.
const (
	GoodCert    Cert = iota // for 127.0.0.1, ::1, localhost and *.example.test, by the server's Authority
	WrongName               // by the Authority, but for other.invalid only
	UnknownAuth             // the right names, but by an authority that nobody trusts
	ExpiredCert             // by the Authority, but its time was the year 2001
)

// Authority issues the certificates of servers. Its own lives so long that no
// test depends on the date.
type Authority struct {
	cert        *x509.Certificate
	key         *ecdsa.PrivateKey
	pem, keyPEM []byte
	file        string
}

// NewAuthority makes an authority and writes its certificate to CAFile.
func NewAuthority(tb testing.TB) *Authority {
	tb.Helper()
	a := &Authority{key: newKey(tb)}
	der := issue(tb, &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "modferry test authority"},
		NotBefore:             time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:              time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}, nil, a.key, a.key)
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	a.cert = cert
	a.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	key, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		tb.Fatal(err)
	}
	a.keyPEM = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})
	a.file = filepath.Join(tb.TempDir(), "ca.pem")
	write(tb, a.file, a.pem)
	return a
}

// Pool returns a new pool with the authority alone.
func (a *Authority) Pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// PEM is the authority's certificate.
func (a *Authority) PEM() []byte { return a.pem }

// KeyPEM is its private key, for a program that issues certificates itself.
func (a *Authority) KeyPEM() []byte { return a.keyPEM }

// CAFile is the path of a file with PEM, as for SSL_CERT_FILE.
func (a *Authority) CAFile() string { return a.file }

// NeedSSLCertFile skips a test whose go command is to trust an Authority where it
// knows the store of the system only.
func NeedSSLCertFile(tb testing.TB) {
	tb.Helper()
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		tb.Skip("the go command does not read SSL_CERT_FILE on " + runtime.GOOS)
	}
}

// Issue makes a server certificate.
func (a *Authority) Issue(tb testing.TB, kind Cert) tls.Certificate {
	tb.Helper()
	if kind == UnknownAuth {
		return NewAuthority(tb).Issue(tb, GoodCert)
	}
	t := &x509.Certificate{
		SerialNumber: big.NewInt(2),
		Subject:      pkix.Name{CommonName: "mirror"},
		NotBefore:    a.cert.NotBefore,
		NotAfter:     a.cert.NotAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:     []string{"localhost", "example.test", "*.example.test"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	switch kind {
	case WrongName:
		t.DNSNames, t.IPAddresses = []string{"other.invalid"}, nil
	case ExpiredCert:
		t.NotAfter = time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	key := newKey(tb)
	return tls.Certificate{Certificate: [][]byte{issue(tb, t, a.cert, key, a.key)}, PrivateKey: key}
}

// IssueClient makes a client certificate for a name.
func (a *Authority) IssueClient(tb testing.TB, name string) tls.Certificate {
	tb.Helper()
	key := newKey(tb)
	t := &x509.Certificate{
		SerialNumber: big.NewInt(3),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    a.cert.NotBefore,
		NotAfter:     a.cert.NotAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	return tls.Certificate{Certificate: [][]byte{issue(tb, t, a.cert, key, a.key)}, PrivateKey: key}
}

// Client makes a client certificate for a name, and returns the files with it and with
// its key.
func (a *Authority) Client(tb testing.TB, name string) (certFile, keyFile string) {
	tb.Helper()
	c := a.IssueClient(tb, name)
	keyDER, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		tb.Fatal(err)
	}
	dir := tb.TempDir()
	certFile, keyFile = filepath.Join(dir, "client.pem"), filepath.Join(dir, "client.key")
	write(tb, certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}))
	write(tb, keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
	return certFile, keyFile
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

// issue signs t for subject's key; a nil parent means self-signed.
func issue(tb testing.TB, t, parent *x509.Certificate, subject, signer *ecdsa.PrivateKey) []byte {
	tb.Helper()
	if parent == nil {
		parent = t
	}
	der, err := x509.CreateCertificate(rand.Reader, t, parent, &subject.PublicKey, signer)
	if err != nil {
		tb.Fatal(err)
	}
	return der
}
