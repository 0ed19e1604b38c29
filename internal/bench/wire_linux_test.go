package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

func TestCarryDelaysEveryPacketAndKeepsTheOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const delay = 50 * time.Millisecond
		type arrival struct {
			data  string
			after time.Duration
		}
		start := time.Now()
		from, in := io.Pipe()
		arrivals := make(chan arrival, 3)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			carry(from, writerFunc(func(p []byte) {
				arrivals <- arrival{string(p), time.Since(start)}
			}), delay)
		}()
		sent := []arrival{{"first", 0}, {"second", 0}, {"third", 20 * time.Millisecond}}
		for _, a := range sent {
			time.Sleep(a.after - time.Since(start))
			if _, err := in.Write([]byte(a.data)); err != nil {
				t.Fatal(err)
			}
		}
		for _, a := range sent {
			want := arrival{a.data, a.after + delay}
			if got := <-arrivals; got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		}
		in.Close()
		<-ended
	})
}

type writerFunc func(p []byte)

func (f writerFunc) Write(p []byte) (int, error) {
	f(p)
	return len(p), nil
}

func TestTheWireCarriesAStreamWithoutLoss(t *testing.T) {
	t.Parallel()
	at, err := newWire(1, 2*time.Millisecond)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EACCES) {
		t.Skipf("no network namespace or TUN device to be had: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer at.close()
	ln, err := at.listen()
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()

	sent := bytes.Repeat([]byte("modferry"), 1<<20)
	served := make(chan error, 1)
	go func() {
		c, err := ln.Accept()
		if err == nil {
			_, err = c.Write(sent)
			err = errors.Join(err, c.Close())
		}
		served <- err
	}()
	var c net.Conn
	err = at.thread.do(func() (err error) {
		c, err = net.Dial("tcp", ln.Addr().String()) // a literal address: dialled on this thread
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	got, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := <-served; err != nil {
		t.Fatal(err)
	}
	if sha256.Sum256(got) != sha256.Sum256(sent) {
		t.Errorf("got %d other bytes than the %d sent", len(got), len(sent))
	}
}

func TestAWireIsANetworkOfItsOwn(t *testing.T) {
	t.Parallel()
	at, err := newWire(1, 0)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EACCES) {
		t.Skipf("no network namespace or TUN device to be had: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer at.close()
	var devices string
	err = at.thread.do(func() error {
		data, err := os.ReadFile("/proc/thread-self/net/dev")
		devices = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(devices) {
		name, _, isDevice := strings.Cut(strings.TrimSpace(line), ":")
		if isDevice && name != "lo" && name != "wire" {
			t.Errorf("found device %s, expected lo and wire only", name)
		}
	}
	if !strings.Contains(devices, "wire:") {
		t.Errorf("found no wire in\n%s", devices)
	}
}
