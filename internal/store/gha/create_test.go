package gha_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/store"
	"github.com/modferry/modferry/internal/store/gha"
	"github.com/modferry/modferry/internal/store/gha/ghatest"
)

func TestWhatIsCreatedIsStored(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		size int
		v2   map[ghatest.Op]int
		v1   map[ghatest.Op]int
	}{
		{"nothing", 0, map[ghatest.Op]int{ghatest.Whole: 1, ghatest.Part: 0, ghatest.BlockList: 0}, map[ghatest.Op]int{ghatest.Part: 1}},
		{"one byte", 1, map[ghatest.Op]int{ghatest.Whole: 1, ghatest.Part: 0, ghatest.BlockList: 0}, map[ghatest.Op]int{ghatest.Part: 1}},
		{"exactly a block", 64 * kib, map[ghatest.Op]int{ghatest.Whole: 1, ghatest.Part: 0, ghatest.BlockList: 0}, map[ghatest.Op]int{ghatest.Part: 1}},
		{"a byte more than a block", 64*kib + 1, map[ghatest.Op]int{ghatest.Whole: 0, ghatest.Part: 2, ghatest.BlockList: 1}, map[ghatest.Op]int{ghatest.Part: 2}},
		{"exactly two blocks", 128 * kib, map[ghatest.Op]int{ghatest.Whole: 0, ghatest.Part: 2, ghatest.BlockList: 1}, map[ghatest.Op]int{ghatest.Part: 2}},
		{"many blocks", 2*mib + 7, map[ghatest.Op]int{ghatest.Whole: 0, ghatest.Part: 33, ghatest.BlockList: 1}, map[ghatest.Op]int{ghatest.Part: 33}},
	} {
		for _, o := range []ghatest.Options{{}, {Camel: true}, {Like: ghatest.Gitea}, {Protocol: "v1"}, {Protocol: "v1", Like: ghatest.Act}} {
			t.Run(fmt.Sprintf("%s %+v", tt.name, o), func(t *testing.T) {
				t.Parallel()
				s := ghatest.Start(t, o)
				data := some(tt.size)
				if err := open(t, s).Create(t.Context(), "a", write(data)); err != nil {
					t.Fatal(err)
				}
				if got := s.Data("a"); !bytes.Equal(got, data) {
					t.Errorf("%d bytes were stored as %d others", len(data), len(got))
				}
				if o.Protocol == "v1" {
					counts(t, s, tt.v1)
				} else {
					counts(t, s, tt.v2)
				}
				counts(t, s, map[ghatest.Op]int{ghatest.Lookup: 0, ghatest.Reserve: 1, ghatest.Commit: 1, ghatest.Other: 0})
			})
		}
	}
}

func TestBlocksGoOutInParallelAndEndUpInOrder(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, o ghatest.Options) {
		// The first block arrives last: it waits until the others are there.
		var s *ghatest.Server
		others := make(chan struct{})
		var arrived sync.WaitGroup
		arrived.Add(3)
		go func() { arrived.Wait(); close(others) }()
		o.Faults = []ghatest.Rule{
			ghatest.Nth(1, ghatest.Part, ghatest.Wait(others)),
			{Op: ghatest.Part, Times: 3, Do: func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				next.ServeHTTP(w, r)
				arrived.Done()
			}},
		}
		s = ghatest.Start(t, o)
		data := some(10*64*kib + 5)
		if err := open(t, s).Create(t.Context(), "a", write(data)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(s.Data("a"), data) {
			t.Error("the blocks are in disorder")
		}
	})
}

