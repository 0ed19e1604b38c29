package ghatest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Like is the implementation whose manners a server has.
type Like int

// The implementations.
const (
	// GitHub: taken names answer 409, also while they are being written.
	GitHub Like = iota
	// Act: v1 below /<secret>/, names come back in lower case and may be
	// taken again, the bearer token does not count, errors are {"error": …},
	// there are no entity tags.
	Act
	// Gitea: taken names answer 200 with ok:false on v2.
	Gitea
)

// Options configure a server. The zero value is GitHub's service with entries
// in memory.
type Options struct {
	// Protocol is what Getenv and Environ lead to, "v2" (also "") or "v1". The
	// server itself always speaks both, about the same entries.
	Protocol string
	Like     Like
	// Dir keeps the bytes of entries in files of this directory, which must
	// exist; "" keeps them in memory.
	Dir string
	// Bandwidth is the most bytes per second in each direction, over all
	// connections together; 0 means no limit. See also SetBandwidth.
	Bandwidth int64

	Camel    bool // answers in lowerCamelCase instead of snake_case
	NoRanges bool // downloads ignore Range and answer 200
	NoETag   bool // downloads carry no entity tag
	NoLength bool // downloads carry no Content-Length: the body is chunked
	ReadOnly bool // the token may only read; see also SetReadOnly

	// Now is the clock of what is created; nil means time.Now. Which of two
	// entries is newer does not depend on it.
	Now func() time.Time
	// Faults are as given to Fault.
	Faults []Rule
}

// Server is the double. All methods are safe for concurrent use.
type Server struct {
	URL string // http://127.0.0.1:port, without trailing slash

	o         Options
	entries   entries
	rec       recorder
	rules     rules
	down, up  *link
	api       http.Handler
	transport *http.Transport

	http   *http.Server
	cancel context.CancelFunc
	served chan struct{} // closed when the accept loop has ended

	mu       sync.Mutex
	readOnly bool           // guarded by mu
	closed   bool           // guarded by mu
	handlers sync.WaitGroup // added to under mu, so never after closed
}

// Start starts a server, which ends with the test.
func Start(tb testing.TB, o Options) *Server {
	tb.Helper()
	s, err := New(o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// New starts a server, which ends with Close.
func New(o Options) (*Server, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the cache service: %w", err)
	}
	s := &Server{
		URL:       "http://" + ln.Addr().String(),
		o:         o,
		down:      newLink(o.Bandwidth),
		up:        newLink(o.Bandwidth),
		readOnly:  o.ReadOnly,
		served:    make(chan struct{}),
		transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true},
	}
	s.entries.dir = o.Dir
	s.entries.now = o.Now
	s.entries.byID = map[int]*entry{}
	s.entries.grants = map[string]grant{}
	s.api = s.routes()
	s.Fault(o.Faults...)

	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.http = &http.Server{
		Handler:     http.HandlerFunc(s.serve),
		ErrorLog:    log.New(io.Discard, "", 0), // broken connections are what some tests are about
		BaseContext: func(net.Listener) context.Context { return ctx },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, c.(*limitedConn).Conn)
		},
	}
	go func() {
		defer close(s.served)
		s.http.Serve(s.Behind(ln))
	}()
	return s, nil
}

type connKey struct{}

// Close ends the server, its connections and everything that waits in it, and
// removes the files that it made.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.down.set(0)
	s.up.set(0)
	err := s.http.Close()
	<-s.served
	s.handlers.Wait()
	s.transport.CloseIdleConnections()
	return errors.Join(err, s.entries.close())
}

// serve counts, records, and lets the fault of the request decide.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		panic(http.ErrAbortHandler)
	}
	s.handlers.Add(1)
	s.mu.Unlock()
	defer s.handlers.Done()

	req := s.describe(r)
	s.rec.add(req)
	counted := &counter{ResponseWriter: w}
	defer func() { s.rec.answered(req.Seq, counted.status, counted.bytes) }()
	if do := s.rules.choose(req); do != nil {
		do(counted, r, s.api)
		return
	}
	s.api.ServeHTTP(counted, r)
}

// Transport reaches the server. It is the same for every call, and its idle
// connections end with the server.
func (s *Server) Transport() http.RoundTripper { return s.transport }

// SetBandwidth changes the limit of bytes per second, 0 means none.
func (s *Server) SetBandwidth(bytesPerSecond int64) {
	s.down.set(bytesPerSecond)
	s.up.set(bytesPerSecond)
}

// SetReadOnly changes what a token may do, also those handed out.
func (s *Server) SetReadOnly(yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readOnly = yes
}

func (s *Server) isReadOnly() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.readOnly
}

// Token is the runtime token: a JWT whose claim "ac" says what Options.ReadOnly
// or SetReadOnly said last. The server accepts it in all its forms.
func (s *Server) Token() string {
	permission := 3 // 1 read, 2 write
	if s.isReadOnly() {
		permission = 1
	}
	scopes, err := json.Marshal([]map[string]any{{"Scope": "refs/heads/main", "Permission": permission}})
	if err != nil {
		panic(err) // these values can be marshalled
	}
	claims, err := json.Marshal(map[string]string{"ac": string(scopes), "sub": "ghatest"})
	if err != nil {
		panic(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + encode(claims) + "." + encode([]byte("not a signature, but secret"))
}

// actSecret stands in the path where act has one.
const actSecret = "5e0f3c1d2b4a69788796a5b4c3d2e1f0"

// Env is the environment that leads a client to the server, as a job has it.
func (s *Server) Env() map[string]string {
	env := map[string]string{
		"GITHUB_ACTIONS":        "true",
		"GITHUB_SERVER_URL":     "https://github.com",
		"ACTIONS_RUNTIME_TOKEN": s.Token(),
	}
	switch {
	case s.o.Protocol != "v1":
		env["ACTIONS_RESULTS_URL"] = s.URL + "/"
		env["ACTIONS_CACHE_SERVICE_V2"] = "True"
	case s.o.Like == Act:
		env["ACT"] = "true"
		env["ACTIONS_CACHE_URL"] = s.URL + "/" + actSecret + "/"
	default:
		env["GITHUB_SERVER_URL"] = "https://ghes.example.test"
		env["ACTIONS_CACHE_URL"] = s.URL + "/ghes/"
	}
	return env
}

// Getenv returns a variable of Env, "" for others.
func (s *Server) Getenv(name string) string { return s.Env()[name] }

// Environ is Env in the form of os.Environ, sorted.
func (s *Server) Environ() []string {
	env := s.Env()
	var list []string
	for _, name := range slices.Sorted(maps.Keys(env)) {
		list = append(list, name+"="+env[name])
	}
	return list
}

// Secrets returns what must never appear in an output: the token, act's secret
// path, and the signatures and URLs handed out so far, raw and URL-encoded.
func (s *Server) Secrets() []string {
	secrets := append(s.entries.secrets(s.URL), s.Token())
	if s.o.Like == Act {
		secrets = append(secrets, actSecret)
	}
	return secrets
}

// authorized checks the bearer token and answers when it is not right.
func (s *Server) authorized(r *http.Request) bool {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return s.o.Like == Act || ok && strings.Count(token, ".") == 2 && strings.HasSuffix(token, s.Token()[strings.LastIndexByte(s.Token(), '.'):])
}
