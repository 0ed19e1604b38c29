package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A mirror serves the files of a module cache as a module mirror would.
type mirror struct {
	url    string
	caFile string // the authority to trust, "" over plain http
	server *http.Server
	done   chan error
}

// serveMirror serves dir, the cache/download directory of a module cache, at a
// site. With a secure scheme the mirror speaks HTTP/2 with a certificate of an
// authority made for it, which is written below tmp.
func serveMirror(at *site, dir, scheme, tmp string) (*mirror, error) {
	ln, err := at.listen()
	if err != nil {
		return nil, fmt.Errorf("start a mirror: %w", err)
	}
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		return nil, err
	}
	files := http.FileServerFS(os.DirFS(dir))
	m := &mirror{
		url:  scheme + "://" + net.JoinHostPort(at.address, port),
		done: make(chan error, 1),
		server: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			// The usual mirrors pass the checksum database on. Nobody needs it
			// here, since go.sum is complete, but a preflight asks.
			if strings.HasPrefix(r.URL.Path, "/sumdb/") && strings.HasSuffix(r.URL.Path, "/supported") {
				return
			}
			time.Sleep(at.latency)
			files.ServeHTTP(w, r)
		})},
	}
	serve := func() error { return m.server.Serve(ln) }
	if scheme == "https" {
		certificate, authority, err := newCertificate(net.ParseIP(at.address))
		if err != nil {
			ln.Close()
			return nil, err
		}
		m.caFile = filepath.Join(tmp, "authority-"+port+".pem")
		if err := os.WriteFile(m.caFile, authority, 0o644); err != nil {
			ln.Close()
			return nil, err
		}
		m.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}}
		serve = func() error { return m.server.ServeTLS(ln, "", "") }
	}
	go func() { m.done <- serve() }()
	return m, nil
}

// close stops the mirror and its connections, and waits for it.
func (m *mirror) close() error { return stop(m.server, m.done) }

// stop stops a server and its connections, and waits until it has said how it ended.
func stop(server *http.Server, done <-chan error) error {
	closed := server.Close()
	served := <-done
	if errors.Is(served, http.ErrServerClosed) {
		served = nil
	}
	return errors.Join(closed, served)
}

// newCertificate returns a certificate for an address that is its own
// authority, and that authority as PEM.
func newCertificate(address net.IP) (tls.Certificate, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("make a key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "modferry benchmark"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses:           []net.IP{address},
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("make a certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

// warm reads every file below dir once, so that no run pays for the disk.
func warm(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		_, err = os.ReadFile(path)
		return err
	})
}
