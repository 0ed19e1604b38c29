package mirrortest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// Protocol is how a server is spoken to.
type Protocol int

// The protocols.
const (
	HTTP1    Protocol = iota // http://, HTTP/1.1
	HTTP1TLS                 // https://, HTTP/1.1 only
	HTTP2                    // https://, HTTP/2 (and HTTP/1.1 for who cannot)
)

func (p Protocol) String() string {
	return [...]string{"HTTP/1.1", "HTTP/1.1 over TLS", "HTTP/2"}[p]
}

// Protocols are all of them, for tests that run over each.
func Protocols() []Protocol { return []Protocol{HTTP1, HTTP1TLS, HTTP2} }

// Options configure a server. The zero value is a mirror without modules over
// plain HTTP/1.1.
type Options struct {
	Fixtures *Fixtures
	Protocol Protocol
	// Base is a path prefix, as "/goproxy"; below it is the mirror, elsewhere
	// nothing.
	Base string
	// BasicAuth is "user:password" that every request must carry, or gets a
	// 401; "" means none.
	BasicAuth string
	// SumDB is served below /sumdb/; nil answers 404 there.
	SumDB *SumDB
	// Authority issues the certificate; nil means one of the server's own.
	Authority *Authority
	Cert      Cert
	// ClientAuth is whether clients are asked for a certificate, and Clients is who
	// issues those that count; nil means nobody does.
	ClientAuth tls.ClientAuthType
	Clients    *Authority

	NoRange      bool // Range is ignored, Accept-Ranges not sent
	NoETag       bool // no entity tags
	LastModified bool // a Last-Modified header, always the same

	// Handler replaces the mirror; faults and records work the same.
	Handler http.Handler
	// Faults are as given to Fault.
	Faults []Rule
}

// Server is a module mirror on 127.0.0.1 that records its requests. All
// methods are safe for concurrent use.
type Server struct {
	URL  string // with Base, without trailing slash; no credentials
	Addr string // 127.0.0.1:port

	tb        testing.TB
	authority *Authority
	rec       recorder
	rules     rules
	base      string
	auth      string
	mirror    http.Handler

	http   *http.Server
	cancel context.CancelFunc
	served chan struct{} // closed when the accept loop has ended

	mu       sync.Mutex
	closed   bool           // guarded by mu
	handlers sync.WaitGroup // added to under mu, so never after closed
}

// Start starts a server, which ends with the test.
func Start(tb testing.TB, o Options) *Server {
	tb.Helper()
	if o.Fixtures == nil {
		o.Fixtures = Build(tb)
	}
	s := &Server{
		tb: tb, authority: o.Authority, base: o.Base, auth: o.BasicAuth,
		mirror: o.Handler, served: make(chan struct{}),
	}
	if s.mirror == nil {
		s.mirror = &mirrorHandler{
			f: o.Fixtures, sumdb: o.SumDB,
			noRange: o.NoRange, noETag: o.NoETag, lastModified: o.LastModified,
		}
	}
	s.Fault(o.Faults...)

	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	s.Addr = ln.Addr().String()
	s.URL = "http://" + s.Addr + s.base

	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(o.Protocol == HTTP2)
	s.http = &http.Server{
		Handler:     http.HandlerFunc(s.serve),
		Protocols:   protocols,
		ErrorLog:    log.New(io.Discard, "", 0), // broken handshakes are what some tests are about
		BaseContext: func(net.Listener) context.Context { return ctx },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, c)
		},
	}
	if o.Protocol != HTTP1 {
		s.URL = "https://" + s.Addr + s.base
		if s.authority == nil {
			s.authority = NewAuthority(tb)
		}
		s.http.TLSConfig = &tls.Config{
			Certificates: []tls.Certificate{s.authority.Issue(tb, o.Cert)},
			MinVersion:   tls.VersionTLS12,
			ClientAuth:   o.ClientAuth,
		}
		if o.Clients != nil {
			s.http.TLSConfig.ClientCAs = o.Clients.Pool()
		}
	}
	go func() {
		defer close(s.served)
		if o.Protocol == HTTP1 {
			s.http.Serve(ln)
		} else {
			s.http.ServeTLS(ln, "", "")
		}
	}()
	tb.Cleanup(s.Close)
	return s
}

// connKey is the context key of a request's connection.
type connKey struct{}

// Close stops the server at once: waiting faults end, connections break, and
// all handlers have returned. Closing twice is fine.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.http.Close()
	<-s.served
	s.handlers.Wait()
}

// CA is a pool that trusts the server's authority and nothing else; nil for a
// server without TLS.
func (s *Server) CA() *x509.CertPool {
	if s.authority == nil {
		return nil
	}
	return s.authority.Pool()
}

// CAFile is a file with the authority's certificate, "" for a server without
// TLS.
func (s *Server) CAFile() string {
	if s.authority == nil {
		return ""
	}
	return s.authority.CAFile()
}

// Client is a new client that trusts the server and whose connections end with
// the test.
func (s *Server) Client() *http.Client {
	t := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: s.CA(), MinVersion: tls.VersionTLS12}}
	s.tb.Cleanup(t.CloseIdleConnections)
	return &http.Client{Transport: t}
}

// WithUser is URL with user:password in it.
func (s *Server) WithUser(userinfo string) string {
	return strings.Replace(s.URL, "://", "://"+userinfo+"@", 1)
}

// serve records a request and hands it to the faults, which hand it on to the
// mirror. Both see the path below Base; r.RequestURI is the whole.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if !s.begin() {
		panic(http.ErrAbortHandler)
	}
	defer s.handlers.Done()

	below, ok := strings.CutPrefix(r.URL.EscapedPath(), s.base)
	if s.base != "" && (!ok || !strings.HasPrefix(below, "/")) {
		below, ok = r.URL.EscapedPath(), false
	}
	peer := ""
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		peer = r.TLS.PeerCertificates[0].Subject.CommonName
	}
	s.rec.enter(Request{
		Peer: peer, Method: r.Method, Path: below, Host: r.Host, Proto: r.Proto, TLS: r.TLS != nil,
		Conn: r.RemoteAddr, Header: r.Header.Clone(),
	})
	defer s.rec.leave()

	if !ok {
		notFound(w, "nothing here")
		return
	}
	fault := s.rules.choose(below, r)
	http.StripPrefix(s.base, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fault == nil {
			s.guard(s.mirror).ServeHTTP(w, r)
			return
		}
		fault(w, r, s.guard(s.mirror))
	})).ServeHTTP(w, r)
}

// begin counts a handler in, unless the server is closing.
func (s *Server) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.handlers.Add(1)
	return true
}

// guard asks for the server's credentials.
func (s *Server) guard(next http.Handler) http.Handler {
	if s.auth == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, ok := r.BasicAuth(); !ok || user+":"+password != s.auth {
			w.Header().Set("WWW-Authenticate", `Basic realm="mirror"`)
			http.Error(w, "credentials wanted", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}
