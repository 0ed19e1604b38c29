// Package serve is a relay as a server: for one job, as a service container beside it,
// or as one of several replicas.
//
// Its main invariants: it listens before it does anything that may take long; nobody
// who has not shown a token where one is wanted gets the name of a module; and a file
// that is changed for the worse changes nothing.
package serve

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/relay"
	"github.com/modferry/modferry/internal/relay/keep"
	"github.com/modferry/modferry/internal/relay/watch"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/settings"
)

// Options configure a server. Values, Load and Open are required.
type Options struct {
	// Values are the settings; Load reads them anew when a file has changed.
	Values *settings.Values
	Load   func() (*settings.Values, error)
	// Open opens a session over settings, with the Brought of the options.
	Open func(*settings.Values, session.Options) (*session.Session, error)
	// Session are the options of sessions.
	Session session.Options
	// Token is what clients need beside those of the token file; "" for none.
	Token string
	// Log receives what happens and a line for every request; nil means nobody does.
	Log *slog.Logger
	// Plain is a faster way to the same place for lines that are harmless; nil means Log.
	Plain *slog.Logger
	// Waits is how long the server goes on after it said that it is not ready, so that
	// nobody is sent to it any more; 0 means 3 s where others than this machine reach it.
	Waits time.Duration
	// Listening is told the address, as soon as there is one; nil means nobody is.
	Listening func(net.Addr)
}

// Server answers as a module proxy until its context ends.
type Server struct {
	o     Options
	watch *watch.Watch
	keep  *keep.Keep
	files *files
	tls   atomic.Pointer[secure] // nil for plain http
	auth  atomic.Pointer[auth]

	begun    chan struct{} // closed when current is there
	leaving  atomic.Bool   // it was asked to stop
	inFlight chan struct{} // as many as may be answered at a time; nil for any number
	results  sync.Mutex    // a result at a time

	mu      sync.RWMutex
	current *generation
	old     sync.WaitGroup // generations that are being closed
}

const (
	// writeLimit is how long a client may take for a part of an answer.
	writeLimit = time.Minute
	// queueLimit is how long a request waits while too many are answered.
	queueLimit = 30 * time.Second
	// poll is how often files are looked at: the directory of a ConfigMap is a link
	// that moves, which tells nobody.
	poll = 5 * time.Second
	// lastFiles is how many files the result lists.
	lastFiles = 2000
)

// Run serves until ctx ends: then it says that it is not ready, goes on for a moment,
// and ends when everything under way is answered, or at the limit for that. The error
// says why it could not begin, or could not go on.
func Run(ctx context.Context, o Options) error {
	s := prepared(o)
	if err := s.secure(o.Values); err != nil {
		return err
	}
	ln, err := net.Listen("tcp", o.Values.Listen)
	if err != nil {
		return fmt.Errorf("listen at %s: %w", o.Values.Listen, err)
	}
	server := &http.Server{
		Handler: s, ErrorLog: log.New(io.Discard, "", 0), // of clients, mostly
		ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 32 << 10,
		IdleTimeout: 2 * time.Minute, // longer than clients keep connections: no request meets one that is closed
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(s.listener(ln)) }()
	defer func() {
		server.Close()
		<-ended
	}()
	if o.Listening != nil {
		o.Listening(ln.Addr())
	}
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	s.o.Log.Info("ready", "address", ln.Addr().String(), "tls", s.tls.Load() != nil, "tokens", s.auth.Load().wanted(), "mirrors", s.chain())
	if a := s.auth.Load(); !a.wanted() && !a.certs && !local(ln.Addr()) {
		s.o.Log.Warn("whoever reaches this address may download what the mirrors have, with the credentials that they are asked with; MODFERRY_RELAY_TOKEN, --token-file or --client-ca keep others out")
	}
	ticks := time.NewTicker(poll)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
			s.look(ctx)
			continue
		case err := <-ended:
			ended <- err
			return fmt.Errorf("serve at %s: %w", ln.Addr(), err)
		case <-ctx.Done():
		}
		break
	}
	return s.drain(server, ln.Addr())
}

// prepared is a server that has not begun.
func prepared(o Options) *Server {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Plain == nil {
		o.Plain = o.Log
	}
	s := &Server{o: o, begun: make(chan struct{})}
	if o.Values.MaxRequests > 0 {
		s.inFlight = make(chan struct{}, o.Values.MaxRequests)
	}
	s.watch = watch.New(watch.NewMetrics(o.Session.Tool, s.state), o.Log, o.Plain, writeLimit)
	s.o.Session.Brought = s.watch.Brought
	s.o.Session.Via = "1.1 modferry-" + rand.Text()
	return s
}

