package mirrortest

import (
	"context"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
)

// ForwardProxy is a forward proxy (what HTTPS_PROXY names) on loopback. It
// tunnels CONNECT and passes plain requests on. Go never asks a forward proxy
// for loopback targets, so clients address mirrors by a name that only the
// proxy's Network knows.
type ForwardProxy struct {
	*Server // its requests: Method CONNECT, Host the target
	net     *Network
	auth    string
}

// StartForwardProxy starts a forward proxy that finds its targets through n.
// With a userinfo, "user:password", clients without it get a 407.
func StartForwardProxy(tb testing.TB, n *Network, userinfo string) *ForwardProxy {
	tb.Helper()
	p := &ForwardProxy{net: n, auth: userinfo}
	p.Server = Start(tb, Options{Handler: p})
	return p
}

func (p *ForwardProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.auth != "" && r.Header.Get("Proxy-Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte(p.auth)) {
		w.Header().Set("Proxy-Authenticate", `Basic realm="proxy"`)
		http.Error(w, "proxy credentials wanted", http.StatusProxyAuthRequired)
		return
	}
	if r.Method == http.MethodConnect {
		p.tunnel(w, r)
		return
	}
	t := &http.Transport{DialContext: p.net.DialContext, DisableKeepAlives: true}
	out := r.Clone(r.Context())
	out.RequestURI = ""
	out.Header.Del("Proxy-Authorization")
	out.Header.Del("Proxy-Connection")
	resp, err := t.RoundTrip(out)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	for k, vs := range resp.Header {
		w.Header()[k] = vs
	}
	w.WriteHeader(resp.StatusCode)
	io.Copy(w, resp.Body)
}

// tunnel joins the client with the target until one of them, or the server,
// ends.
func (p *ForwardProxy) tunnel(w http.ResponseWriter, r *http.Request) {
	target, err := p.net.DialContext(r.Context(), "tcp", r.Host)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer target.Close()
	client, buf, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer client.Close()
	io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n")

	// A hijacked request's context no longer ends with its connection, but it
	// still ends with the server.
	stop := context.AfterFunc(r.Context(), func() { client.Close(); target.Close() })
	defer stop()
	var wg sync.WaitGroup
	wg.Go(func() { io.Copy(target, buf); closeWrite(target) })
	wg.Go(func() { io.Copy(client, target); closeWrite(client) })
	wg.Wait()
}

func closeWrite(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		t.CloseWrite()
	}
}
