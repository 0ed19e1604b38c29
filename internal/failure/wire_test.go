package failure_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/failure"
)

// deadlinePast is a deadline that has passed whatever the clock says.
var deadlinePast = time.Unix(1, 0)

// TestClassifyConnections provokes each failure on a real connection, so that a
// change of net/http's errors shows here.
func TestClassifyConnections(t *testing.T) {
	t.Parallel()
	const hello = "HTTP/1.1 200 OK\r\n"
	tests := []struct {
		name string
		get  func(t *testing.T) error
		want failure.Class
	}{
		{"nothing listens", func(t *testing.T) error {
			return get(t, plain(), "http://"+closedPort(t))
		}, failure.Refused},
		{"the name server fails", func(t *testing.T) error {
			resolver := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
				return nil, errors.New("no name server")
			}}
			c := &http.Transport{DialContext: (&net.Dialer{Resolver: resolver}).DialContext}
			return get(t, c, "http://mirror.example.test")
		}, failure.NameLookup},
		{"nobody answers the request for a connection in time", func(t *testing.T) error {
			return get(t, &http.Transport{DialContext: (&net.Dialer{Deadline: deadlinePast}).DialContext}, "http://"+closedPort(t))
		}, failure.ConnectTimeout},
		{"the connection is reset before the response", func(t *testing.T) error {
			return get(t, plain(), "http://"+serve(t, func(c net.Conn) {
				readRequest(c)
				breakConn(c)
			}))
		}, failure.Reset},
		{"the connection is closed before the response", func(t *testing.T) error {
			return get(t, plain(), "http://"+serve(t, func(c net.Conn) { readRequest(c) }))
		}, failure.Reset},
		{"the connection is closed within the header", func(t *testing.T) error {
			return get(t, plain(), "http://"+serve(t, func(c net.Conn) {
				readRequest(c)
				io.WriteString(c, hello+"Content-Length: 10\r\n")
			}))
		}, failure.Reset},

		{"the authority is unknown", func(t *testing.T) error {
			return get(t, plain(), tlsServer(t, nil).URL)
		}, failure.TLSUnknownAuthority},
		{"the certificate is for another name", func(t *testing.T) error {
			s := tlsServer(t, nil)
			c := trusting(s)
			c.TLSClientConfig.ServerName = "other.example.test"
			return get(t, c, s.URL)
		}, failure.TLSWrongName},
		{"the certificate is expired", func(t *testing.T) error {
			s := tlsServer(t, nil)
			c := trusting(s)
			c.TLSClientConfig.Time = func() time.Time { return s.Certificate().NotAfter.Add(time.Hour) }
			return get(t, c, s.URL)
		}, failure.TLSExpired},
		{"the certificate is not yet valid", func(t *testing.T) error {
			s := tlsServer(t, nil)
			c := trusting(s)
			c.TLSClientConfig.Time = func() time.Time { return s.Certificate().NotBefore.Add(-time.Hour) }
			return get(t, c, s.URL)
		}, failure.TLSExpired},
		{"no version of TLS in common", func(t *testing.T) error {
			s := tlsServer(t, func(s *httptest.Server) { s.TLS = &tls.Config{MinVersion: tls.VersionTLS13} })
			c := trusting(s)
			c.TLSClientConfig.MaxVersion = tls.VersionTLS12
			return get(t, c, s.URL)
		}, failure.TLS},
		{"a client certificate is wanted", func(t *testing.T) error {
			s := tlsServer(t, func(s *httptest.Server) { s.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert} })
			return get(t, trusting(s), s.URL)
		}, failure.TLS},
		{"the TLS handshake is not answered", func(t *testing.T) error {
			return get(t, &http.Transport{TLSHandshakeTimeout: time.Millisecond}, "https://"+serve(t, silent))
		}, failure.TLSTimeout},
		{"the connection is closed within the handshake", func(t *testing.T) error {
			return get(t, plain(), "https://"+serve(t, func(c net.Conn) { c.Read(make([]byte, 1024)) }))
		}, failure.Reset},

		{"https is asked of an http server", func(t *testing.T) error {
			s := httptest.NewServer(http.NotFoundHandler())
			t.Cleanup(s.Close)
			return get(t, plain(), "https://"+s.Listener.Addr().String())
		}, failure.NotTLS},
		{"https is asked of a server that speaks something else", func(t *testing.T) error {
			return get(t, plain(), "https://"+serve(t, func(c net.Conn) {
				c.Read(make([]byte, 1024))
				io.WriteString(c, "SSH-2.0-x\r\n")
			}))
		}, failure.NotTLS},
		{"http is asked of a TLS server", func(t *testing.T) error {
			return get(t, plain(), "http://"+serve(t, func(c net.Conn) {
				readRequest(c)
				c.Write([]byte{0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x46}) // alert: protocol version
			}))
		}, failure.NotTLS},

		{"the forward proxy is down", func(t *testing.T) error {
			return get(t, via(t, "http://"+closedPort(t)), "https://mirror.example.test")
		}, failure.ProxyConnect},
		{"the forward proxy wants credentials for a tunnel", func(t *testing.T) error {
			return get(t, via(t, answering(t, http.StatusProxyAuthRequired)), "https://mirror.example.test")
		}, failure.ProxyAuth},
		{"the forward proxy forbids the tunnel", func(t *testing.T) error {
			return get(t, via(t, answering(t, http.StatusForbidden)), "https://mirror.example.test")
		}, failure.ProxyConnect},
		{"the forward proxy cannot make the tunnel", func(t *testing.T) error {
			return get(t, via(t, answering(t, http.StatusBadGateway)), "https://mirror.example.test")
		}, failure.ProxyConnect},
		{"the SOCKS proxy wants credentials", func(t *testing.T) error {
			return get(t, via(t, "socks5://"+serve(t, func(c net.Conn) {
				c.Read(make([]byte, 16))
				c.Write([]byte{5, 0xff})
			})), "https://mirror.example.test")
		}, failure.ProxyAuth},
		{"the SOCKS proxy is down", func(t *testing.T) error {
			return get(t, via(t, "socks5://"+closedPort(t)), "https://mirror.example.test")
		}, failure.ProxyConnect},

		{"a redirect to itself", func(t *testing.T) error {
			return get(t, plain(), redirecting(t, "/again"))
		}, failure.RedirectLoop},
		{"a redirect to what is not HTTP", func(t *testing.T) error {
			return get(t, plain(), redirecting(t, "ftp://mirror.example.test/x"))
		}, failure.RedirectRefused},
		{"something else than HTTP answers", func(t *testing.T) error {
			return get(t, plain(), "http://"+serve(t, func(c net.Conn) {
				readRequest(c)
				io.WriteString(c, "SSH-2.0-x\r\n")
			}))
		}, failure.BadResponse},
		{"a header that is none", func(t *testing.T) error {
			return get(t, plain(), "http://"+serve(t, func(c net.Conn) {
				readRequest(c)
				io.WriteString(c, hello+"no colon here\r\n\r\n")
			}))
		}, failure.BadResponse},
		{"a length that is none", func(t *testing.T) error {
			return get(t, plain(), "http://"+serve(t, func(c net.Conn) {
				readRequest(c)
				io.WriteString(c, hello+"Content-Length: many\r\n\r\n")
			}))
		}, failure.BadResponse},
		{"an endless header", func(t *testing.T) error {
			c := &http.Transport{MaxResponseHeaderBytes: 64}
			return get(t, c, "http://"+serve(t, func(c net.Conn) {
				readRequest(c)
				fmt.Fprintf(c, "%sX: %0300d\r\n\r\n", hello, 0)
			}))
		}, failure.BadResponse},
		{"no response in time", func(t *testing.T) error {
			return get(t, &http.Transport{ResponseHeaderTimeout: time.Millisecond}, "http://"+serve(t, silent))
		}, failure.FirstByteTimeout},
		{"no response in time over HTTP/2", func(t *testing.T) error {
			done := make(chan struct{})
			s := http2Server(t, func(w http.ResponseWriter, r *http.Request) { <-done })
			defer close(done)
			c := trusting(s)
			c.ResponseHeaderTimeout = time.Millisecond
			return get(t, c, s.URL)
		}, failure.FirstByteTimeout},

		{"the body ends early", func(t *testing.T) error {
			return get(t, plain(), "http://"+serve(t, func(c net.Conn) {
				readRequest(c)
				io.WriteString(c, hello+"Content-Length: 10\r\n\r\nhalf")
			}))
		}, failure.CutBody},
		{"the connection is reset within the body", func(t *testing.T) error {
			return get(t, plain(), "http://"+serve(t, func(c net.Conn) {
				readRequest(c)
				io.WriteString(c, hello+"Content-Length: 10\r\n\r\nhalf")
				breakConn(c)
			}))
		}, failure.CutBody},
		{"the last chunk is missing", func(t *testing.T) error {
			return get(t, plain(), "http://"+serve(t, func(c net.Conn) {
				readRequest(c)
				io.WriteString(c, hello+"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
			}))
		}, failure.CutBody},
		{"a chunk without a length", func(t *testing.T) error {
			return get(t, plain(), "http://"+serve(t, func(c net.Conn) {
				readRequest(c)
				io.WriteString(c, hello+"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nxyz\r\n")
			}))
		}, failure.CutBody},
		{"compression that is none", func(t *testing.T) error {
			return get(t, plain(), "http://"+serve(t, func(c net.Conn) {
				readRequest(c)
				io.WriteString(c, hello+"Content-Encoding: gzip\r\nContent-Length: 20\r\n\r\nthis is no gzip data")
			}))
		}, failure.WrongContent},

		{"an HTTP/2 stream is reset within the body", func(t *testing.T) error {
			s := http2Server(t, func(w http.ResponseWriter, r *http.Request) {
				io.WriteString(w, "half")
				w.(http.Flusher).Flush()
				panic(http.ErrAbortHandler)
			})
			return get(t, trusting(s), s.URL)
		}, failure.HTTP2Reset},
		{"an HTTP/2 stream is reset before the response", func(t *testing.T) error {
			s := http2Server(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
			return get(t, trusting(s), s.URL)
		}, failure.HTTP2Reset},
		{"an HTTP/2 body is shorter than announced", func(t *testing.T) error {
			s := http2Server(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Length", "10")
				io.WriteString(w, "half")
			})
			return get(t, trusting(s), s.URL)
		}, failure.CutBody},
		{"an HTTP/2 connection goes away", func(t *testing.T) error {
			// GOAWAY, last stream 1, INTERNAL_ERROR.
			s, c := http2Frames(t, []byte{0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2})
			return get(t, c, s)
		}, failure.HTTP2Reset},
		{"an HTTP/2 connection breaks the protocol", func(t *testing.T) error {
			// DATA on stream 0.
			s, c := http2Frames(t, []byte{0, 0, 1, 0, 0, 0, 0, 0, 0, 'x'})
			return get(t, c, s)
		}, failure.HTTP2Reset},

		{"the request is cancelled", func(t *testing.T) error {
			ctx, cancel := context.WithCancel(t.Context())
			return getCtx(t, ctx, plain(), "http://"+serve(t, func(c net.Conn) {
				readRequest(c)
				cancel()
				c.Read(make([]byte, 1))
			}))
		}, failure.Cancelled},
		{"the request is cancelled within the body", func(t *testing.T) error {
			ctx, cancel := context.WithCancel(t.Context())
			return getCtx(t, ctx, plain(), "http://"+serve(t, func(c net.Conn) {
				readRequest(c)
				io.WriteString(c, hello+"Content-Length: 10\r\n\r\nhalf")
				cancel()
				c.Read(make([]byte, 1))
			}))
		}, failure.Cancelled},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := tt.get(t)
			if err == nil {
				t.Fatal("no error: the test's server does not do what it says")
			}
			if got := failure.Classify(err); got != tt.want {
				t.Errorf("Classify(%v) = %q, want %q", err, got, tt.want)
			}
			if got := failure.Classify(fmt.Errorf("wrapped: %w", err)); got != tt.want {
				t.Errorf("wrapped, Classify(%v) = %q, want %q", err, got, tt.want)
			}
		})
	}
}
