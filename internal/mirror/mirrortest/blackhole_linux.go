package mirrortest

import (
	"fmt"
	"net"
	"syscall"
	"testing"
)

// BlackHole returns an address (127.0.0.1:port) that does not answer connection
// requests, as a firewall that drops them: a connect to it lasts until the
// client gives up. It serves real processes; in process, Network.BlackHole does
// the same on every system.
func BlackHole(tb testing.TB) string {
	tb.Helper()
	// A listener with a backlog of 0 holds one connection that nobody accepts;
	// Linux drops the SYN of every further one (tcp_conn_request).
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		tb.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		tb.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		tb.Fatal(err)
	}
	addr := fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	return addr
}
