package s3_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/store"
	"github.com/modferry/modferry/internal/store/s3"
)

func TestFind(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		page     int
		exact    string
		prefixes []string
		want     string // "" for none
	}{
		{"the exact name wins over newer ones", 1000, "idx-a", []string{"idx-"}, "idx-a"},
		{"an exact name is no prefix", 1000, "idx", nil, ""},
		{"the newest of the first prefix that has any", 1000, "idx-none", []string{"other-", "idx-"}, "idx-b"},
		{"the first prefix wins over a newer entry of the second", 1000, "", []string{"idx-", "lay-"}, "idx-b"},
		{"the newest is on a later page", 2, "", []string{"idx-"}, "idx-b"},
		{"no prefix has any", 1000, "no", []string{"none-", "nor-"}, ""},
		{"what lies in a folder below the prefix is no entry", 1000, "", []string{"deep"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newDouble(t)
			d.page = tt.page
			for _, name := range []string{"idx-d", "idx-c", "idx-a", "idx-a-longer", "idx-b", "lay-a", "deep/idx-x"} {
				d.put(name, name)
			}
			got, err := d.open(t).Find(t.Context(), tt.exact, tt.prefixes...)
			if tt.want == "" {
				if !errors.Is(err, store.ErrNotFound) {
					t.Fatalf("Find = %+v, %v; want store.ErrNotFound", got, err)
				}
				return
			}
			if err != nil || got.Name != tt.want || got.Size != int64(len(tt.want)) || got.Created.IsZero() {
				t.Errorf("Find = %+v, %v; want %s", got, err, tt.want)
			}
		})
	}
}

func TestFindAnExactNameTakesOneRequest(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	d.put("idx-a", "x")
	if _, err := d.open(t).Find(t.Context(), "idx-a", "idx-"); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(d.requests, []string{"list"}) {
		t.Errorf("requests %q", d.requests)
	}
}

func TestFindWhereListingIsForbidden(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	d.put("idx-a", "four")
	d.fault = func(kind string, _ int, w http.ResponseWriter, _ *http.Request) bool {
		if kind == "list" {
			deny(w, 403, "AccessDenied")
		}
		return kind == "list"
	}
	s := d.open(t)
	if e, err := s.Find(t.Context(), "idx-a"); err != nil || e.Size != 4 {
		t.Errorf("Find = %+v, %v; an exact name needs no list", e, err)
	}
	if _, err := s.Find(t.Context(), "idx-b"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Find of what is missing: %v", err)
	}
	_, err := s.Find(t.Context(), "", "idx-")
	if !errors.Is(err, store.ErrDenied) || !strings.Contains(err.Error(), "s3:ListBucket") {
		t.Errorf("Find by prefix: %v; want store.ErrDenied and the permission", err)
	}
}

func TestListIsNewestFirstAndComplete(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	d.page = 7
	var want []string
	for i := range 30 {
		name := fmt.Sprintf("l-%02d", (i*11)%30)
		d.put(name, name)
		want = append([]string{name}, want...)
	}
	d.put("other", "")
	d.put("l-odd name", "") // not ours
	got, err := d.open(t).List(t.Context(), "l-")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range got {
		names = append(names, e.Name)
	}
	if !slices.Equal(names, want) {
		t.Errorf("List = %q\nwant   %q", names, want)
	}
	all, err := d.open(t).List(t.Context(), "")
	if err != nil || len(all) != 31 {
		t.Errorf("List of everything: %d entries, %v; want 31", len(all), err)
	}
}

func TestListOfABucketWithoutPrefix(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	d.put("below", "")
	d.mu.Lock()
	d.store("top", []byte("x"))
	d.mu.Unlock()
	got, err := d.open(t, func(o *s3.Options) { o.Spec.Prefix = "" }).List(t.Context(), "")
	if err != nil || len(got) != 1 || got[0].Name != "top" {
		t.Errorf("List = %+v, %v; want only top", got, err)
	}
}

func TestACancelledListIsNotAShortOne(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	d.page = 1
	d.put("a", "")
	d.put("b", "")
	ctx, cancel := context.WithCancel(t.Context())
	d.fault = func(kind string, n int, _ http.ResponseWriter, r *http.Request) bool {
		if n == 2 {
			cancel()
			<-r.Context().Done()
		}
		return n == 2
	}
	if got, err := d.open(t).List(ctx, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("List = %+v, %v; want context.Canceled", got, err)
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	d.put("a", "x")
	s := d.open(t)
	for range 2 { // the second finds it gone
		if err := s.Delete(t.Context(), store.Entry{Name: "a"}); err != nil {
			t.Fatal(err)
		}
	}
	if names := d.names(); len(names) != 0 {
		t.Errorf("left %q", names)
	}
	if err := s.Delete(t.Context(), store.Entry{Name: "../a"}); err == nil {
		t.Error("Delete of a name that is none: no error")
	}
}

func TestTemporaryFailuresAreTriedAgain(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		fault func(w http.ResponseWriter)
	}{
		{"503", func(w http.ResponseWriter) { deny(w, 503, "SlowDown") }},
		{"429", func(w http.ResponseWriter) { w.WriteHeader(429) }},
		{"500", func(w http.ResponseWriter) { deny(w, 500, "InternalError") }},
		{"a connection that breaks before the answer", func(http.ResponseWriter) { panic(http.ErrAbortHandler) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newDouble(t)
			d.put("a", "the bytes")
			d.fault = func(_ string, n int, w http.ResponseWriter, _ *http.Request) bool {
				if n <= 2 {
					tt.fault(w)
				}
				return n <= 2
			}
			s := d.open(t)
			e, err := s.Find(t.Context(), "a")
			if err != nil {
				t.Fatal(err)
			}
			r, err := s.Open(t.Context(), e)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if got, err := io.ReadAll(r); string(got) != "the bytes" || err != nil {
				t.Errorf("read %q, %v", got, err)
			}
			if err := s.Create(t.Context(), "b", func(w io.Writer) error { _, err := io.WriteString(w, "new"); return err }); err != nil || d.data("b") != "new" {
				t.Errorf("Create: %v, stored %q", err, d.data("b"))
			}
		})
	}
}

func TestTriesAreBounded(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	d.fault = func(_ string, _ int, w http.ResponseWriter, _ *http.Request) bool {
		deny(w, 503, "SlowDown")
		return true
	}
	_, err := d.open(t).Find(t.Context(), "a")
	if f := failure.As(err); f.Class != failure.ServerError || f.Status != 503 {
		t.Errorf("Find: %v, class %q", err, f.Class)
	}
	if n := d.count("list"); n != 5 {
		t.Errorf("%d requests, want 5", n)
	}
}
