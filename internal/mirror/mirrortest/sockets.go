package mirrortest

import (
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"testing"
)

// Refused returns an address of this machine (127.0.0.1:port) at which nothing
// listens, and nothing will until the test ends.
func Refused(tb testing.TB) string {
	tb.Helper()
	// A port that is the near end of an open connection is taken but does not
	// listen; that of a closed listener could be given to somebody else.
	ln := listen(tb)
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	return conn.LocalAddr().String()
}

// FreePort returns a port of this machine at which nothing listens, for a program that
// is to listen there. It is below those that systems give out by themselves, and is
// returned once, so that nobody gets it meanwhile.
func FreePort(tb testing.TB) string {
	tb.Helper()
	for range 1000 {
		port := strconv.Itoa(20_000 + rand.IntN(10_000))
		if _, given := ports.LoadOrStore(port, true); given {
			continue
		}
		if ln, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			ln.Close()
			return port
		}
	}
	tb.Fatal("found no free port")
	return ""
}

var ports sync.Map // those that FreePort returned

// Silent returns the address of a listener that accepts connections and never
// says anything: a TLS handshake with it does not end.
func Silent(tb testing.TB) string {
	tb.Helper()
	return serveConns(tb, func(c net.Conn) { io.Copy(io.Discard, c) })
}

// Resetting returns the address of a listener that resets (RST) every
// connection at once.
func Resetting(tb testing.TB) string {
	tb.Helper()
	return serveConns(tb, func(c net.Conn) { c.(*net.TCPConn).SetLinger(0) })
}

// Closing returns the address of a listener that reads a little and then closes
// every connection without an answer: a clean end where a response should be.
func Closing(tb testing.TB) string {
	tb.Helper()
	return serveConns(tb, func(c net.Conn) { c.Read(make([]byte, 64<<10)) })
}

// Garbled returns the address of a listener that answers everything with a line
// that is neither HTTP nor TLS.
func Garbled(tb testing.TB) string {
	tb.Helper()
	return serveConns(tb, func(c net.Conn) {
		c.Read(make([]byte, 64<<10))
		io.WriteString(c, "220 mail.example.test ready\r\n")
	})
}

// serveConns runs handle for each connection and closes it afterwards. With the
// test, all connections are closed and their goroutines waited for.
func serveConns(tb testing.TB, handle func(net.Conn)) string {
	tb.Helper()
	ln := listen(tb)
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		open  = map[net.Conn]bool{}
		ended bool
	)
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			if ended {
				mu.Unlock()
				c.Close()
				continue
			}
			open[c] = true
			mu.Unlock()
			wg.Go(func() {
				defer c.Close()
				handle(c)
			})
		}
	})
	tb.Cleanup(func() {
		ln.Close()
		mu.Lock()
		ended = true
		for c := range open {
			c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return ln.Addr().String()
}

// listen opens a listener on loopback that is closed with the test.
func listen(tb testing.TB) net.Listener {
	tb.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { ln.Close() })
	return ln
}
