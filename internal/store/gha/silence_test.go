package gha_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/store/gha"
	"github.com/modferry/modferry/internal/store/gha/ghatest"
)

// silent is a service of which some connections are made and nothing comes: a
// transport without a network, so that time is the test's own.
type silent struct {
	entry []byte           // what its storage holds
	hangs func(n int) bool // whether the n-th request, counted from 1, gets no answer
	asked atomic.Int32
}

func (s *silent) RoundTrip(r *http.Request) (*http.Response, error) {
	if trace := httptrace.ContextClientTrace(r.Context()); trace != nil && trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{})
	}
	if s.hangs(int(s.asked.Add(1))) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	answer := func(status int, body string) *http.Response {
		return &http.Response{StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Request: r,
			ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body))}
	}
	if strings.HasSuffix(r.URL.Path, "/GetCacheEntryDownloadURL") {
		return answer(200, `{"ok":true,"signed_download_url":"https://storage.example.test/blob?sig=x","matched_key":"a"}`), nil
	}
	var first, last int
	if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &first, &last); err != nil {
		return answer(416, ""), nil
	}
	last = min(last, len(s.entry)-1)
	resp := answer(206, string(s.entry[first:last+1]))
	resp.Header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, len(s.entry)))
	resp.Header.Set("ETag", `"a"`)
	return resp, nil
}

func all(int) bool { return true }

func TestAServiceThatSaysNothingIsGivenUp(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, o ghatest.Options) {
		s := ghatest.Start(t, o) // for its environment
		synctest.Test(t, func(t *testing.T) {
			st := open(t, s, func(o *gha.Options) {
				o.FirstByte, o.Budget, o.Transport = 10*time.Second, 40*time.Second, &silent{hangs: all}
			})
			_, err := st.Find(t.Context(), "a")
			isFailure(t, err, failure.FirstByteTimeout, "no response within 10s")
		})
	})
}

func TestTheTimeLostToSilenceCountsAsWaiting(t *testing.T) {
	t.Parallel()
	s := ghatest.Start(t, ghatest.Options{})
	synctest.Test(t, func(t *testing.T) {
		service := &silent{hangs: all}
		st := open(t, s, func(o *gha.Options) {
			o.FirstByte, o.Budget, o.Transport = 10*time.Second, 10*time.Second+300*time.Millisecond, service
		})
		start := time.Now()
		_, err := st.Find(t.Context(), "a")
		isFailure(t, err, failure.FirstByteTimeout, "waited for it up to the limit of 10.3s")
		if d := time.Since(start); service.asked.Load() != 1 || d != 10*time.Second {
			t.Errorf("asked %d times in %v, want once and no longer than the limit", service.asked.Load(), d)
		}
	})
}

func TestAStorageThatSaysNothingIsGivenUp(t *testing.T) {
	t.Parallel()
	s := ghatest.Start(t, ghatest.Options{})
	synctest.Test(t, func(t *testing.T) {
		service := &silent{entry: some(600_000), hangs: func(n int) bool { return n > 2 }}
		st := open(t, s, func(o *gha.Options) {
			o.FirstByte, o.Budget, o.Transport, o.Parallel = 10*time.Second, 40*time.Second, service, 1
		})
		_, err := read(t, st, "a")
		isFailure(t, err, failure.FirstByteTimeout, "no response within 10s")
		if service.asked.Load() < 4 {
			t.Errorf("asked %d times, want the storage more than once", service.asked.Load())
		}
	})
}