func TestWriteWaitsWhileAllLanesAreTaken(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	var under sync.WaitGroup
	under.Add(4)
	s := ghatest.Start(t, ghatest.Options{Faults: []ghatest.Rule{ghatest.First(4, ghatest.Part, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		under.Done()
		ghatest.Wait(release)(w, r, next)
	})}})
	taken := make(chan int, 100)
	err := open(t, s).Create(t.Context(), "a", func(w io.Writer) error {
		block := some(64 * kib)
		done := make(chan error)
		go func() {
			defer close(done)
			for i := range 10 {
				if _, err := w.Write(block); err != nil {
					done <- err
					return
				}
				taken <- i
			}
		}()
		for range 5 { // four on their way and one that is filled
			<-taken
		}
		under.Wait()
		if len(taken) > 0 {
			t.Error("a sixth block was taken while none had gone out")
		}
		close(release)
		return <-done
	})
	if err != nil || len(s.Data("a")) != 10*64*kib {
		t.Errorf("Create = %v with %d bytes", err, len(s.Data("a")))
	}
}

func TestAPartThatFailsIsSentAgain(t *testing.T) {
	t.Parallel()
	for _, fault := range []ghatest.Fault{
		ghatest.Status(500), ghatest.Status(503), ghatest.RetryAfter(429, "2"), ghatest.Reset(),
		ghatest.ResetAfterReading(1000), ghatest.LoseAnswer(), ghatest.CutAfter(0),
	} {
		both(t, func(t *testing.T, o ghatest.Options) {
			o.Faults = []ghatest.Rule{
				ghatest.First(1, ghatest.Whole, fault), ghatest.First(1, ghatest.BlockList, fault),
				ghatest.Nth(1, ghatest.Part, fault), ghatest.Nth(3, ghatest.Part, fault),
			}
			s := ghatest.Start(t, o)
			st := open(t, s)
			for name, size := range map[string]int{"small": 1000, "large": 600_000} {
				data := some(size)
				if err := st.Create(t.Context(), name, write(data)); err != nil {
					t.Errorf("Create(%s) = %v", name, err)
				}
				if !bytes.Equal(s.Data(name), data) {
					t.Errorf("%s was not stored as it is", name)
				}
			}
		})
	}
}

func TestAnEntryIsCommittedOnlyWhenAllOfItIsThere(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		size  int
		fault ghatest.Rule
		class failure.Class
		is    error
		says  string
	}{
		{"a part fails for good", 600_000, ghatest.From(3, ghatest.Part, ghatest.Status(500)), failure.ServerError, nil, "tried 5 times"},
		{"a part is refused", 600_000, ghatest.From(3, ghatest.Part, ghatest.Expired()), failure.Forbidden, nil, "HTTP 403"},
		{"the last part is refused", 600_000, ghatest.From(10, ghatest.Part, ghatest.Status(400)), failure.HTTPStatus, nil, "HTTP 400"},
		{"a part is answered by a redirect", 600_000, ghatest.From(3, ghatest.Part, func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
			http.Redirect(w, r, "/login", http.StatusFound)
		}), failure.HTTPStatus, nil, "HTTP 302"},
	} {
		both(t, func(t *testing.T, o ghatest.Options) {
			o.Faults = []ghatest.Rule{tt.fault}
			s := ghatest.Start(t, o)
			st := open(t, s, func(o *gha.Options) { o.Parallel = 1 })
			err := st.Create(t.Context(), "a", write(some(tt.size)))
			isFailure(t, err, tt.class, tt.says, "save a")
			counts(t, s, map[ghatest.Op]int{ghatest.BlockList: 0, ghatest.Commit: 0})
			if n := len(s.Entries()); n > 0 {
				t.Errorf("%s: %d entries are visible", tt.name, n)
			}
		})
	}
}

func TestTheErrorOfWriteComesBackAndNothingIsCommitted(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, o ghatest.Options) {
		s := ghatest.Start(t, o)
		st := open(t, s)
		fault := errors.New("the disk went away")
		for _, size := range []int{0, 1000, 600_000} {
			err := st.Create(t.Context(), fmt.Sprint("a", size), func(w io.Writer) error {
				if err := write(some(size))(w); err != nil {
					return err
				}
				return fmt.Errorf("pack: %w", fault)
			})
			if !errors.Is(err, fault) {
				t.Errorf("Create = %v", err)
			}
		}
		counts(t, s, map[ghatest.Op]int{ghatest.BlockList: 0, ghatest.Commit: 0, ghatest.Whole: 0})
	})
}

func TestAPanicOfWriteLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, o ghatest.Options) {
		o.Faults = []ghatest.Rule{ghatest.Always(ghatest.Part, ghatest.Wait(nil))}
		s := ghatest.Start(t, o)
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
			}()
			open(t, s).Create(t.Context(), "a", func(w io.Writer) error {
				w.Write(some(200_000))
				panic("bug")
			})
		}()
		counts(t, s, map[ghatest.Op]int{ghatest.Commit: 0})
	})
}

func TestACancelledUploadIsNotCommitted(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, o ghatest.Options) {
		for _, tt := range []struct {
			name string
			size int
			rule func(cancel func()) ghatest.Rule
		}{
			{"while a part is under way", 600_000, func(cancel func()) ghatest.Rule {
				return ghatest.Nth(2, ghatest.Part, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
					cancel()
					ghatest.Wait(nil)(w, r, next)
				})
			}},
			{"while the only one is", 1000, func(cancel func()) ghatest.Rule {
				return ghatest.Rule{Do: func(w http.ResponseWriter, r *http.Request, next http.Handler) {
					cancel()
					ghatest.Wait(nil)(w, r, next)
				}, Match: func(r ghatest.Request) bool { return r.Op == ghatest.Whole || r.Op == ghatest.Part }}
			}},
			{"as the last part has been taken", 600_000, func(cancel func()) ghatest.Rule {
				return ghatest.Nth(10, ghatest.Part, ghatest.Call(cancel))
			}},
		} {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithCancel(t.Context())
				s := ghatest.Start(t, o)
				s.Fault(tt.rule(cancel))
				err := open(t, s).Create(ctx, "a", write(some(tt.size)))
				isFailure(t, err, failure.Cancelled)
				if !errors.Is(err, context.Canceled) {
					t.Errorf("%v is not context.Canceled", err)
				}
				counts(t, s, map[ghatest.Op]int{ghatest.Commit: 0})
			})
		}
	})
}

func TestATakenNameIsKnownBeforeAnythingIsPacked(t *testing.T) {
	t.Parallel()
	for _, o := range []ghatest.Options{{}, {Camel: true}, {Like: ghatest.Gitea}, {Protocol: "v1"}} {
		s := ghatest.Start(t, o)
		s.Put("a", version, []byte("what was there"))
		err := open(t, s).Create(t.Context(), "a", never(t))
		if !errors.Is(err, store.ErrExists) {
			t.Errorf("Create = %v, expected store.ErrExists", err)
		}
		if string(s.Data("a")) != "what was there" {
			t.Error("it was replaced")
		}
	}
}

