package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// The ends of the wire; addresses reserved for documentation (RFC 5737).
const (
	wireClient = "192.0.2.1"
	wireMirror = "192.0.2.2"
)

// vnetHeader is the size of the virtio header before each packet of a TUN
// device with IFF_VNET_HDR. With it the kernel hands over segments of up to
// 64 kB that both ends still count as full-sized packets, so that windows grow
// as on a real network while the copying costs little of the cores that are
// being measured.
const vnetHeader = 10

// wireBacklog is the number of packets under way in one direction. Both queues
// are larger than any window, so that nothing is ever lost.
const wireBacklog = 1 << 16

// newWire lays a wire with the given round trip between two new network
// namespaces: one with the commands, one with the mirror. Every packet is
// delayed, those of the TCP handshake too. Both namespaces disappear with the
// process or with close, whichever is first. It needs root.
func newWire(cores int, roundTrip time.Duration) (*site, error) {
	client, mirror := newThread(), newThread()
	var a, b *os.File
	err := errors.Join(
		client.do(func() (err error) { a, err = openEnd(wireClient); return err }),
		mirror.do(func() (err error) { b, err = openEnd(wireMirror); return err }),
		// The network and the mirror come first: elsewhere they have processors
		// of their own, and a late packet would be taken for a lost one.
		setPriority(-10),
		client.do(func() error { return errors.Join(confine(cores), unix.Setpriority(unix.PRIO_PROCESS, 0, 0)) }),
	)
	if err != nil {
		client.close()
		mirror.close()
		return nil, fmt.Errorf("lay the wire (needs root and /dev/net/tun): %w", err)
	}
	go carry(a, b, roundTrip/2)
	go carry(b, a, roundTrip/2)
	return &site{
		name:    fmt.Sprintf("%d ms round trip", roundTrip.Milliseconds()),
		thread:  client,
		address: wireMirror,
		listen: func() (ln net.Listener, err error) {
			err = mirror.do(func() error {
				ln, err = net.Listen("tcp", net.JoinHostPort(wireMirror, "0"))
				return err
			})
			return ln, err
		},
		close: func() {
			a.Close()
			b.Close()
			client.close()
			mirror.close()
			// What was allowed before is allowed now: a higher value.
			_ = setPriority(0)
		},
	}, nil
}

// openEnd moves the calling thread into a network namespace of its own and
// returns a TUN device in it that has the given address.
func openEnd(address string) (*os.File, error) {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return nil, fmt.Errorf("new network namespace: %w", err)
	}
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open /dev/net/tun: %w", err)
	}
	if err := configureEnd(fd, net.ParseIP(address).To4()); err != nil {
		unix.Close(fd)
		return nil, err
	}
	// Only now: a TUN device can be polled once it has an interface.
	return os.NewFile(uintptr(fd), "wire"), nil
}

func configureEnd(fd int, address net.IP) error {
	control, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("control socket: %w", err)
	}
	defer unix.Close(control)
	request, err := unix.NewIfreq("wire")
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI | unix.IFF_VNET_HDR)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		return fmt.Errorf("make the device: %w", err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TUNSETVNETHDRSZ, vnetHeader); err != nil {
		return fmt.Errorf("set the header size: %w", err)
	}
	if err := unix.IoctlSetInt(fd, unix.TUNSETOFFLOAD, unix.TUN_F_CSUM|unix.TUN_F_TSO4); err != nil {
		return fmt.Errorf("set offloads: %w", err)
	}
	request.SetUint32(wireBacklog)
	if err := unix.IoctlIfreq(control, unix.SIOCSIFTXQLEN, request); err != nil {
		return fmt.Errorf("set the queue length: %w", err)
	}
	for _, set := range []struct {
		call  uint
		value net.IP
	}{{unix.SIOCSIFADDR, address}, {unix.SIOCSIFNETMASK, net.IPv4(255, 255, 255, 0).To4()}} {
		if err := request.SetInet4Addr(set.value); err != nil {
			return err
		}
		if err := unix.IoctlIfreq(control, set.call, request); err != nil {
			return fmt.Errorf("set the address: %w", err)
		}
	}
	for _, name := range []string{"wire", "lo"} {
		up, err := unix.NewIfreq(name)
		if err != nil {
			return err
		}
		up.SetUint16(unix.IFF_UP)
		if err := unix.IoctlIfreq(control, unix.SIOCSIFFLAGS, up); err != nil {
			return fmt.Errorf("bring %s up: %w", name, err)
		}
	}
	return nil
}

// carry brings every packet from one end to the other, each after the delay and
// in order, until from is closed.
func carry(from io.Reader, to io.Writer, delay time.Duration) {
	type packet struct {
		due  time.Time
		data []byte
	}
	underWay := make(chan packet, wireBacklog)
	go func() {
		defer close(underWay)
		buffer := make([]byte, vnetHeader+1<<16)
		for {
			n, err := from.Read(buffer)
			if err != nil {
				return
			}
			underWay <- packet{time.Now().Add(delay), append([]byte(nil), buffer[:n]...)}
		}
	}()
	for p := range underWay {
		time.Sleep(time.Until(p.due))
		// A packet that the kernel refuses is a lost one, as on any wire.
		_, _ = to.Write(p.data)
	}
}
