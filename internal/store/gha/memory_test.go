package gha_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/modferry/modferry/internal/store/gha"
	"github.com/modferry/modferry/internal/store/gha/ghatest"
)

// TestMemoryIsBounded runs before the parallel tests, which it would measure.
func TestMemoryIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 300 MB to the disk")
	}
	const size, bound = 300 * mib, 64 * mib
	for _, protocol := range []string{"v2", "v1"} {
		s := ghatest.Start(t, ghatest.Options{Protocol: protocol, Dir: t.TempDir()})
		st := open(t, s, func(o *gha.Options) { o.Parallel, o.Segment, o.Block = 0, 0, 0 })
		most, start := uint64(0), live()
		measure := func() {
			if n := live(); n > start {
				most = max(most, n-start)
			}
		}
		chance := func() io.Reader { return io.LimitReader(rand.NewChaCha8([32]byte{7}), size) }
		err := st.Create(t.Context(), "large", func(w io.Writer) error {
			r, piece := chance(), make([]byte, 256*kib)
			for at := 0; at < size; at += len(piece) {
				if _, err := io.ReadFull(r, piece); err != nil {
					return err
				}
				if _, err := w.Write(piece); err != nil {
					return err
				}
				if at%(16*mib) == 0 {
					measure()
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		up := most

		most = 0
		r, err := st.Open(t.Context(), find(t, st, "large"))
		if err != nil {
			t.Fatal(err)
		}
		want, a, b := chance(), make([]byte, 256*kib), make([]byte, 256*kib)
		for at := 0; at < size; at += len(a) {
			if _, err := io.ReadFull(r, a); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(want, b); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(a, b) {
				t.Fatalf("other bytes than were saved near %d", at)
			}
			if at%(16*mib) == 0 {
				measure()
			}
		}
		if n, err := r.Read(a); n > 0 || err != io.EOF {
			t.Errorf("behind the end: %d, %v", n, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if up > bound || most > bound {
			t.Errorf("%s: %d MiB lived on the way up and %d MiB on the way down, expected at most %d", protocol, up>>20, most>>20, bound>>20)
		}
		t.Logf("%s: %d MiB up, %d MiB down", protocol, up>>20, most>>20)
	}
}

// live is what is in use on the heap.
func live() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