// begin opens what requests are answered with.
func (s *Server) begin(ctx context.Context) error {
	v := s.o.Values
	dir, err := place(v.KeepDir)
	if err != nil {
		return err
	}
	g, err := s.open(v)
	if err != nil {
		return err
	}
	o := keep.Options{Most: v.KeepSize, Log: func(line string) { s.o.Log.Warn(line) }}
	if o.Shared, err = sharedStore(v, g); err != nil {
		return err
	}
	if s.keep, err = keep.Open(dir, o); err != nil {
		return fmt.Errorf("make a directory for downloads: %w", err)
	}
	if err := g.begin(ctx, s); err != nil {
		return errors.Join(err, s.keep.Close())
	}
	s.files = newFiles(v)
	s.current = g
	s.watch.Reloaded(true, time.Now())
	close(s.begun)
	return nil
}

// end closes what begin opened. Nobody asks any more.
func (s *Server) end() {
	s.current.close(s)
	s.old.Wait()
	if err := s.keep.Close(); err != nil {
		s.o.Log.Warn("remove what was kept: " + err.Error())
	}
}

// drain stops the server: readiness goes first.
func (s *Server) drain(server *http.Server, at net.Addr) error {
	s.leaving.Store(true)
	wait := s.o.Waits
	if wait == 0 && !local(at) {
		wait = 3 * time.Second
	}
	s.o.Log.Info("asked to stop", "waits", wait.String(), "limit", s.o.Values.DrainTimeout.String())
	time.Sleep(wait)
	ctx, cancel := context.WithTimeout(context.Background(), s.o.Values.DrainTimeout)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		s.o.Log.Warn("answers under way are cut: " + err.Error())
		server.Close()
	}
	return nil
}

// local reports whether only this machine reaches an address.
func local(at net.Addr) bool {
	a, ok := at.(*net.TCPAddr)
	return ok && a.IP.IsLoopback()
}

// ServeHTTP answers probes and metrics, and everything else who may be answered.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/healthz":
		say(w, http.StatusOK, "ok")
	case "/readyz":
		s.readyz(w)
	case "/metrics":
		s.watch.ServeHTTP(w, r)
	default:
		if slices.Contains(r.Header.Values("Via"), s.o.Session.Via) {
			say(w, http.StatusLoopDetected, "modferry: this relay asks itself: its own address is in its GOPROXY; set MODFERRY_PROXY to the mirrors that it should ask")
			return
		}
		inner, why := s.auth.Load().admit(r)
		if why != nil {
			s.watch.Refused(why.reason)
			s.o.Log.Info("refused", "reason", why.reason, "remote", r.RemoteAddr)
			why.answer(w)
			return
		}
		s.watch.Handler(http.HandlerFunc(s.answer)).ServeHTTP(w, inner)
	}
}

func (s *Server) readyz(w http.ResponseWriter) {
	switch {
	case s.leaving.Load():
		say(w, http.StatusServiceUnavailable, "about to stop")
	case !s.ready():
		say(w, http.StatusServiceUnavailable, "not begun yet")
	default:
		say(w, http.StatusOK, "ok")
	}
}

func (s *Server) ready() bool {
	select {
	case <-s.begun:
		return true
	default:
		return false
	}
}

// answer answers with a file, a page or the result so far.
func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	leave, ok := s.admitted(w, r)
	if !ok {
		return
	}
	defer leave()
	g := s.enter()
	defer g.users.Done()
	if r.URL.Path == "/result" {
		s.result(w, r, g.relay)
		return
	}
	g.relay.ServeHTTP(w, r)
}

// admitted waits for the server to begin, and for one of the places, which leave gives
// back.
func (s *Server) admitted(w http.ResponseWriter, r *http.Request) (leave func(), ok bool) {
	select {
	case <-s.begun:
	case <-r.Context().Done():
		return nil, false
	}
	if s.inFlight == nil {
		return func() {}, true
	}
	leave = func() { <-s.inFlight }
	select {
	case s.inFlight <- struct{}{}:
		return leave, true
	default:
	}
	t := time.NewTimer(queueLimit)
	defer t.Stop()
	select {
	case s.inFlight <- struct{}{}:
		return leave, true
	case <-r.Context().Done():
	case <-t.C:
		w.Header().Set("Retry-After", "5")
		say(w, http.StatusServiceUnavailable, "modferry: too many requests at a time; see --max-requests")
	}
	return nil, false
}

func say(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	fmt.Fprintln(w, failure.Sentence(text)) // a client that is gone is no concern of ours
}

// relayLog is told what the relay does beyond the access log.
func (s *Server) relayLog() func(string) {
	if !s.o.Log.Enabled(context.Background(), slog.LevelDebug) {
		return nil
	}
	return func(line string) { s.o.Log.Debug(line) }
}

var _ http.Handler = (*relay.Relay)(nil)
