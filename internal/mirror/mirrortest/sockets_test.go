package mirrortest_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// plain is a client without connections that outlive a request.
func plain(t *testing.T) *http.Client {
	tr := &http.Transport{DisableKeepAlives: true}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

func TestAddressesWithoutAMirror(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		addr func(testing.TB) string
		ok   func(error) bool
	}{
		{"refused", mirrortest.Refused, func(err error) bool { return errors.Is(err, failure.ErrRefused) }},
		{"resetting", mirrortest.Resetting, func(err error) bool {
			return errors.Is(err, failure.ErrReset) || errors.Is(err, syscall.EPIPE)
		}},
		{"closing", mirrortest.Closing, func(err error) bool { return errors.Is(err, io.EOF) }},
		{"garbled", mirrortest.Garbled, func(err error) bool { return strings.Contains(err.Error(), "malformed HTTP") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			addr := tt.addr(t)
			for range 3 {
				_, _, err := get(plain(t), "http://"+addr+"/x")
				if err == nil || !tt.ok(err) {
					t.Errorf("client says: %v", err)
				}
			}
		})
	}
}

func TestSilenceLastsUntilTheClientGivesUp(t *testing.T) {
	t.Parallel()
	conn, err := net.Dial("tcp", mirrortest.Silent(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- tls.Client(conn, &tls.Config{ServerName: "x.example.test"}).HandshakeContext(ctx)
	}()
	select {
	case err := <-done:
		t.Errorf("the handshake ended: %v", err)
	default:
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("the handshake ended with %v", err)
	}
}

func TestANetworkLeadsNamesWhereItIsTold(t *testing.T) {
	t.Parallel()
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: mirrortest.Generate(t, 1, 0), Protocol: mirrortest.HTTP2})
	n := new(mirrortest.Network)
	n.Route("mirror.example.test", s.Addr)
	n.NoSuchHost("gone.example.test")
	n.LookupFails("flaky.example.test")
	n.Unreachable("far.example.test")
	n.Refuse("shut.example.test:443")
	n.BlackHole("hole.example.test")
	c := s.Client()
	c.Transport.(*http.Transport).DialContext = n.DialContext

	lookup := func(found bool) func(error) bool {
		return func(err error) bool {
			var d *net.DNSError
			return errors.As(err, &d) && d.IsNotFound == !found
		}
	}
	for host, ok := range map[string]func(error) bool{
		"mirror.example.test":  func(err error) bool { return err == nil },
		"gone.example.test":    lookup(false),
		"flaky.example.test":   lookup(true),
		"far.example.test":     func(err error) bool { return errors.Is(err, failure.ErrUnreachable) },
		"shut.example.test":    func(err error) bool { return errors.Is(err, failure.ErrRefused) },
		"unknown.example.test": lookup(false),
	} {
		if _, _, err := get(c, "https://"+host+m0+".zip"); !ok(err) {
			t.Errorf("%s: %v", host, err)
		}
	}
	if _, _, err := get(c, s.URL+m0+".zip"); err != nil {
		t.Errorf("a loopback address: %v", err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := n.DialContext(ctx, "tcp", "hole.example.test:443")
		done <- err
	}()
	select {
	case err := <-done:
		t.Errorf("the black hole answers: %v", err)
	default:
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("the black hole ends with %v", err)
	}

	n.Route("gone.example.test", s.Addr)
	if _, _, err := get(c, "https://gone.example.test"+m0+".zip"); err != nil {
		t.Errorf("a host that came back: %v", err)
	}
	n.Forget("gone.example.test")
	c.CloseIdleConnections()
	if _, _, err := get(c, "https://gone.example.test"+m0+".zip"); !lookup(false)(err) {
		t.Errorf("a forgotten host: %v", err)
	}
	if n := len(n.Dialed()); n < 9 {
		t.Errorf("%d dials recorded", n)
	}
}
