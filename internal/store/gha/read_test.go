package gha_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/store"
	"github.com/modferry/modferry/internal/store/gha"
	"github.com/modferry/modferry/internal/store/gha/ghatest"
)

func TestEntriesOfAllSizesArriveWhole(t *testing.T) {
	t.Parallel()
	for _, o := range []ghatest.Options{
		{}, {NoETag: true}, {NoRanges: true}, {NoLength: true}, {Protocol: "v1"}, {Protocol: "v1", Like: ghatest.Act},
	} {
		t.Run(fmt.Sprintf("%+v", o), func(t *testing.T) {
			t.Parallel()
			s := ghatest.Start(t, o)
			st := open(t, s)
			for _, size := range []int{0, 1, 1000, 64*kib - 1, 64 * kib, 64*kib + 1, 128 * kib, 300_001, 2 * mib, 2*mib + 1} {
				data := some(size)
				name := fmt.Sprint("size-", size)
				s.Put(name, version, data)
				got, err := read(t, st, name)
				if err != nil || !bytes.Equal(got, data) {
					t.Errorf("%d bytes came back as %d, %v", size, len(got), err)
				}
			}
		})
	}
}

func TestASmallEntryIsOneRequest(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ size, requests int }{{0, 1}, {1, 1}, {mib, 1}, {mib + 1, 2}} {
		s := ghatest.Start(t, ghatest.Options{})
		s.Put("a", version, some(tt.size))
		st := open(t, s, func(o *gha.Options) { o.Parallel, o.Segment, o.Block = 0, 0, 0 })
		if _, err := read(t, st, "a"); err != nil {
			t.Fatal(err)
		}
		counts(t, s, map[ghatest.Op]int{ghatest.Lookup: 1, ghatest.Read: tt.requests})
	}
}

// ranges returns the first bytes of the ranges that were asked for.
func ranges(s *ghatest.Server) []string {
	var list []string
	for _, r := range ops(s, ghatest.Read) {
		list = append(list, r.Header.Get("Range"))
	}
	return list
}

func TestABrokenStreamGoesOnAtTheByteWhereItBroke(t *testing.T) {
	t.Parallel()
	data := some(600_000)
	for _, tt := range []struct {
		name  string
		o     ghatest.Options
		fault ghatest.Rule
		again string // the range that the second attempt asks for
	}{
		{"within the first segment", ghatest.Options{}, ghatest.Nth(1, ghatest.Read, ghatest.CutAfter(1000)), "bytes=1000-65535"},
		{"before the first byte", ghatest.Options{}, ghatest.Nth(1, ghatest.Read, ghatest.CutAfter(0)), "bytes=0-65535"},
		{"by a reset before the answer", ghatest.Options{}, ghatest.Nth(1, ghatest.Read, ghatest.Reset()), "bytes=0-65535"},
		{"within a segment behind it", ghatest.Options{}, ghatest.Rule{Op: ghatest.Read, Times: 1, Do: ghatest.CutAfter(1000),
			Match: func(r ghatest.Request) bool { return r.Header.Get("Range") == "bytes=65536-131071" }}, "bytes=66536-131071"},
		{"by 503 on a segment", ghatest.Options{}, ghatest.Rule{Op: ghatest.Read, Times: 1, Do: ghatest.Status(503),
			Match: func(r ghatest.Request) bool { return r.Header.Get("Range") == "bytes=65536-131071" }}, "bytes=65536-131071"},
		{"where the server knows no ranges", ghatest.Options{NoRanges: true}, ghatest.Nth(1, ghatest.Read, ghatest.CutAfter(300_000)), "bytes=300000-599999"},
		{"on act", ghatest.Options{Protocol: "v1", Like: ghatest.Act}, ghatest.Nth(1, ghatest.Read, ghatest.CutAfter(1000)), "bytes=1000-65535"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.o.Faults = []ghatest.Rule{tt.fault}
			s := ghatest.Start(t, tt.o)
			s.Put("a", version, data)
			got, err := read(t, open(t, s), "a")
			if err != nil || !bytes.Equal(got, data) {
				t.Fatalf("got %d bytes, %v", len(got), err)
			}
			asked := ranges(s)
			n := 0
			for _, r := range asked {
				if r == tt.again {
					n++
				}
			}
			want := 1
			if tt.again == asked[0] || tt.fault.Match != nil && tt.again == "bytes=65536-131071" {
				want = 2
			}
			if n != want {
				t.Errorf("asked for %q, expected %s %d times", asked, tt.again, want)
			}
		})
	}
}

func TestEverySegmentMayBreakOnce(t *testing.T) {
	t.Parallel()
	data := some(mib)
	broken := map[string]bool{}
	s := ghatest.Start(t, ghatest.Options{Faults: []ghatest.Rule{{Op: ghatest.Read, Do: ghatest.CutAfter(10_000), Match: func(r ghatest.Request) bool {
		_, end, _ := strings.Cut(r.Header.Get("Range"), "-")
		first := !broken[end]
		broken[end] = true
		return first
	}}}})
	s.Put("a", version, data)
	got, err := read(t, open(t, s), "a")
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	if len(broken) < 16 {
		t.Errorf("%d segments broke, expected at least 16", len(broken))
	}
}