func TestWhatTheServiceSaysToAReservation(t *testing.T) {
	t.Parallel()
	message := func(status int, text string) ghatest.Fault {
		return ghatest.Answer(status, "application/json", `{"message":"`+text+`"}`)
	}
	for _, tt := range []struct {
		name     string
		protocol string
		answer   ghatest.Fault
		is       error
		class    failure.Class
		says     string
		asked    int
	}{
		{"a read-only token", "v2", ghatest.NotOK("cache write denied: token has no writable scopes"), store.ErrDenied, "", "not allowed by the store: cache write denied: token has no writable scopes", 1},
		{"a read-only token as a Twirp error", "v2", ghatest.Twirp(403, "permission_denied", "cache write denied: read-only"), store.ErrDenied, "", "cache write denied: read-only", 1},
		{"the quota is used up", "v2", ghatest.Twirp(403, "permission_denied", "insufficient usage to create cache entry"), store.ErrDenied, "", "insufficient usage", 1},
		{"the quota is used up, as 429", "v2", ghatest.NotOK("Insufficient usage"), store.ErrDenied, "", "Insufficient usage", 1},
		{"forbidden", "v2", ghatest.Twirp(403, "permission_denied", "no"), store.ErrDenied, failure.Forbidden, "no", 1},
		{"another writer", "v2", ghatest.Twirp(409, "already_exists", "cache entry is being written"), store.ErrExists, "", "cache entry is being written", 1},
		{"another writer on Gitea", "v2", ghatest.NotOK(""), store.ErrExists, "", "in the store already", 1},
		{"no URL", "v2", ghatest.Answer(200, "application/json", `{"ok":true}`), nil, failure.WrongContent, "without a URL to write to", 1},
		{"no service", "v2", ghatest.Status(404), store.ErrUnavailable, "", "no cache service v2", 1},
		{"a bad key", "v2", ghatest.Twirp(400, "invalid_argument", "key is too long"), nil, failure.HTTPStatus, "key is too long", 1},
		{"failing", "v2", ghatest.Status(500), nil, failure.ServerError, "tried 5 times", 5},

		{"a read-only token", "v1", message(403, "cache write denied: token has no writable scopes"), store.ErrDenied, "", "cache write denied: token has no writable scopes", 1},
		{"forbidden", "v1", message(403, "no"), store.ErrDenied, failure.Forbidden, "no", 1},
		{"another writer", "v1", message(409, "being written"), store.ErrExists, "", "being written", 1},
		{"too large", "v1", message(400, "Cache size of more than the limit"), nil, failure.HTTPStatus, "more than the limit", 1},
		{"no id", "v1", ghatest.Answer(201, "application/json", `{}`), nil, failure.WrongContent, "without a cacheId", 1},
		{"an id of failure", "v1", ghatest.Answer(201, "application/json", `{"cacheId":-1}`), nil, failure.WrongContent, "without a cacheId", 1},
		{"no service", "v1", ghatest.Status(404), store.ErrUnavailable, "", "no cache service v1", 1},
		{"failing", "v1", ghatest.Status(502), nil, failure.ServerError, "tried 5 times", 5},
		{"failing in a way that stays", "v1", ghatest.Status(500), nil, failure.ServerError, "HTTP 500", 1},
	} {
		t.Run(tt.protocol+" "+tt.name, func(t *testing.T) {
			t.Parallel()
			s := ghatest.Start(t, ghatest.Options{Protocol: tt.protocol, Faults: []ghatest.Rule{ghatest.Always(ghatest.Reserve, tt.answer)}})
			err := open(t, s).Create(t.Context(), "a", never(t))
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("%v is not %v", err, tt.is)
			}
			if tt.class != "" {
				isFailure(t, err, tt.class)
			}
			says(t, err, tt.says)
			counts(t, s, map[ghatest.Op]int{ghatest.Reserve: tt.asked})
		})
	}
}

func TestAServerThatTurnsReadOnlySaysNoInBothProtocols(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, o ghatest.Options) {
		s := ghatest.Start(t, o)
		st := open(t, s) // with a token that can write, as far as it says
		s.SetReadOnly(true)
		err := st.Create(t.Context(), "a", never(t))
		if !errors.Is(err, store.ErrDenied) {
			t.Errorf("Create = %v, expected store.ErrDenied", err)
		}
		says(t, err, ghatest.Denied)
	})
}

func TestAnIDMayBeAString(t *testing.T) {
	t.Parallel()
	s := ghatest.Start(t, ghatest.Options{Protocol: "v1", Faults: []ghatest.Rule{
		ghatest.Always(ghatest.Reserve, ghatest.Answer(201, "application/json", `{"cacheId":"7/../8"}`)),
		ghatest.Always(ghatest.Part, ghatest.Status(400)),
	}})
	err := open(t, s).Create(t.Context(), "a", write([]byte("x")))
	isFailure(t, err, failure.HTTPStatus)
	if got := ops(s, ghatest.Part); len(got) != 1 || got[0].Path != "/ghes/_apis/artifactcache/caches/7/../8" {
		t.Errorf("PATCH of %+v", got)
	}
}

