package failure_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
)

func get(t *testing.T, tr *http.Transport, url string) error {
	t.Helper()
	return getCtx(t, t.Context(), tr, url)
}

// getCtx gets url and reads the body, and returns what fails first.
func getCtx(t *testing.T, ctx context.Context, tr *http.Transport, url string) error {
	t.Helper()
	t.Cleanup(tr.CloseIdleConnections)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: tr}).Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

func plain() *http.Transport { return &http.Transport{} }

func via(t *testing.T, proxy string) *http.Transport {
	t.Helper()
	u, err := url.Parse(proxy)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Transport{Proxy: http.ProxyURL(u)}
}

// trusting returns a transport that trusts the server's certificate.
func trusting(s *httptest.Server) *http.Transport {
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
}

func answering(t *testing.T, code int) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(code) }))
	t.Cleanup(s.Close)
	return s.URL
}

func redirecting(t *testing.T, to string) string {
	t.Helper()
	s := httptest.NewServer(http.RedirectHandler(to, http.StatusFound))
	t.Cleanup(s.Close)
	return s.URL
}

func tlsServer(t *testing.T, change func(*httptest.Server)) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	if change != nil {
		change(s)
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func http2Server(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	return tlsServer(t, func(s *httptest.Server) {
		s.EnableHTTP2 = true
		s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.ProtoMajor != 2 {
				t.Errorf("the request came over %s, want HTTP/2", r.Proto)
			}
			h(w, r)
		})
	})
}

// http2Frames starts a server that answers the first HTTP/2 request with an
// empty SETTINGS frame and frames, and hangs up.
func http2Frames(t *testing.T, frames []byte) (string, *http.Transport) {
	t.Helper()
	s := tlsServer(t, nil) // for its certificate
	config := &tls.Config{Certificates: s.TLS.Certificates, NextProtos: []string{"h2"}}
	addr := serve(t, func(c net.Conn) {
		c = tls.Server(c, config)
		defer c.Close()
		c.Write([]byte{0, 0, 0, 4, 0, 0, 0, 0, 0})
		r := bufio.NewReader(c)
		r.Discard(len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
		for {
			head := make([]byte, 9)
			if _, err := io.ReadFull(r, head); err != nil {
				return
			}
			r.Discard(int(head[0])<<16 | int(head[1])<<8 | int(head[2]))
			if head[3] == 1 { // HEADERS: the request
				break
			}
		}
		c.Write(frames)
		c.(*tls.Conn).CloseWrite()
		io.Copy(io.Discard, r)
	})
	return "https://" + addr, trusting(s)
}

// serve runs handle for every connection to a new address until the test ends.
func serve(t *testing.T, handle func(net.Conn)) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				handle(c)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		wg.Wait()
	})
	return l.Addr().String()
}

// silent never answers. It lets go when the client hangs up.
func silent(c net.Conn) { io.Copy(io.Discard, c) }

func readRequest(c net.Conn) {
	if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
		r.Body.Close()
	}
}

// breakConn closes the connection with a reset.
func breakConn(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
}

// closedPort returns an address at which nothing listens, nor will: it is the
// near end of a connection that lasts as long as the test.
func closedPort(t *testing.T) string {
	t.Helper()
	c, err := net.Dial("tcp", serve(t, silent))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.LocalAddr().String()
}
