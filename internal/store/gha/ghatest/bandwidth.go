package ghatest

import (
	"net"
	"sync"
	"time"
)

// link is one direction of a line that all connections share. What is on it
// takes its time; whoever comes next waits for that.
type link struct {
	now   func() time.Time
	sleep func(time.Duration)

	mu   sync.Mutex
	rate int64     // bytes per second, 0 no limit
	free time.Time // when the line has sent what was given to it
}

func newLink(rate int64) *link {
	return &link{now: time.Now, sleep: time.Sleep, rate: rate}
}

func (l *link) set(rate int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rate, l.free = rate, time.Time{}
}

// slack is how far the line may fall behind and catch up, since sleeping takes
// a little longer than it should.
const slack = 20 * time.Millisecond

// quantum is what goes over the line at a time, so that connections share it:
// what it carries in about two milliseconds. It is 0 without a limit.
func (l *link) quantum() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rate <= 0 {
		return 0
	}
	return int(min(max(l.rate/500, 4<<10), 128<<10))
}

// pass returns when the line has carried n bytes.
func (l *link) pass(n int) {
	l.mu.Lock()
	if l.rate <= 0 || n <= 0 {
		l.mu.Unlock()
		return
	}
	now := l.now()
	if late := now.Add(-slack); l.free.Before(late) {
		l.free = late
	}
	l.free = l.free.Add(time.Duration(int64(n) * int64(time.Second) / l.rate))
	wait := l.free.Sub(now)
	l.mu.Unlock()
	if wait > 0 {
		l.sleep(wait)
	}
}

type limitedListener struct {
	net.Listener
	down, up *link
}

// Behind returns ln with its connections on the server's lines, so that another
// server shares the bandwidth with this one.
func (s *Server) Behind(ln net.Listener) net.Listener {
	return &limitedListener{Listener: ln, down: s.down, up: s.up}
}

func (l *limitedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if tcp, ok := conn.(*net.TCPConn); ok && l.down.quantum() > 0 {
		// Otherwise the kernel takes megabytes before the line is felt.
		tcp.SetReadBuffer(64 << 10)
		tcp.SetWriteBuffer(64 << 10)
	}
	return &limitedConn{Conn: conn, down: l.down, up: l.up}, nil
}

// limitedConn is a connection whose bytes go over the lines.
type limitedConn struct {
	net.Conn
	down, up *link
}

func (c *limitedConn) Read(b []byte) (int, error) {
	if quantum := c.up.quantum(); quantum > 0 && len(b) > quantum {
		b = b[:quantum]
	}
	n, err := c.Conn.Read(b)
	c.up.pass(n)
	return n, err
}

func (c *limitedConn) Write(b []byte) (int, error) {
	quantum := c.down.quantum()
	if quantum == 0 {
		return c.Conn.Write(b)
	}
	sent := 0
	for sent < len(b) {
		part := b[sent:min(len(b), sent+quantum)]
		c.down.pass(len(part))
		n, err := c.Conn.Write(part)
		sent += n
		if err != nil {
			return sent, err
		}
	}
	return sent, nil
}
