package s3_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/store"
	"github.com/modferry/modferry/internal/store/s3"
)

func TestReadReturnsTheBytesInOrder(t *testing.T) {
	t.Parallel()
	for _, noRange := range []bool{false, true} {
		for _, size := range []int{0, 1, 32<<10 - 1, 32 << 10, 32<<10 + 1, 128 << 10, 500_001} {
			t.Run(fmt.Sprintf("%d bytes, server without ranges: %t", size, noRange), func(t *testing.T) {
				t.Parallel()
				d := newDouble(t)
				d.noRange = noRange
				d.put("a", pattern(size))
				r, err := d.open(t).Open(t.Context(), store.Entry{Name: "a", Size: -1})
				if err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				if err := iotest.TestReader(r, []byte(pattern(size))); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestSmallObjectsTakeOneRequest(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	d.put("a", "small")
	r, err := d.open(t).Open(t.Context(), store.Entry{Name: "a", Size: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); string(got) != "small" || err != nil || len(d.requests) != 1 {
		t.Errorf("%q, %v, requests %q", got, err, d.requests)
	}
}

// cut answers a request for bytes with only n of them and breaks the connection.
func cut(d *double, w http.ResponseWriter, r *http.Request, n int) {
	var from, to int
	fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &from, &to)
	d.mu.Lock()
	o := d.objects[testPrefix+"a"]
	d.mu.Unlock()
	to = min(to, len(o.data)-1)
	w.Header().Set("ETag", `"`+o.etag+`"`)
	w.Header().Set("Last-Modified", o.mtime.Format(http.TimeFormat))
	w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to, len(o.data)))
	w.Header().Set("Content-Length", strconv.Itoa(to+1-from))
	w.WriteHeader(206)
	w.Write(o.data[from : from+min(n, to+1-from)])
	w.(http.Flusher).Flush()
}

func TestABrokenTransferGoesOnWhereItBroke(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	data := pattern(300_000)
	d.put("a", data)
	var sent atomic.Int64
	d.fault = func(kind string, n int, w http.ResponseWriter, r *http.Request) bool {
		if kind != "get" || n%2 == 0 {
			return false
		}
		cut(d, w, r, 10_000)
		sent.Add(10_000)
		panic(http.ErrAbortHandler)
	}
	r, err := d.open(t).Open(t.Context(), store.Entry{Name: "a", Size: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); string(got) != data || err != nil {
		t.Errorf("%d of %d bytes, %v", len(got), len(data), err)
	}
	if sent.Load() == 0 {
		t.Error("nothing broke")
	}
}

func TestAStalledTransferGoesOnOverAnotherConnection(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	data := pattern(100_000)
	d.put("a", data)
	d.fault = func(kind string, n int, w http.ResponseWriter, r *http.Request) bool {
		if kind != "get" || n != 2 {
			return false
		}
		cut(d, w, r, 1000)
		d.hang(r)
		return true
	}
	r, err := d.open(t, func(o *s3.Options) { o.Stall = 300 * time.Millisecond }).Open(t.Context(), store.Entry{Name: "a", Size: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); string(got) != data || err != nil {
		t.Errorf("%d of %d bytes, %v", len(got), len(data), err)
	}
}

func TestATransferThatKeepsBreakingIsAnErrorAndNoEnd(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	data := pattern(100_000)
	d.put("a", data)
	d.fault = func(kind string, n int, w http.ResponseWriter, r *http.Request) bool {
		if kind != "get" || !strings.HasPrefix(r.Header.Get("Range"), "bytes=") || strings.HasPrefix(r.Header.Get("Range"), "bytes=0-") {
			return false
		}
		cut(d, w, r, 0)
		panic(http.ErrAbortHandler)
	}
	r, err := d.open(t).Open(t.Context(), store.Entry{Name: "a", Size: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := io.ReadAll(r)
	var f *failure.Error
	if !errors.As(err, &f) || f.Class != failure.CutBody || !strings.Contains(f.Error(), "/"+testPrefix+"a") {
		t.Errorf("error %v, want a cut body of the entry", err)
	}
	if string(got) != data[:32<<10] {
		t.Errorf("%d bytes came before it, want the whole first segment", len(got))
	}
}

func TestAnObjectReplacedMeanwhileIsAnError(t *testing.T) {
	t.Parallel()
	for _, gone := range []bool{false, true} {
		t.Run(fmt.Sprintf("gone: %t", gone), func(t *testing.T) {
			t.Parallel()
			d := newDouble(t)
			d.put("a", pattern(500_000))
			r, err := d.open(t, func(o *s3.Options) { o.Parallel = 1 }).Open(t.Context(), store.Entry{Name: "a", Size: -1})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if gone {
				d.mu.Lock()
				delete(d.objects, testPrefix+"a")
				d.mu.Unlock()
			} else {
				d.put("a", strings.Repeat("other", 100_000))
			}
			got, err := io.ReadAll(r)
			if f, ok := errors.AsType[*failure.Error](err); !ok || f.Class != failure.CutBody {
				t.Errorf("error %v, want a cut body", err)
			}
			if !strings.HasPrefix(pattern(500_000), string(got)) {
				t.Error("bytes of both objects were mixed")
			}
		})
	}
}

func TestOpenOfWhatIsMissing(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	if _, err := d.open(t).Open(t.Context(), store.Entry{Name: "a", Size: -1}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Open: %v", err)
	}
	if _, err := d.open(t).Open(t.Context(), store.Entry{Name: "a/../b", Size: -1}); err == nil || len(d.requests) != 1 {
		t.Errorf("Open of a name that is none: %v, requests %q", err, d.requests)
	}
}

func TestCancellingUnblocksRead(t *testing.T) {
	t.Parallel()
	for _, byClose := range []bool{false, true} {
		t.Run(fmt.Sprintf("by Close: %t", byClose), func(t *testing.T) {
			t.Parallel()
			d := newDouble(t)
			d.put("a", pattern(300_000))
			stuck := make(chan struct{})
			d.fault = func(kind string, n int, w http.ResponseWriter, r *http.Request) bool {
				if n == 1 {
					return false
				}
				if n == 2 {
					close(stuck)
				}
				d.hang(r)
				return true
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			r, err := d.open(t).Open(ctx, store.Entry{Name: "a", Size: -1})
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				<-stuck
				if byClose {
					r.Close()
				} else {
					cancel()
				}
			}()
			_, err = io.Copy(io.Discard, r)
			if f, ok := errors.AsType[*failure.Error](err); !ok || f.Class != failure.Cancelled || !errors.Is(err, context.Canceled) {
				t.Errorf("Read: %v; want a failure of class cancelled", err)
			}
			r.Close()
		})
	}
}

func TestDownloadsKeepFewSegmentsInMemory(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	d.put("a", pattern(1<<20)) // 32 segments
	r, err := d.open(t).Open(t.Context(), store.Entry{Name: "a", Size: -1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(r, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	// Nobody reads on: Close waits for what is under way, and nothing was
	// started ahead of the four segments that may be in memory.
	r.Close()
	if n := d.count("get"); n > 4 {
		t.Errorf("%d ranges were asked for, want at most 4", n)
	}
}

func TestOddRangesAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"bytes 0-9/*", "bytes 5-2/10", "bytes 0-99/10", "0", "bytes -/", "bytes 1-9/10", "bytes 0-9/999999999999999999999"} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			d := newDouble(t)
			d.fault = func(_ string, _ int, w http.ResponseWriter, _ *http.Request) bool {
				w.Header().Set("Content-Range", text)
				w.Header().Set("Last-Modified", d.now.Format(http.TimeFormat))
				w.WriteHeader(206)
				io.WriteString(w, "0123456789")
				return true
			}
			r, err := d.open(t).Open(t.Context(), store.Entry{Name: "a", Size: -1})
			if err == nil {
				_, err = io.ReadAll(r)
				r.Close()
			}
			if f, ok := errors.AsType[*failure.Error](err); !ok || f.Class != failure.CutBody {
				t.Errorf("error %v, want a *failure.Error", err)
			}
		})
	}
}