func TestWhatCannotBeReadIsAnErrorAndNeverShortData(t *testing.T) {
	t.Parallel()
	data := some(600_000)
	behind := func(do ghatest.Fault) ghatest.Rule { return ghatest.From(2, ghatest.Read, do) }
	for _, tt := range []struct {
		name  string
		o     ghatest.Options
		fault ghatest.Rule
		class failure.Class
		is    error
		says  string
	}{
		{"gone before the first byte", ghatest.Options{}, ghatest.Always(ghatest.Read, ghatest.Status(404)), failure.NotFound, store.ErrNotFound, "HTTP 404"},
		{"gone for good", ghatest.Options{}, ghatest.Always(ghatest.Read, ghatest.Status(410)), failure.Gone, store.ErrNotFound, "HTTP 410"},
		{"gone in the middle", ghatest.Options{}, behind(ghatest.Status(404)), failure.NotFound, store.ErrNotFound, "HTTP 404"},
		{"cut again and again without a byte", ghatest.Options{}, behind(ghatest.CutAfter(0)), failure.CutBody, nil, "tried 5 times"},
		{"reset again and again", ghatest.Options{}, behind(ghatest.Reset()), failure.Reset, nil, "tried 5 times"},
		{"failing again and again", ghatest.Options{}, behind(ghatest.Status(500)), failure.ServerError, nil, "tried 5 times"},
		{"busy for too long", ghatest.Options{}, behind(ghatest.RetryAfter(429, "60")), failure.Throttled, nil, "asks to wait 60 s"},
		{"a status nobody expects", ghatest.Options{}, behind(ghatest.Status(418)), failure.HTTPStatus, nil, "HTTP 418"},
		{"the wrong part", ghatest.Options{}, behind(ghatest.WrongRange(1)), failure.BadResponse, nil, "asked for the bytes"},
		{"206 without a range", ghatest.Options{}, behind(ghatest.Answer(206, "application/octet-stream", "x")), failure.BadResponse, nil, "206 with the Content-Range"},
		{"a page instead", ghatest.Options{}, behind(ghatest.Answer(200, "text/html", "<html>")), failure.WrongContent, nil, "changed while it was read"},
		{"one byte at a time, for longer than the budget", ghatest.Options{}, behind(ghatest.CutAfter(1)), failure.CutBody, nil, "waited for it up to the limit"},
		{"cut without ranges at the same byte again and again", ghatest.Options{NoRanges: true}, ghatest.Always(ghatest.Read, ghatest.CutAfter(100_000)), failure.CutBody, nil, "tried 5 times"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.o.Faults = []ghatest.Rule{tt.fault}
			s := ghatest.Start(t, tt.o)
			s.Put("a", version, data)
			got, err := read(t, open(t, s, func(o *gha.Options) { o.Parallel = 1 }), "a")
			if len(got) == len(data) {
				t.Fatal("all came")
			}
			if !bytes.HasPrefix(data, got) {
				t.Error("the bytes before the error are not the entry's")
			}
			isFailure(t, err, tt.class)
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("%v is not %v", err, tt.is)
			}
			says(t, err, tt.says)
		})
	}
}

func TestSegmentsDoNotComeFromTwoVersions(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		o    ghatest.Options
		size int // of the new version
	}{
		{"another entity tag", ghatest.Options{}, 600_000},
		{"another size and no tag", ghatest.Options{NoETag: true}, 600_001},
		{"another size on act", ghatest.Options{Protocol: "v1", Like: ghatest.Act}, 599_999},
		{"without ranges, after a break", ghatest.Options{NoRanges: true}, 600_001},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var s *ghatest.Server
			change := ghatest.Call(func() { s.Change("a", func([]byte) []byte { return some(tt.size) }) })
			s = ghatest.Start(t, tt.o)
			if tt.o.NoRanges {
				s.Fault(ghatest.First(1, ghatest.Read, ghatest.CutAfter(1000)), ghatest.First(1, ghatest.Read, change))
			}
			s.Fault(ghatest.Nth(2, ghatest.Read, change))
			s.Put("a", version, some(600_000))
			_, err := read(t, open(t, s), "a")
			isFailure(t, err, failure.WrongContent, "the entry changed while it was read")
		})
	}
}

func TestARangeOfPlainBytesIsAskedFor(t *testing.T) {
	t.Parallel()
	s := ghatest.Start(t, ghatest.Options{})
	s.Put("a", version, some(600_000))
	if _, err := read(t, open(t, s), "a"); err != nil {
		t.Fatal(err)
	}
	for i, r := range ops(s, ghatest.Read) {
		if got := r.Header.Get("Accept-Encoding"); got != "identity" {
			t.Errorf("Accept-Encoding: %q", got)
		}
		if tag := r.Header.Get("If-Match"); (tag != "") != (i > 0) {
			t.Errorf("request %d has the If-Match %q", i+1, tag)
		}
		if r.Header.Get("Authorization") != "" {
			t.Error("the token went to the storage")
		}
	}
}

