package mirrortest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// TestFaultsAsNetHTTPSeesThem holds every fault to what it says, with the
// client that knows nothing of this kit.
func TestFaultsAsNetHTTPSeesThem(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 2, 10_000)
	a, b := f.All()[0], f.All()[1]
	elsewhere := mirrortest.Start(t, mirrortest.Options{Fixtures: f})

	flipped := bytes.Clone(a.Zip)
	flipped[500] ^= 0x40
	flippedEnd := bytes.Clone(a.Zip)
	flippedEnd[len(a.Zip)-1] ^= 0x40

	// whole is a complete answer with these bytes.
	whole := func(code int, want []byte) func(*http.Response, []byte, error) bool {
		return func(r *http.Response, body []byte, err error) bool {
			return err == nil && r.StatusCode == code && (want == nil || bytes.Equal(body, want))
		}
	}
	// broken is an answer whose body ends in an error after these bytes.
	broken := func(want []byte, is func(error) bool) func(*http.Response, []byte, error) bool {
		return func(r *http.Response, body []byte, err error) bool {
			return r != nil && r.StatusCode == 200 && bytes.Equal(body, want) && is(err)
		}
	}
	eof := func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }
	stream := func(err error) bool { return err != nil && strings.Contains(err.Error(), "INTERNAL_ERROR") }

	for _, tt := range []struct {
		name    string
		fault   mirrortest.Fault
		headers []string
		h1, h2  func(*http.Response, []byte, error) bool // h2 nil: as h1
	}{
		{name: "status", fault: mirrortest.Status(503), h1: whole(503, []byte("scripted: Service Unavailable\n"))},
		{name: "retry after", fault: mirrortest.RetryAfter(429, "7"), h1: func(r *http.Response, _ []byte, err error) bool {
			return err == nil && r.StatusCode == 429 && r.Header.Get("Retry-After") == "7"
		}},
		{name: "cut", fault: mirrortest.CutAfter(100), h1: broken(a.Zip[:100], eof), h2: broken(a.Zip[:100], stream)},
		{name: "cut at once", fault: mirrortest.CutAfter(0), h1: broken(nil, eof), h2: broken(nil, stream)},
		{name: "cut of a range", fault: mirrortest.CutAfter(100), headers: []string{"Range", "bytes=50-"}, h1: func(r *http.Response, body []byte, err error) bool {
			return r != nil && r.StatusCode == 206 && bytes.Equal(body, a.Zip[50:150]) && err != nil
		}},
		{name: "cut without length", fault: mirrortest.CutWithoutLength(100), h1: func(r *http.Response, body []byte, err error) bool {
			return broken(a.Zip[:100], eof)(r, body, err) && r.ContentLength == -1
		}, h2: func(r *http.Response, body []byte, err error) bool {
			return broken(a.Zip[:100], stream)(r, body, err) && r.ContentLength == -1
		}},
		{name: "no length", fault: mirrortest.NoLength(), h1: func(r *http.Response, body []byte, err error) bool {
			return whole(200, a.Zip)(r, body, err) && r.ContentLength == -1
		}},
		{name: "reset in the body", fault: mirrortest.ResetAfter(100), h1: func(r *http.Response, body []byte, err error) bool {
			return errors.Is(err, failure.ErrReset) && len(body) <= 100
		}, h2: func(_ *http.Response, body []byte, err error) bool {
			return (errors.Is(err, failure.ErrReset) || eof(err)) && len(body) <= 100
		}},
		{name: "reset before the header", fault: mirrortest.ResetAfter(-1), h1: func(r *http.Response, _ []byte, err error) bool {
			return r == nil && errors.Is(err, failure.ErrReset)
		}, h2: func(r *http.Response, _ []byte, err error) bool {
			return r == nil && (errors.Is(err, failure.ErrReset) || eof(err))
		}},
		{name: "length too long", fault: mirrortest.LengthTooLong(10), h1: broken(a.Zip, eof)},
		{name: "length too short", fault: mirrortest.LengthTooShort(10), h1: whole(200, a.Zip[:len(a.Zip)-10])},
		{name: "html", fault: mirrortest.HTML(), h1: func(r *http.Response, body []byte, err error) bool {
			return whole(200, nil)(r, body, err) && strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") && bytes.HasPrefix(body, []byte("<!DOCTYPE"))
		}},
		{name: "empty", fault: mirrortest.Empty(), h1: whole(200, []byte{})},
		{name: "swap", fault: mirrortest.Swap(b), h1: whole(200, b.Zip)},
		{name: "flip", fault: mirrortest.Flip(500), h1: func(r *http.Response, body []byte, err error) bool {
			return whole(200, flipped)(r, body, err) && r.Header.Get("ETag") == mirrortest.ETag(a.Zip)
		}},
		{name: "flip from the end", fault: mirrortest.Flip(-1), h1: whole(200, flippedEnd)},
		{name: "flip in a range", fault: mirrortest.Flip(500), headers: []string{"Range", "bytes=400-599"}, h1: whole(206, flipped[400:600])},
		{name: "truncate", fault: mirrortest.Truncate(700), h1: whole(200, a.Zip[:700])},
		{name: "serve others", fault: mirrortest.Serve(mirrortest.Build(t)), h1: whole(404, nil)},
		{name: "redirect", fault: mirrortest.RedirectTo(elsewhere.URL), h1: func(r *http.Response, body []byte, err error) bool {
			return whole(200, a.Zip)(r, body, err) && r.Request.URL.Host == elsewhere.Addr
		}},
		{name: "redirect loop", fault: mirrortest.RedirectLoop(), h1: func(r *http.Response, _ []byte, err error) bool {
			return r == nil && strings.Contains(err.Error(), "stopped after 10 redirects")
		}},
		{name: "wrong range", fault: mirrortest.WrongRange(5), headers: []string{"Range", "bytes=100-199"}, h1: func(r *http.Response, body []byte, err error) bool {
			return whole(206, a.Zip[105:200])(r, body, err) && strings.HasPrefix(r.Header.Get("Content-Range"), "bytes 105-199/")
		}},
		{name: "gzip that is none", fault: mirrortest.Gzip(), h1: func(r *http.Response, _ []byte, err error) bool {
			return r != nil && err != nil && strings.Contains(err.Error(), "gzip")
		}},
		{name: "slow redirect", fault: mirrortest.Chain(mirrortest.SlowFirstByte(closed()), mirrortest.RedirectTo(elsewhere.URL)), h1: whole(200, a.Zip)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			eachProtocol(t, func(t *testing.T, p mirrortest.Protocol) {
				s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Protocol: p, Base: "/base"})
				s.Fault(mirrortest.Always("*.zip", tt.fault))
				check := tt.h1
				if p == mirrortest.HTTP2 && tt.h2 != nil {
					check = tt.h2
				}
				resp, body, err := get(s.Client(), s.URL+m0+".zip", tt.headers...)
				if !check(resp, body, err) {
					t.Errorf("response %v with %d bytes, error %v", resp, len(body), err)
				}
				if resp, body, err := get(s.Client(), s.URL+m0+".mod"); !whole(200, a.Mod)(resp, body, err) {
					t.Errorf("a path that the rule does not name: %v, %v", resp, err)
				}
			})
		})
	}
}

