package gha_test

import (
	"encoding/base64"
	"errors"
	"testing"

	"github.com/modferry/modferry/internal/store"
	"github.com/modferry/modferry/internal/store/gha"
	"github.com/modferry/modferry/internal/store/gha/ghatest"
)

func TestTheModeOfTheJobIsObeyedBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		mode        string
		read, write bool
	}{
		{"none", false, false},
		{"read", true, false},
		{"write", true, true},
		{"write-only", false, true},
		{" Read\n", true, false},
		{"NONE", false, false},
		{"", true, true},
		{"something new", true, true},
	} {
		t.Run(tt.mode, func(t *testing.T) {
			t.Parallel()
			s := ghatest.Start(t, ghatest.Options{})
			s.Put("there", version, []byte("data"))
			e := find(t, open(t, s), "there")
			before := s.Count("")
			st := open(t, s, func(o *gha.Options) {
				o.Getenv = func(name string) string {
					if name == "ACTIONS_CACHE_MODE" {
						return tt.mode
					}
					return s.Getenv(name)
				}
			})
			_, err := st.Find(t.Context(), "there")
			if _, openErr := readEntry(t.Context(), st, e); (err == nil) != tt.read || (openErr == nil) != tt.read {
				t.Errorf("reading ends with %v and %v, allowed: %v", err, openErr, tt.read)
			}
			if !tt.read && (!errors.Is(err, store.ErrDenied) || !errors.Is(err, store.ErrNotFound)) {
				t.Errorf("%v is not both store.ErrDenied and store.ErrNotFound", err)
			}
			create := write([]byte("x"))
			if !tt.write {
				create = never(t)
			}
			err = st.Create(t.Context(), "new", create)
			if (err == nil) != tt.write || !tt.write && !errors.Is(err, store.ErrDenied) {
				t.Errorf("writing ends with %v, allowed: %v", err, tt.write)
			}
			if !tt.read && !tt.write && s.Count("") != before {
				t.Errorf("%d requests were sent", s.Count("")-before)
			}
		})
	}
}

func TestATokenThatCannotWriteSavesThePacking(t *testing.T) {
	t.Parallel()
	jwt := func(claims string) string {
		return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
	}
	for _, tt := range []struct {
		name, token string
		write       bool
	}{
		{"read and write", jwt(`{"ac":"[{\"Scope\":\"refs/heads/main\",\"Permission\":3}]"}`), true},
		{"read alone", jwt(`{"ac":"[{\"Scope\":\"refs/heads/main\",\"Permission\":1}]"}`), false},
		{"act's token has the bit of writing alone", jwt(`{"ac":"[{\"Scope\":\"\",\"Permission\":2}]"}`), true},
		{"one scope of two can be written", jwt(`{"ac":"[{\"Scope\":\"refs/heads/main\",\"Permission\":1},{\"Scope\":\"refs/pull/1/merge\",\"Permission\":3}]"}`), true},
		{"no scope can be written", jwt(`{"ac":"[{\"Scope\":\"a\",\"Permission\":1},{\"Scope\":\"b\",\"Permission\":0}]"}`), false},
		{"padded", "e30." + base64.URLEncoding.EncodeToString([]byte(`{"ac":"[{\"Scope\":\"m\",\"Permission\":1}]"} `)) + ".c2ln", false},
		{"no claim", jwt(`{}`), true},
		{"no scopes", jwt(`{"ac":"[]"}`), true},
		{"a claim that is no JSON", jwt(`{"ac":"hello"}`), true},
		{"claims that are no JSON", jwt(`hello`), true},
		{"not base64", "e30.***.c2ln", true},
		{"no JWT at all", "ghs_something", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			// The server refuses the token, which is not its own: that is how
			// to see that it was asked.
			s := ghatest.Start(t, ghatest.Options{})
			st := open(t, s, func(o *gha.Options) {
				o.Getenv = func(name string) string {
					if name == "ACTIONS_RUNTIME_TOKEN" {
						return tt.token
					}
					return s.Getenv(name)
				}
			})
			err := st.Create(t.Context(), "new", never(t))
			if asked := s.Count(ghatest.Reserve) > 0; asked != tt.write || errors.Is(err, store.ErrDenied) == tt.write {
				t.Errorf("Create = %v, the service was asked: %v; writing is allowed: %v", err, asked, tt.write)
			}
		})
	}
}
