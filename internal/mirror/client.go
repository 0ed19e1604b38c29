package mirror

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/secret"
)

// Options configure a Client. The zero value works.
type Options struct {
	// Limits apply to every mirror that has none of its own.
	Limits Limits
	// Proxy chooses the forward proxy of a request. Nil means
	// http.ProxyFromEnvironment, which is what the go command uses: HTTP_PROXY,
	// HTTPS_PROXY and NO_PROXY count, ALL_PROXY does not, loopback is never
	// proxied.
	Proxy func(*http.Request) (*url.URL, error)
	// RootCAs are the trusted CA certificates; nil means the system's (which
	// include SSL_CERT_FILE and SSL_CERT_DIR on Unix).
	RootCAs *x509.CertPool
	// Netrc holds the credentials for https mirrors; see ReadNetrc.
	Netrc []NetrcEntry
	// Dial replaces the TCP dialer; nil means a net.Dialer with Limits.Connect.
	Dial DialFunc
	// Concurrency is the most requests at a time to one mirror, 0 means
	// DefaultConcurrency.
	Concurrency int
	// Pause is how long the circuit breaker takes a mirror out for the first
	// time, 0 means a second.
	Pause time.Duration
	// Trips is how often in a row a mirror is taken out before it counts as
	// dead, 0 means 5, which is also the most. Below 0 it never does, for
	// programs that stay: it is let in again after a minute at most, by one
	// request as a probe.
	Trips int
	// UserAgent of every request; "" means "modferry".
	UserAgent string
	// Via is the header of that name of every request, by which a server knows its own;
	// "" for none.
	Via string
	// Secrets learns every credential that is sent, and hides them in the errors;
	// nil means a set of the client's own.
	Secrets *secret.Set
}

// DefaultConcurrency is the ceiling of requests in flight to one mirror. The
// limiter of a mirror finds the useful number below it.
const DefaultConcurrency = 64

// lanes is the number of connections that an HTTP/2 mirror is used over. One
// connection would be one TCP flow, which a lossy or long link throttles, and
// one reset would break everything in flight.
const lanes = 4

// Client opens mirrors that share settings. It is safe for concurrent use.
type Client struct {
	o Options

	mu         sync.Mutex
	transports []*http.Transport
}

// NewClient returns a client with the options' defaults filled in.
func NewClient(o Options) *Client {
	o.Limits = o.Limits.Or(defaultLimits)
	if o.Proxy == nil {
		o.Proxy = http.ProxyFromEnvironment
	}
	if o.Secrets == nil {
		o.Secrets = &secret.Set{}
	}
	for _, e := range o.Netrc {
		o.Secrets.AddLogin(e.Login, e.Password)
	}
	o.Concurrency = cmp.Or(o.Concurrency, DefaultConcurrency)
	o.Pause = cmp.Or(o.Pause, defaultPause)
	o.UserAgent = cmp.Or(o.UserAgent, "modferry")
	if o.Trips == 0 || o.Trips > maxTrips {
		o.Trips = maxTrips
	}
	return &Client{o: o}
}

// transport returns one lane: a transport with connections of its own.
func (c *Client) transport(l Limits) *http.Transport {
	dial := c.o.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: l.Connect, KeepAlive: 15 * time.Second}).DialContext
	}
	t := &http.Transport{
		Proxy:               c.proxy,
		DialContext:         limitedDial(dial, l.Connect, c.closeIdle),
		TLSClientConfig:     &tls.Config{RootCAs: c.o.RootCAs, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: l.TLS,
		ForceAttemptHTTP2:   true,
		MaxIdleConns:        0,
		MaxIdleConnsPerHost: c.o.Concurrency,
		IdleConnTimeout:     90 * time.Second,
		// Bodies are read by as many goroutines as there are streams, but
		// verification may be slower than the network: these windows bound
		// what waits in memory (64 streams of 4 MiB would not).
		HTTP2: &http.HTTP2Config{
			MaxReceiveBufferPerConnection: 16 << 20,
			MaxReceiveBufferPerStream:     2 << 20,
			SendPingTimeout:               15 * time.Second,
			PingTimeout:                   10 * time.Second,
		},
		ReadBufferSize:         32 << 10,
		OnProxyConnectResponse: checkTunnel,
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.transports = append(c.transports, t)
	return t
}

// closeIdle closes the connections that no request uses, of every mirror and
// store: those of the preflight may outnumber those of the downloads.
func (c *Client) closeIdle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.transports {
		t.CloseIdleConnections()
	}
}

// proxy is the forward proxy of a request, whose credentials become known.
func (c *Client) proxy(req *http.Request) (*url.URL, error) {
	u, err := c.o.Proxy(req)
	if err == nil && u != nil && u.User != nil {
		password, _ := u.User.Password()
		c.o.Secrets.AddLogin(u.User.Username(), password)
	}
	return u, err
}

// Transport is a transport for servers that are no mirrors, with the same
// forward proxy, CA certificates and limits of connecting, and the first-byte
// limit. Bodies come as they are sent, never unpacked on the way, and over
// HTTP/1.1: parts of a large body then go over connections of their own.
func (c *Client) Transport() *http.Transport {
	t := c.transport(c.o.Limits)
	t.ResponseHeaderTimeout = c.o.Limits.FirstByte
	t.DisableCompression = true
	t.ForceAttemptHTTP2 = false
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(true)
	return t
}

// checkTunnel tells a forward proxy that wants credentials from one that does
// not make the connection; net/http itself leaves nothing but the reason
// phrase.
func checkTunnel(_ context.Context, proxy *url.URL, _ *http.Request, resp *http.Response) error {
	class := failure.ProxyConnect
	switch resp.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusProxyAuthRequired:
		class = failure.ProxyAuth
	}
	return failure.New(class, "connect", proxy.String(), fmt.Errorf("the forward proxy answered %d", resp.StatusCode))
}
