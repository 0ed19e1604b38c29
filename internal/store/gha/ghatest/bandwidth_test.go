package ghatest

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"
)

func TestTheLineTakesItsTime(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	var slept []time.Duration
	l := &link{rate: 1000, now: func() time.Time { return now }, sleep: func(d time.Duration) { slept = append(slept, d) }}
	l.pass(520)  // half a second, after what the slack allows
	l.pass(1000) // behind it, for a second
	now = now.Add(10 * time.Second)
	l.pass(120) // the line has been free since
	now = now.Add(115 * time.Millisecond)
	l.pass(100) // it is a little late, and catches up
	l.pass(0)
	l.set(0)
	l.pass(1 << 30) // without a limit
	want := []time.Duration{500 * time.Millisecond, 1500 * time.Millisecond, 100 * time.Millisecond, 85 * time.Millisecond}
	if len(slept) != len(want) {
		t.Fatalf("slept for %v, expected %v", slept, want)
	}
	for i := range want {
		if slept[i] != want[i] {
			t.Errorf("slept for %v, expected %v", slept, want)
		}
	}
}

func TestBothDirectionsOfAConnectionAreLimited(t *testing.T) {
	t.Parallel()
	var down, up time.Duration
	count := func(sum *time.Duration) *link {
		now := time.Unix(0, 0)
		return &link{rate: 1 << 20, now: func() time.Time { return now }, sleep: func(d time.Duration) { *sum += d; now = now.Add(d) }}
	}
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	c := &limitedConn{Conn: near, down: count(&down), up: count(&up)}
	data := bytes.Repeat([]byte("x"), 1<<20)
	go far.Write(data)
	if _, err := io.ReadFull(c, make([]byte, len(data))); err != nil {
		t.Error(err)
	}
	go io.Copy(io.Discard, far)
	if n, err := c.Write(data); n != len(data) || err != nil {
		t.Errorf("Write = %d, %v", n, err)
	}
	if want := time.Second - slack; up != want || down != want {
		t.Errorf("up took %v and down %v, expected %v each", up, down, want)
	}
}

func TestContentIsReadOverAllItsPieces(t *testing.T) {
	t.Parallel()
	c := content{{data: []byte("ab"), size: 2}, {size: 0}, {data: []byte("cdef"), size: 4}, {data: []byte("g"), size: 1}}
	all := "abcdefg"
	want := bytes.NewReader([]byte(all))
	for off := range len(all) + 1 {
		for n := range len(all) + 2 {
			a, b := make([]byte, n), make([]byte, n)
			na, errA := c.ReadAt(a, int64(off))
			nb, errB := want.ReadAt(b, int64(off))
			if n == 0 {
				errA, errB = nil, nil // readers differ about nothing at the end
			}
			if na != nb || errA != errB || !bytes.Equal(a, b) {
				t.Errorf("ReadAt(%d bytes, %d) = %d %q %v, expected %d %q %v", n, off, na, a, errA, nb, b, errB)
			}
		}
	}
}
