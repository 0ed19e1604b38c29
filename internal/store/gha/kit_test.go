package gha_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/store"
	"github.com/modferry/modferry/internal/store/gha"
	"github.com/modferry/modferry/internal/store/gha/ghatest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// version is what keeps our entries apart; see the test of its value.
const version = "9ff98f272e2a1902b2c66a0a2ece82ee410d9a450c070a4992abfb86140515b6"

// hurry is a Sleep that does not wait.
func hurry(ctx context.Context, _ time.Duration) error { return context.Cause(ctx) }

// naps is a Sleep that does not wait but remembers for how long it would have.
type naps struct {
	mu   sync.Mutex
	list []time.Duration
}

func (n *naps) sleep(ctx context.Context, d time.Duration) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.list = append(n.list, d)
	return context.Cause(ctx)
}

func (n *naps) all() []time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.list)
}

// lines collects strings from several goroutines.
type lines struct {
	mu   sync.Mutex
	list []string
}

func (l *lines) add(s string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, s)
}

func (l *lines) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.list)
}

const kib, mib = 1 << 10, 1 << 20

// open opens the store at a server. Segments and blocks are small, so that
// entries of a megabyte already are many of them.
func open(t *testing.T, s *ghatest.Server, change ...func(o *gha.Options)) *gha.Store {
	t.Helper()
	o := gha.Options{
		Getenv: s.Getenv, Transport: s.Transport(), Sleep: hurry, Rand: func() float64 { return 0 },
		Parallel: 4, Segment: 64 * kib, Block: 64 * kib,
	}
	for _, f := range change {
		f(&o)
	}
	st, err := gha.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// both runs a test against v2 and v1.
func both(t *testing.T, test func(t *testing.T, o ghatest.Options)) {
	for _, o := range []ghatest.Options{{Protocol: "v2"}, {Protocol: "v1"}} {
		t.Run(o.Protocol, func(t *testing.T) {
			t.Parallel()
			test(t, o)
		})
	}
}

// some returns n bytes that look like chance and are always the same.
func some(n int) []byte {
	data := make([]byte, n)
	rand.NewChaCha8([32]byte{1}).Read(data)
	return data
}

// find finds an entry that is there.
func find(t *testing.T, st *gha.Store, name string) store.Entry {
	t.Helper()
	e, err := st.Find(t.Context(), name)
	if err != nil {
		t.Fatalf("Find(%q) = %v", name, err)
	}
	return e
}

// read finds and reads an entry. The error is Open's or Read's.
func read(t *testing.T, st *gha.Store, name string) ([]byte, error) {
	t.Helper()
	return readEntry(t.Context(), st, find(t, st, name))
}

func readEntry(ctx context.Context, st *gha.Store, e store.Entry) ([]byte, error) {
	r, err := st.Open(ctx, e)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(r)
	return data, errors.Join(err, r.Close())
}

// write is a function for Create that writes data in pieces.
func write(data []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		for piece := range slices.Chunk(data, 10_007) {
			if _, err := w.Write(piece); err != nil {
				return err
			}
		}
		return nil
	}
}

// never is a function for Create that must not be called.
func never(t *testing.T) func(io.Writer) error {
	return func(io.Writer) error {
		t.Error("write was called")
		return nil
	}
}

// isFailure checks the class of an error and that its text holds all parts.
func isFailure(t *testing.T, err error, class failure.Class, parts ...string) {
	t.Helper()
	fe, ok := errors.AsType[*failure.Error](err)
	if !ok || fe.Class != class {
		t.Fatalf("got %T %v, expected a failure of class %q", err, err, class)
	}
	says(t, err, parts...)
}

func says(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("the error is %q, expected to read %q in it", err, part)
		}
	}
}

// counts compares the numbers of requests.
func counts(t *testing.T, s *ghatest.Server, want map[ghatest.Op]int) {
	t.Helper()
	for op, n := range want {
		if got := s.Count(op); got != n {
			t.Errorf("%d requests to %s, expected %d", got, op, n)
		}
	}
}

// ops returns the requests of a kind.
func ops(s *ghatest.Server, op ghatest.Op) []ghatest.Request {
	var list []ghatest.Request
	for _, r := range s.Requests() {
		if r.Op == op {
			list = append(list, r)
		}
	}
	return list
}

// tap is a transport that remembers the bodies of requests by path.
type tap struct {
	base http.RoundTripper
	mu   sync.Mutex
	seen []string // path?query body
}

func (c *tap) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		r.Body.Close()
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	c.mu.Lock()
	c.seen = append(c.seen, strings.TrimSpace(r.Method+" "+r.URL.RequestURI()+" "+string(body)))
	c.mu.Unlock()
	return c.base.RoundTrip(r)
}