func closed() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

func TestWaitingFaultsGoOnWhenReleased(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 10_000)
	want := f.All()[0].Zip
	eachProtocol(t, func(t *testing.T, p mirrortest.Protocol) {
		for name, fault := range map[string]func(<-chan struct{}) mirrortest.Fault{
			"first byte": mirrortest.SlowFirstByte,
			"body":       func(c <-chan struct{}) mirrortest.Fault { return mirrortest.StallAfter(100, c) },
		} {
			release := make(chan struct{})
			s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Protocol: p})
			s.Fault(mirrortest.First(1, "*.zip", fault(release)))
			type answer struct {
				body []byte
				err  error
			}
			done := make(chan answer, 1)
			c := s.Client()
			go func() {
				_, body, err := get(c, s.URL+m0+".zip")
				done <- answer{body, err}
			}()
			<-s.Arrived("*.zip", 1)
			select {
			case <-done:
				t.Errorf("%s: answered before the release", name)
			default:
			}
			close(release)
			if got := <-done; got.err != nil || !bytes.Equal(got.body, want) {
				t.Errorf("%s: %d bytes, %v", name, len(got.body), got.err)
			}
		}
	})
}

func TestAStalledBodyDeliversWhatItSentAndEndsWithTheClient(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 10_000)
	eachProtocol(t, func(t *testing.T, p mirrortest.Protocol) {
		s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Protocol: p})
		s.Fault(mirrortest.Always("*.zip", mirrortest.StallAfter(100, nil)))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, "GET", s.URL+m0+".zip", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := s.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if _, err := io.ReadFull(resp.Body, make([]byte, 100)); err != nil {
			t.Errorf("the first 100 bytes: %v", err)
		}
		cancel()
		if _, err := io.ReadAll(resp.Body); !errors.Is(err, context.Canceled) {
			t.Errorf("after the cancel: %v", err)
		}
	})
}

