package relay

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Loopback serves a handler to this machine, below a path that nobody can guess:
// other users of the machine reach its ports, too, and the go command sends no
// password over http.
type Loopback struct {
	URL    string // without trailing slash, with the secret
	Secret string

	server *http.Server
	done   chan struct{}

	mu       sync.Mutex
	closed   bool
	handlers sync.WaitGroup // added to under mu, so never once it is closed
}

// Listen serves h at a free port until Close.
func Listen(h http.Handler) (*Loopback, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		var v6 error
		if ln, v6 = net.Listen("tcp", "[::1]:0"); v6 != nil {
			return nil, errors.Join(err, v6)
		}
	}
	var random [16]byte
	rand.Read(random[:]) // never fails
	l := &Loopback{Secret: hex.EncodeToString(random[:]), done: make(chan struct{})}
	l.URL = "http://" + ln.Addr().String() + "/" + l.Secret
	l.server = &http.Server{
		Handler: l.counted(below(l.Secret, h)), ErrorLog: log.New(io.Discard, "", 0),
		ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 32 << 10,
		IdleTimeout: 2 * time.Minute, // longer than clients keep connections: no request meets one that is closed
	}
	go func() {
		defer close(l.done)
		l.server.Serve(ln)
	}()
	return l, nil
}

// Close ends at once what is being answered. No handler runs any more when it returns.
func (l *Loopback) Close() error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	err := l.server.Close()
	<-l.done
	l.handlers.Wait()
	return err
}

// counted is a handler whose end Close waits for: the server itself does not.
func (l *Loopback) counted(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		if l.closed {
			l.mu.Unlock()
			panic(http.ErrAbortHandler)
		}
		l.handlers.Add(1)
		l.mu.Unlock()
		defer l.handlers.Done()
		h.ServeHTTP(w, r)
	})
}

// below hands on what is asked below the secret. Everything else is a 404 that says
// nothing.
func below(secret string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, rest, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		if !ok || subtle.ConstantTimeCompare([]byte(got), []byte(secret)) != 1 {
			http.NotFound(w, r)
			return
		}
		inner, to := *r, *r.URL
		inner.URL = &to
		to.Path, to.RawPath = "/"+rest, ""
		h.ServeHTTP(w, &inner)
	})
}