func TestSegmentsComeInParallelButNotTooMany(t *testing.T) {
	t.Parallel()
	// The first segment stalls: the others may come until the window is full,
	// and no more than Parallel at a time.
	const window = 4 + 2
	release := make(chan struct{})
	var others sync.WaitGroup
	others.Add(window - 1)
	var now, most atomic.Int32
	s := ghatest.Start(t, ghatest.Options{Faults: []ghatest.Rule{
		ghatest.First(1, ghatest.Read, ghatest.StallAfter(100, release)),
		ghatest.First(window-1, ghatest.Read, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			most.Store(max(most.Load(), now.Add(1)))
			next.ServeHTTP(w, r)
			now.Add(-1)
			others.Done()
		}),
	}})
	data := some(2 * mib)
	s.Put("a", version, data)
	st := open(t, s)
	r, err := st.Open(t.Context(), find(t, st, "a"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	others.Wait()
	if n := most.Load(); n > 3 {
		t.Errorf("%d requests at a time besides the stalled one, expected at most 3", n)
	}
	if n := s.Count(ghatest.Read); n != window {
		t.Errorf("%d segments were asked for while the first stalled, expected %d", n, window)
	}
	close(release)
	got, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
}

func TestBytesAreHandedOutAsTheyCome(t *testing.T) {
	t.Parallel()
	for _, size := range []int{10_000, 600_000} { // one request, and several
		release := make(chan struct{})
		s := ghatest.Start(t, ghatest.Options{Faults: []ghatest.Rule{ghatest.First(1, ghatest.Read, ghatest.StallAfter(1000, release))}})
		data := some(size)
		s.Put("a", version, data)
		st := open(t, s)
		r, err := st.Open(t.Context(), find(t, st, "a"))
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 1000)
		if _, err := io.ReadFull(r, got); err != nil || !bytes.Equal(got, data[:1000]) {
			t.Errorf("the bytes before a stall: %v", err)
		}
		close(release)
		rest, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(rest, data[1000:]) {
			t.Errorf("the bytes behind it: %d, %v", len(rest), err)
		}
		r.Close()
	}
}

func TestReadEndsWithTheContextAndWithClose(t *testing.T) {
	t.Parallel()
	for _, size := range []int{10_000, 600_000} {
		s := ghatest.Start(t, ghatest.Options{Faults: []ghatest.Rule{ghatest.Always(ghatest.Read, ghatest.StallAfter(1000, nil))}})
		s.Put("a", version, some(size))
		st := open(t, s)
		e := find(t, st, "a")

		ctx, cancel := context.WithCancelCause(t.Context())
		slow := failure.New(failure.Stall, "restore", "", errors.New("slower than the floor"))
		r, err := st.Open(ctx, e)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(r, make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		go cancel(slow)
		if _, err := r.Read(make([]byte, 1)); !errors.Is(err, slow) {
			t.Errorf("Read of a cancelled download = %v", err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}

		r, err = st.Open(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if n, err := r.Read(make([]byte, 1)); n > 0 || err == nil || err == io.EOF {
			t.Errorf("Read of a closed download = %d, %v", n, err)
		}
		cancel(nil)
	}
}

func TestCloseEndsAReadThatWaits(t *testing.T) {
	t.Parallel()
	for _, size := range []int{10_000, 600_000} {
		reached := make(chan struct{})
		s := ghatest.Start(t, ghatest.Options{Faults: []ghatest.Rule{ghatest.Always(ghatest.Read, ghatest.StallAfter(1000, nil))}})
		s.Put("a", version, some(size))
		st := open(t, s)
		r, err := st.Open(t.Context(), find(t, st, "a"))
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error)
		go func() {
			_, err := io.ReadFull(r, make([]byte, 1000))
			close(reached)
			if err == nil {
				_, err = r.Read(make([]byte, 1))
			}
			done <- err
		}()
		<-reached
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; err == nil || err == io.EOF {
			t.Errorf("Read = %v", err)
		}
	}
}

func TestABodyMayTakeLongerThanTheFirstByte(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s := ghatest.Start(t, ghatest.Options{Faults: []ghatest.Rule{ghatest.First(1, ghatest.Read, ghatest.StallAfter(1000, release))}})
	data := some(10_000)
	s.Put("a", version, data)
	const limit = 250 * time.Millisecond
	st := open(t, s, func(o *gha.Options) { o.FirstByte = limit })
	r, err := st.Open(t.Context(), find(t, st, "a"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	time.AfterFunc(2*limit, func() { close(release) })
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, data) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	if asked := ranges(s); slices.Contains(asked, "bytes=1000-9999") {
		t.Errorf("asked for %q: the limit broke the body", asked)
	}
}
