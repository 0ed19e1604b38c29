package mirrortest

import (
	"context"
	"net"
	"os"
	"slices"
	"sync"

	"github.com/modferry/modferry/internal/failure"
)

// Network is a dialer in which names lead where a test wants: to a loopback
// server, nowhere, or to an error. What it does not know is dialled when it is
// an address of this machine, and is a name that does not exist otherwise, so
// no test leaves the machine. The zero value is ready; all methods are safe for
// concurrent use.
type Network struct {
	mu     sync.Mutex
	hosts  map[string]place
	dialed []string
}

// place is where a host or address leads.
type place struct {
	to  string // an address to dial instead
	err error  // returned at once
	// neither: no answer until the context ends
}

// Route leads every port of a host name, or one "host:port", to an address.
func (n *Network) Route(host, to string) { n.set(host, place{to: to}) }

// BlackHole makes a host or "host:port" leave connection requests unanswered.
func (n *Network) BlackHole(host string) { n.set(host, place{}) }

// NoSuchHost makes a host name unknown.
func (n *Network) NoSuchHost(host string) {
	n.set(host, place{err: &net.DNSError{Err: "no such host", Name: host, Server: "127.0.0.53:53", IsNotFound: true}})
}

// LookupFails makes the lookup of a host name fail for now, as a resolver does
// that is out of order.
func (n *Network) LookupFails(host string) {
	n.set(host, place{err: &net.DNSError{Err: "server misbehaving", Name: host, Server: "127.0.0.53:53", IsTemporary: true}})
}

// Unreachable makes a host or "host:port" unreachable.
func (n *Network) Unreachable(host string) {
	n.set(host, place{err: os.NewSyscallError("connect", failure.ErrUnreachable)})
}

// Refuse makes a host or "host:port" refuse connections.
func (n *Network) Refuse(host string) {
	n.set(host, place{err: os.NewSyscallError("connect", failure.ErrRefused)})
}

// Forget makes a host as if it had never been named here.
func (n *Network) Forget(host string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.hosts, host)
}

// Dialed returns the addresses that were dialled so far, in order.
func (n *Network) Dialed() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.dialed)
}

func (n *Network) set(host string, p place) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.hosts == nil {
		n.hosts = map[string]place{}
	}
	n.hosts[host] = p
}

// DialContext has the signature of net.Dialer.DialContext, and its errors the
// shape of that one's.
func (n *Network) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	n.mu.Lock()
	n.dialed = append(n.dialed, addr)
	p, known := n.hosts[addr]
	if !known {
		p, known = n.hosts[host]
	}
	n.mu.Unlock()

	switch ip := net.ParseIP(host); {
	case !known && (host == "localhost" || ip != nil && ip.IsLoopback()):
		p.to = addr
	case !known:
		p.err = &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	if p.err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: p.err}
	}
	if p.to == "" {
		<-ctx.Done()
		return nil, &net.OpError{Op: "dial", Net: network, Err: ctx.Err()}
	}
	return new(net.Dialer).DialContext(ctx, network, p.to)
}
