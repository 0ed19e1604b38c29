package mirror

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/modferry/modferry/internal/failure"
)

// Trust is what a mirror has in place of the client's. The zero value is nothing.
type Trust struct {
	RootCAs *x509.CertPool // the trusted CA certificates; nil means the client's
	// Certificate is what the mirror's own host is shown of us, and no other one that
	// it redirects to; nil means nothing.
	Certificate *tls.Certificate
}

// transport is the way to a mirror.
type transport interface {
	http.RoundTripper
	CloseIdleConnections()
}

// trusting returns a lane to the mirror at a host.
func (c *Client) trusting(l Limits, trust Trust, host string) transport {
	one := func() *http.Transport {
		t := c.transport(l)
		if trust.RootCAs != nil {
			t.TLSClientConfig.RootCAs = trust.RootCAs
		}
		return t
	}
	if trust.Certificate == nil {
		return one()
	}
	own := one()
	own.TLSClientConfig.Certificates = []tls.Certificate{*trust.Certificate}
	own.Proxy = func(req *http.Request) (*url.URL, error) {
		u, err := c.proxy(req)
		if err == nil && u != nil && u.Scheme == "https" {
			// net/http would show it the certificate as well.
			return nil, failure.New(failure.ProxyConnect, "connect", u.String(),
				errors.New("a forward proxy with an https:// address cannot be used for a mirror that is shown a client certificate; reach it through an http:// address, or name the mirror in NO_PROXY"))
		}
		return u, err
	}
	return &shown{host: hostPort(host), own: own, others: one()}
}

// shown is the way to a mirror that is shown a certificate, and to hosts that are not.
type shown struct {
	host        string
	own, others *http.Transport
}

func (s *shown) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme == "https" && hostPort(req.URL.Host) == s.host {
		return s.own.RoundTrip(req)
	}
	return s.others.RoundTrip(req)
}

func (s *shown) CloseIdleConnections() {
	s.own.CloseIdleConnections()
	s.others.CloseIdleConnections()
}

// hostPort is the host of an https URL with its port.
func hostPort(host string) string {
	host = strings.ToLower(host)
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), "443")
}