func TestWhatTheServiceSaysToACommit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		protocol string
		faults   []ghatest.Rule
		is       error
		class    failure.Class
		says     string // "" success
	}{
		{"not seen yet", "v2", []ghatest.Rule{ghatest.First(2, ghatest.Commit, ghatest.Twirp(404, "not_found", "no upload"))}, nil, "", ""},
		{"never seen", "v2", []ghatest.Rule{ghatest.Always(ghatest.Commit, ghatest.Twirp(404, "not_found", "no upload"))}, nil, failure.NotFound, "tried 5 times"},
		{"failing and then not", "v2", []ghatest.Rule{ghatest.First(3, ghatest.Commit, ghatest.Status(503))}, nil, "", ""},
		{"answered, but the answer got lost", "v2", []ghatest.Rule{ghatest.First(1, ghatest.Commit, ghatest.LoseAnswer())}, nil, "", ""},
		{"another writer was faster", "v2", []ghatest.Rule{ghatest.Always(ghatest.Commit, ghatest.Twirp(409, "already_exists", "finalized"))}, store.ErrExists, "", "finalized"},
		{"not taken", "v2", []ghatest.Rule{ghatest.Always(ghatest.Commit, ghatest.NotOK("size differs"))}, nil, failure.ServerError, `did not take the entry: "size differs"`},
		{"denied", "v2", []ghatest.Rule{ghatest.Always(ghatest.Commit, ghatest.NotOK("cache write denied: late"))}, store.ErrDenied, "", "cache write denied: late"},
		{"wrong", "v2", []ghatest.Rule{ghatest.Always(ghatest.Commit, ghatest.Twirp(400, "invalid_argument", "size"))}, nil, failure.HTTPStatus, "size"},

		{"failing and then not", "v1", []ghatest.Rule{ghatest.First(3, ghatest.Commit, ghatest.Status(503))}, nil, "", ""},
		{"answered, but the answer got lost", "v1", []ghatest.Rule{ghatest.First(1, ghatest.Commit, ghatest.LoseAnswer())}, nil, "", ""},
		{"wrong", "v1", []ghatest.Rule{ghatest.Always(ghatest.Commit, ghatest.Status(400))}, nil, failure.HTTPStatus, "HTTP 400"},
		{"failing in a way that stays", "v1", []ghatest.Rule{ghatest.Always(ghatest.Commit, ghatest.Answer(500, "application/json", `{"error":"broken file"}`))}, nil, failure.ServerError, "broken file"},
	} {
		t.Run(tt.protocol+" "+tt.name, func(t *testing.T) {
			t.Parallel()
			s := ghatest.Start(t, ghatest.Options{Protocol: tt.protocol, Faults: tt.faults})
			err := open(t, s).Create(t.Context(), "a", write([]byte("x")))
			if (err == nil) != (tt.says == "") || tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("Create = %v", err)
			}
			if visible := len(s.Entries()) == 1; visible != (err == nil) {
				t.Errorf("the entry is visible: %v, Create = %v", visible, err)
			}
			if tt.class != "" {
				isFailure(t, err, tt.class)
			}
			if tt.says != "" {
				says(t, err, tt.says)
			}
		})
	}
}

func TestAReservationWhoseAnswerGotLostIsNamed(t *testing.T) {
	t.Parallel()
	s := ghatest.Start(t, ghatest.Options{Faults: []ghatest.Rule{ghatest.First(1, ghatest.Reserve, ghatest.LoseAnswer())}})
	err := open(t, s).Create(t.Context(), "a", never(t))
	if !errors.Is(err, store.ErrExists) {
		t.Errorf("Create = %v, expected store.ErrExists", err)
	}
	says(t, err, "an attempt of ours whose answer got lost")
}