func TestRulesChooseTheirRequests(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 2, 0)
	const m1 = "/example.test/m001/@v/v1.0.1"
	fail := mirrortest.Status(500)
	paths := []string{m0 + ".mod", m0 + ".zip", m1 + ".zip", m0 + ".zip", m1 + ".zip", m0 + ".zip"}
	for _, tt := range []struct {
		name string
		rule []mirrortest.Rule
		want string // a letter for each path: F fault, . healthy
	}{
		{"none", nil, "......"},
		{"all", []mirrortest.Rule{mirrortest.Always("", fail)}, "FFFFFF"},
		{"by glob", []mirrortest.Rule{mirrortest.Always("*.zip", fail)}, ".FFFFF"},
		{"the first two", []mirrortest.Rule{mirrortest.First(2, "*.zip", fail)}, ".FF..."},
		{"the first of each path", []mirrortest.Rule{mirrortest.FirstOfEach(1, "", fail)}, "FFF..."},
		{"all but the first two", []mirrortest.Rule{{Path: "*.zip", Skip: 2, Do: fail}}, "...FFF"},
		{"one after the second", []mirrortest.Rule{{Path: "*.zip", Skip: 2, Times: 1, Do: fail}}, "...F.."},
		{"by function", []mirrortest.Rule{{Match: func(r *http.Request) bool { return strings.Contains(r.URL.Path, "m001") }, Do: fail}}, "..F.F."},
		{"the first rule that applies", []mirrortest.Rule{mirrortest.First(1, "*.zip", mirrortest.Status(404)), mirrortest.First(2, "*.zip", fail)}, ".4FF.."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: tt.rule})
			c := s.Client()
			got := ""
			for _, p := range paths {
				resp, _, err := get(c, s.URL+p)
				if err != nil {
					t.Fatal(err)
				}
				got += map[int]string{200: ".", 500: "F", 404: "4"}[resp.StatusCode]
			}
			if got != tt.want {
				t.Errorf("got %s, expected %s", got, tt.want)
			}
			s.Heal()
			if resp, _, err := get(c, s.URL+paths[0]); err != nil || resp.StatusCode != 200 {
				t.Errorf("after Heal: %v, %v", resp, err)
			}
		})
	}
}

func TestChanceDependsOnSeedAndPathAndNotOnOrder(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 200, 0)
	outcome := func(seed uint64, backwards bool) (failed map[string]bool) {
		s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
		s.Fault(mirrortest.Sometimes(0.3, seed, "*.mod", mirrortest.Status(500)))
		c := s.Client()
		failed = map[string]bool{}
		all := f.All()
		for i := range all {
			a := all[i]
			if backwards {
				a = all[len(all)-1-i]
			}
			p := "/" + a.Path + "/@v/" + a.Version.Version + ".mod"
			resp, _, err := get(c, s.URL+p)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode == 500 {
				failed[p] = true
			}
		}
		return failed
	}
	same := func(a, b map[string]bool) bool {
		if len(a) != len(b) {
			return false
		}
		for p := range a {
			if !b[p] {
				return false
			}
		}
		return true
	}
	a := outcome(1, false)
	if n := len(a); n < 40 || n > 80 {
		t.Errorf("%d of 200 requests failed, expected about 60", n)
	}
	if !same(a, outcome(1, true)) {
		t.Error("another order gave other failures")
	}
	if same(a, outcome(2, false)) {
		t.Error("another seed gave the same failures")
	}
}
