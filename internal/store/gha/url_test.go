package gha_test

import (
	"bytes"
	"errors"
	"net/http"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/store"
	"github.com/modferry/modferry/internal/store/gha"
	"github.com/modferry/modferry/internal/store/gha/ghatest"
)

func TestAnExpiredURLIsReplaced(t *testing.T) {
	t.Parallel()
	data := some(600_000)
	both(t, func(t *testing.T, o ghatest.Options) {
		for _, tt := range []struct {
			name  string
			when  func(s *ghatest.Server) ghatest.Rule
			finds int
		}{
			{"before the first request", func(s *ghatest.Server) ghatest.Rule {
				return ghatest.Nth(1, ghatest.Read, ghatest.Call(s.Expire))
			}, 2},
			{"in the middle", func(s *ghatest.Server) ghatest.Rule {
				return ghatest.Nth(3, ghatest.Read, ghatest.Call(s.Expire))
			}, 2},
			{"in the middle, and once more", func(s *ghatest.Server) ghatest.Rule {
				return ghatest.Rule{Op: ghatest.Read, Do: ghatest.Call(s.Expire), Match: func(r ghatest.Request) bool { return r.Seq == 4 || r.Seq == 12 }}
			}, 3},
			{"two new URLs are no better, the third is", func(s *ghatest.Server) ghatest.Rule {
				return ghatest.First(2, ghatest.Read, ghatest.Expired())
			}, 3},
			{"as 401", func(s *ghatest.Server) ghatest.Rule {
				return ghatest.First(1, ghatest.Read, ghatest.Status(401))
			}, 2},
		} {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				s := ghatest.Start(t, o)
				s.Put("a", version, data)
				s.Fault(tt.when(s))
				got, err := read(t, open(t, s), "a")
				if err != nil || !bytes.Equal(got, data) {
					t.Fatalf("got %d bytes, %v", len(got), err)
				}
				counts(t, s, map[ghatest.Op]int{ghatest.Lookup: tt.finds})
			})
		}
	})
}

func TestAURLThatStaysForbiddenEndsTheDownload(t *testing.T) {
	t.Parallel()
	for _, from := range []int{1, 2} {
		s := ghatest.Start(t, ghatest.Options{Faults: []ghatest.Rule{ghatest.From(from, ghatest.Read, ghatest.Expired())}})
		s.Put("a", version, some(600_000))
		_, err := read(t, open(t, s, func(o *gha.Options) { o.Parallel = 1 }), "a")
		isFailure(t, err, failure.Forbidden, "HTTP 403", "AuthenticationFailed", "so were 2 new URLs")
		counts(t, s, map[ghatest.Op]int{ghatest.Lookup: 3, ghatest.Read: from + 2})
	}
}

func TestAnEntryThatIsGoneWhenItsURLExpiresIsNotFound(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, o ghatest.Options) {
		s := ghatest.Start(t, o)
		s.Fault(ghatest.Nth(2, ghatest.Read, ghatest.Call(func() {
			s.Delete("a")
			s.Put("a-longer-name", version, some(600_000)) // that begins like it
			s.Expire()
		})))
		s.Put("a", version, some(600_000))
		_, err := read(t, open(t, s), "a")
		isFailure(t, err, failure.NotFound)
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%v is not store.ErrNotFound", err)
		}
	})
}

func TestAnEntryWithoutItsURLIsLookedUp(t *testing.T) {
	t.Parallel()
	s := ghatest.Start(t, ghatest.Options{})
	s.Put("a", version, []byte("hello"))
	got, err := readEntry(t.Context(), open(t, s), store.Entry{Name: "a"})
	if err != nil || string(got) != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestADownloadFollowsRedirectsToStorage(t *testing.T) {
	t.Parallel()
	data := some(600_000)
	storage := ghatest.Start(t, ghatest.Options{})
	storage.Put("a", version, data)
	place := find(t, open(t, storage), "a").Location
	for _, tt := range []struct {
		name  string
		to    string
		class failure.Class
		says  string
	}{
		{"elsewhere", place, "", ""},
		{"not to a file", "file:///etc/passwd", failure.RedirectRefused, "redirected from http to the insecure URL file://"},
		{"not for ever", "/loop", failure.RedirectLoop, "stopped after 10 redirects"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := ghatest.Start(t, ghatest.Options{Faults: []ghatest.Rule{ghatest.Always(ghatest.Read, func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
				http.Redirect(w, r, tt.to, http.StatusFound)
			})}})
			s.Put("a", version, data)
			got, err := read(t, open(t, s), "a")
			if tt.class != "" {
				isFailure(t, err, tt.class, tt.says)
				return
			}
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("got %d bytes, %v", len(got), err)
			}
			for _, r := range ops(storage, ghatest.Read) {
				if r.Header.Get("Referer") != "" || r.Header.Get("Range") == "" {
					t.Errorf("redirected with the Referer %q and the Range %q", r.Header.Get("Referer"), r.Header.Get("Range"))
				}
			}
		})
	}
}
