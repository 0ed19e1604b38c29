package gha_test

import (
	"errors"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/store"
	"github.com/modferry/modferry/internal/store/gha/ghatest"
)

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
