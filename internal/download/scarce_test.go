package download_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
)

// counted is a connection that gives its place back when it is closed.
type counted struct {
	net.Conn
	open *atomic.Int64
	done atomic.Bool
}

func (c *counted) Close() error {
	if !c.done.Swap(true) {
		c.open.Add(-1)
	}
	return c.Conn.Close()
}

// few is a dialer that lets so many connections be open at a time.
func few(most int64) func(context.Context, string, string) (net.Conn, error) {
	open := new(atomic.Int64)
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		if open.Add(1) > most {
			open.Add(-1)
			return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("socket", syscall.EMFILE)}
		}
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err != nil {
			open.Add(-1)
			return nil, err
		}
		return &counted{Conn: conn, open: open}, nil
	}
}

func TestTooManyOpenFilesEndNoRun(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 12, 1000)
	t.Run("the only connection is held by another mirror that is not asked any more", func(t *testing.T) {
		t.Parallel()
		first := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.Always("*.zip", mirrortest.Status(404))}})
		second := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
		b := fetchtest.New(t, f, mirrortest.Checkout{})
		b.Values.Retries = 0
		b.Options.Dial = few(1)
		fetchtest.WantOutcome(t, b.Run(first.URL+","+second.URL), report.OK)
		b.Complete()
	})
	t.Run("for longer than connecting may take", func(t *testing.T) {
		t.Parallel()
		s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
		b := fetchtest.New(t, f, mirrortest.Checkout{})
		b.Values.NoProbe = true
		b.Values.Retries = 0
		b.Values.ConnectTimeout = time.Millisecond
		dial := few(1 << 20)
		var dials atomic.Int64
		b.Options.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			if dials.Add(1) <= 5 {
				return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("socket", syscall.EMFILE)}
			}
			return dial(context.WithoutCancel(ctx), network, addr)
		}
		r := b.Run(s.URL)
		fetchtest.WantOutcome(t, r, report.OK)
		b.Complete()
		if n := r.Mirrors[0].Failures; n != 0 {
			t.Errorf("%d failures of the mirror for files of this machine", n)
		}
	})
}

// Not parallel: it looks at what the whole process allocates.
func TestGoModBodiesAreNotHeldInMemory(t *testing.T) {
	const modules = 12
	f := mirrortest.Generate(t, modules, 100)
	var zeros bytes.Buffer
	z := gzip.NewWriter(&zeros)
	block := make([]byte, 1<<20)
	for range 15 {
		z.Write(block)
	}
	z.Close()
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.Always("*.mod", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(zeros.Bytes())
	})}})
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	b.Values.NoProbe = true
	b.Values.Retries = 0
	b.Values.StallTimeout, b.Values.FirstByteTimeout = time.Minute, time.Minute
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r := b.Run(s.URL)
	runtime.ReadMemStats(&after)
	fetchtest.WantOutcome(t, r, report.Integrity)
	b.Clean()
	if n := after.TotalAlloc - before.TotalAlloc; n > modules*15<<20/2 {
		t.Errorf("%d MiB were allocated for %d go.mod files of 15 MiB", n>>20, modules)
	}
}
