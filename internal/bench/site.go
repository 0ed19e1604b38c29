package main

import (
	"net"
	"runtime"
	"time"
)

// A site is a place where commands run and reach a mirror in a certain way.
type site struct {
	name    string // for tables
	thread  *thread
	address string                       // of the mirror, seen by the commands
	listen  func() (net.Listener, error) // where the mirror serves
	latency time.Duration                // of the mirror's answers, beyond the way to it
	close   func()
}

// newLoopback returns the site of the machine itself, with commands confined to
// the given number of processors.
func newLoopback(cores int) (*site, error) {
	t := newThread()
	if err := t.do(func() error { return confine(cores) }); err != nil {
		t.close()
		return nil, err
	}
	return &site{
		name:    "loopback",
		thread:  t,
		address: "127.0.0.1",
		listen:  func() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") },
		close:   t.close,
	}, nil
}

// A thread is one operating system thread that runs what it is given, one after
// the other. What it sets for itself (namespace, processors) holds for the
// commands it starts and for nothing else, and ends with it.
type thread struct {
	work chan func()
	done chan struct{}
}

func newThread() *thread {
	t := &thread{work: make(chan func()), done: make(chan struct{})}
	go func() {
		defer close(t.done)
		runtime.LockOSThread() // never unlocked: the thread dies with the goroutine
		for f := range t.work {
			f()
		}
	}()
	return t
}

// do runs f on the thread and returns what f returns. It must not be called
// after close.
func (t *thread) do(f func() error) error {
	result := make(chan error)
	t.work <- func() { result <- f() }
	return <-result
}

// close ends the thread and waits for it.
func (t *thread) close() {
	close(t.work)
	<-t.done
}
