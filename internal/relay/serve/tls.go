package serve

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"

	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/settings"
)

// secure is what the listener does about TLS.
type secure struct{ config *tls.Config }

// secure reads certificates and tokens, and puts them to use.
func (s *Server) secure(v *settings.Values) error {
	t, err := readTLS(v)
	if err != nil {
		return err
	}
	a, err := newAuth(s.o.Token, v.TokenFile, v.ClientCA != "", s.o.Session.Secrets)
	if err != nil {
		return err
	}
	if a.words {
		s.o.Log.Warn("a token looks like words, so clients cannot tell it from a path and do not hide it in their logs and reports; take one such as openssl rand -hex 16 prints")
	}
	s.tls.Store(t)
	s.auth.Store(a)
	return nil
}

// readTLS returns nil for plain http. Clients that have a certificate must have a
// right one; who needs one is up to auth, since probes have none.
func readTLS(v *settings.Values) (*secure, error) {
	if v.TLSCert == "" {
		if v.TLSKey != "" || v.ClientCA != "" {
			return nil, errors.New("--tls-key and --client-ca: found no certificate of the server beside them, expected --tls-cert FILE")
		}
		return nil, nil
	}
	cert, err := tls.LoadX509KeyPair(v.TLSCert, cmp.Or(v.TLSKey, v.TLSCert))
	if err != nil {
		return nil, fmt.Errorf("--tls-cert, --tls-key: %w", err)
	}
	c := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	if v.ClientCA != "" {
		c.ClientAuth = tls.VerifyClientCertIfGiven
		if c.ClientCAs, err = mirror.CertPool(x509.NewCertPool(), "--client-ca", v.ClientCA); err != nil {
			return nil, err
		}
	}
	return &secure{c}, nil
}

// listener is ln with TLS, if there is a certificate at the start. Later ones take its
// place for new connections.
func (s *Server) listener(ln net.Listener) net.Listener {
	if s.tls.Load() == nil {
		return ln
	}
	return tls.NewListener(ln, &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return s.tls.Load().config, nil },
	})
}
