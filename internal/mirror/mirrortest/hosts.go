package mirrortest

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// Hosts is a network in which any host names lead to handlers on loopback, so that
// what names real hosts runs as it is written. It is reached through a forward proxy,
// and its servers have certificates of an authority of its own.
type Hosts struct {
	*ForwardProxy
	CAFile string // of the authority, PEM
}

// StartHosts serves each host name by its handler, over https. Other names do not
// exist.
func StartHosts(tb testing.TB, handlers map[string]http.Handler) *Hosts {
	tb.Helper()
	ca := NewAuthority(tb)
	key := newKey(tb)
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			name, _, _ := strings.Cut(r.Host, ":")
			if h := handlers[name]; h != nil {
				h.ServeHTTP(w, r)
				return
			}
			http.NotFound(w, r)
		}),
		ErrorLog: log.New(io.Discard, "", 0),
		TLSConfig: &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if handlers[hello.ServerName] == nil {
				return nil, errors.New("no such host")
			}
			return ca.named(key, hello.ServerName)
		}},
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		server.ServeTLS(listener, "", "")
	}()
	tb.Cleanup(func() {
		server.Close()
		<-served
	})
	var names Network
	for name := range handlers {
		names.Route(name, listener.Addr().String())
	}
	return &Hosts{StartForwardProxy(tb, &names, ""), ca.CAFile()}
}

// named is a certificate for a host name.
func (a *Authority) named(key *ecdsa.PrivateKey, name string) (*tls.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(4), DNSNames: []string{name},
		NotBefore: a.cert.NotBefore, NotAfter: a.cert.NotAfter,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, a.cert, &key.PublicKey, a.key)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

// Env are the variables with which a command is in this network.
func (h *Hosts) Env() []string {
	return []string{
		"HTTPS_PROXY=" + h.URL, "https_proxy=" + h.URL, // curl reads the latter alone
		"SSL_CERT_FILE=" + h.CAFile, "CURL_CA_BUNDLE=" + h.CAFile,
	}
}

// Asked are the names of hosts that somebody asked for, sorted, known ones and others.
func (h *Hosts) Asked() []string {
	var names []string
	for _, r := range h.Requests() {
		if name, _, _ := strings.Cut(r.Host, ":"); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
