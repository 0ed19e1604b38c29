package gha_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/store"
	"github.com/modferry/modferry/internal/store/gha"
	"github.com/modferry/modferry/internal/store/gha/ghatest"
)

func TestTheVersionIsTheHashOfTheFormat(t *testing.T) {
	t.Parallel()
	sum := sha256.Sum256([]byte("modferry cache format 1"))
	if hex.EncodeToString(sum[:]) != version {
		t.Errorf("the tests' version is not %x", sum)
	}
	both(t, func(t *testing.T, o ghatest.Options) {
		s := ghatest.Start(t, o)
		if err := open(t, s).Create(t.Context(), "a", write([]byte("x"))); err != nil {
			t.Fatal(err)
		}
		if got := s.Entries()[0].Version; got != version {
			t.Errorf("saved under the version %q", got)
		}
		s.Put("other", "another tool's version", []byte("y"))
		if _, err := open(t, s).Find(t.Context(), "other", "o"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("an entry of another version: %v, expected store.ErrNotFound", err)
		}
	})
}

func TestWhatIsAskedOfTheServices(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		o    ghatest.Options
		want []string
	}{
		{ghatest.Options{}, []string{
			`POST /twirp/github.actions.results.api.v1.CacheService/GetCacheEntryDownloadURL {"key":"a","restore_keys":["a","b-","c-"],"version":"` + version + `"}`,
			`POST /twirp/github.actions.results.api.v1.CacheService/CreateCacheEntry {"key":"a","version":"` + version + `"}`,
			`PUT /blob/1?SIGNED hello`,
			`POST /twirp/github.actions.results.api.v1.CacheService/FinalizeCacheEntryUpload {"key":"a","size_bytes":"5","version":"` + version + `"}`,
		}},
		{ghatest.Options{Protocol: "v1"}, []string{
			`GET /ghes/_apis/artifactcache/cache?keys=a%2Cb-%2Cc-&version=` + version,
			`POST /ghes/_apis/artifactcache/caches {"key":"a","version":"` + version + `"}`,
			`PATCH /ghes/_apis/artifactcache/caches/1 hello`,
			`POST /ghes/_apis/artifactcache/caches/1 {"size":5}`,
		}},
	} {
		s := ghatest.Start(t, tt.o)
		wire := &tap{base: s.Transport()}
		st := open(t, s, func(o *gha.Options) { o.Transport, o.UserAgent = wire, "modferry/1.2.3" })
		if _, err := st.Find(t.Context(), "a", "b-", "c-"); !errors.Is(err, store.ErrNotFound) {
			t.Fatal(err)
		}
		if err := st.Create(t.Context(), "a", write([]byte("hello"))); err != nil {
			t.Fatal(err)
		}
		for i, seen := range wire.seen {
			if before, rest, ok := strings.Cut(seen, "sv="); ok {
				_, body, _ := strings.Cut(rest, " ")
				wire.seen[i] = before + "SIGNED " + body
			}
		}
		if !slices.Equal(wire.seen, tt.want) {
			t.Errorf("sent\n%s\nexpected\n%s", strings.Join(wire.seen, "\n"), strings.Join(tt.want, "\n"))
		}
		for _, r := range s.Requests() {
			signed := strings.HasPrefix(r.Path, "/blob/")
			if got := r.Header.Get("Authorization"); signed && got != "" || !signed && got != "Bearer "+s.Token() {
				t.Errorf("%s %s with the Authorization %q", r.Method, r.Path, got)
			}
			if got := r.Header.Get("User-Agent"); got != "modferry/1.2.3" {
				t.Errorf("%s %s with the User-Agent %q", r.Method, r.Path, got)
			}
			if got := r.Header.Get("Accept"); !signed && !strings.HasPrefix(got, "application/json") {
				t.Errorf("%s %s accepts %q", r.Method, r.Path, got)
			}
		}
		if put := ops(s, ghatest.Whole); len(put) == 1 && (put[0].Header.Get("X-Ms-Blob-Type") != "BlockBlob" || put[0].Length != 5 || put[0].Header.Get("Content-Type") != "application/octet-stream") {
			t.Errorf("PUT with %v, %d bytes", put[0].Header, put[0].Length)
		}
		if part := ops(s, ghatest.Part); len(part) == 1 && part[0].Header.Get("Content-Range") != "bytes 0-4/*" {
			t.Errorf("PATCH of %q", part[0].Header.Get("Content-Range"))
		}
	}
}

func TestWhatTheServiceFindsIsCheckedAgainstWhatWasAsked(t *testing.T) {
	t.Parallel()
	hit := func(key string) ghatest.Fault {
		return ghatest.Answer(200, "application/json", `{"ok":true,"signed_download_url":"https://blobs.example.test/x?sig=s","matched_key":"`+key+`"}`)
	}
	for _, tt := range []struct {
		name     string
		answer   ghatest.Fault
		ask      string
		prefixes []string
		want     string // the name that is found
		is       error
		class    failure.Class
		says     string
		lookups  int
	}{
		{"the name", hit("name"), "name", nil, "name", nil, "", "", 1},
		{"the name in other case", hit("NAME"), "name", nil, "name", nil, "", "", 1},
		{"an entry of the first prefix", hit("pre-1"), "name", []string{"pre-", "x"}, "pre-1", nil, "", "", 1},
		{"an entry of the second prefix in other case", hit("X1"), "name", []string{"pre-", "x"}, "X1", nil, "", "", 1},
		{"a prefix that is a whole name", hit("PRE-"), "name", []string{"pre-"}, "pre-", nil, "", "", 1},
		{"prefixes without a name", hit("pre-1"), "", []string{"pre-"}, "pre-1", nil, "", "", 1},
		{"the name taken as a prefix is a miss", hit("name-and-more"), "name", nil, "", store.ErrNotFound, "", "", 1},
		{"the name taken as a prefix is asked again without it", hit("name-and-more"), "name", []string{"na"}, "name-and-more", nil, "", "", 2},
		{"something else", hit("other"), "name", []string{"pre-"}, "", nil, failure.WrongContent, "which was not asked for", 1},
		{"no name", hit(""), "name", nil, "", nil, failure.WrongContent, "entry name", 1},
		{"a name that is none", hit("##[error]x"), "name", nil, "", nil, failure.WrongContent, "entry name", 1},
		{"no URL", ghatest.Answer(200, "application/json", `{"ok":true,"matched_key":"name"}`), "name", nil, "", nil, failure.WrongContent, "without a URL", 1},
		{"a URL that is none", ghatest.Answer(200, "application/json", `{"ok":true,"matched_key":"name","signed_download_url":"file:///etc/passwd"}`), "name", nil, "", nil, failure.WrongContent, "without a URL", 1},
		{"ok left out is false", ghatest.Answer(200, "application/json", `{}`), "name", nil, "", store.ErrNotFound, "", "", 1},
		{"not found as a Twirp error", ghatest.Twirp(404, "not_found", "no such entry"), "name", nil, "", store.ErrNotFound, "", "", 1},
		{"no such route", ghatest.Twirp(404, "bad_route", "no handler"), "name", nil, "", store.ErrUnavailable, "", "has no cache service v2 (HTTP 404)", 1},
		{"a page that says 404", ghatest.Answer(404, "text/html", "<html>gone</html>"), "name", nil, "", store.ErrUnavailable, "", "has no cache service v2", 1},
		{"denied", ghatest.Twirp(403, "permission_denied", "cache read denied: not in this event"), "name", nil, "", store.ErrDenied, "", "cache read denied: not in this event", 1},
		{"denied is a miss, too", ghatest.Twirp(403, "permission_denied", "cache read denied: not in this event"), "name", nil, "", store.ErrNotFound, "", "", 1},
		{"denied as ok:false", ghatest.NotOK("Cache Read Denied: no"), "name", nil, "", store.ErrDenied, "", "Cache Read Denied: no", 1},
		{"forbidden for another reason", ghatest.Twirp(403, "permission_denied", "not you"), "name", nil, "", store.ErrDenied, failure.Forbidden, "not you", 1},
		{"a token that ended", ghatest.Twirp(401, "unauthenticated", "token expired"), "name", nil, "", nil, failure.Unauthorized, "does not accept the job's token", 1},
		{"a bad request", ghatest.Twirp(400, "invalid_argument", "bad key"), "name", nil, "", nil, failure.HTTPStatus, "bad key", 1},
		{"a status nobody expects", ghatest.Status(418), "name", nil, "", nil, failure.HTTPStatus, "HTTP 418", 1},
		{"a redirect is not followed with the token", func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
			http.Redirect(w, r, "https://elsewhere.example.test/", http.StatusTemporaryRedirect)
		}, "name", nil, "", nil, failure.HTTPStatus, "HTTP 307", 1},
		{"a login page is not asked twice", ghatest.Answer(200, "text/html", "<!DOCTYPE html><html>sign in</html>"), "name", nil, "", nil, failure.WrongContent, "expected JSON", 1},
		{"JSON that breaks off is asked for again", ghatest.Answer(200, "application/json", `{"ok":tr`), "name", nil, "", nil, failure.WrongContent, "tried 5 times", 5},
		{"500 is asked again", ghatest.Status(500), "name", nil, "", nil, failure.ServerError, "tried 5 times", 5},
		{"502 is asked again", ghatest.Status(502), "name", nil, "", nil, failure.ServerError, "tried 5 times", 5},
		{"503 is asked again", ghatest.Status(503), "name", nil, "", nil, failure.ServerError, "tried 5 times", 5},
		{"504 is asked again", ghatest.Status(504), "name", nil, "", nil, failure.ServerError, "tried 5 times", 5},
		{"501 is not", ghatest.Status(501), "name", nil, "", nil, failure.ServerError, "HTTP 501", 1},
		{"a connection that is reset", ghatest.Reset(), "name", nil, "", nil, failure.Reset, "tried 5 times", 5},
		{"an answer that is cut", ghatest.CutAfter(3), "name", nil, "", nil, failure.CutBody, "tried 5 times", 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := ghatest.Start(t, ghatest.Options{Faults: []ghatest.Rule{ghatest.Always(ghatest.Lookup, tt.answer)}})
			e, err := open(t, s).Find(t.Context(), tt.ask, tt.prefixes...)
			if e.Name != tt.want && err == nil || (err == nil) != (tt.want != "") {
				t.Errorf("found %q, %v; expected %q", e.Name, err, tt.want)
			}
			if err == nil && (e.Size != -1 || e.Location != "https://blobs.example.test/x?sig=s") {
				t.Errorf("found %+v", e)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("%v is not %v", err, tt.is)
			}
			if tt.class != "" {
				isFailure(t, err, tt.class)
			}
			if tt.says != "" {
				says(t, err, tt.says)
			}
			counts(t, s, map[ghatest.Op]int{ghatest.Lookup: tt.lookups})
		})
	}
}

func TestWhatV1Finds(t *testing.T) {
	t.Parallel()
	created := time.Date(2026, 11, 20, 10, 30, 0, 123e6, time.UTC)
	for _, tt := range []struct {
		name    string
		o       ghatest.Options
		answer  ghatest.Fault // nil: the service's own
		want    string
		created time.Time
		is      error
		class   failure.Class
		says    string
		lookups int
	}{
		{"an entry", ghatest.Options{}, nil, "Name", created, nil, "", "", 1},
		{"an entry of act, in lower case", ghatest.Options{Like: ghatest.Act}, nil, "Name", time.Time{}, nil, "", "", 1},
		{"nothing", ghatest.Options{}, ghatest.Answer(204, "", ""), "", created, store.ErrNotFound, "", "", 1},
		{"an answer without the place", ghatest.Options{}, ghatest.Answer(200, "application/json", `{"cacheKey":"Name"}`), "", created, nil, failure.WrongContent, "without a URL", 1},
		{"a server that has no cache", ghatest.Options{}, ghatest.Status(404), "", created, store.ErrUnavailable, "", "has no cache service v1 (HTTP 404)", 1},
		{"denied", ghatest.Options{}, ghatest.Answer(403, "application/json", `{"message":"cache read denied: no"}`), "", created, store.ErrDenied, "", "cache read denied: no", 1},
		{"act's error", ghatest.Options{}, ghatest.Answer(400, "application/json", `{"error":"parse \"x\""}`), "", created, nil, failure.HTTPStatus, `parse "x"`, 1},
		{"500 stays", ghatest.Options{}, ghatest.Status(500), "", created, nil, failure.ServerError, "HTTP 500", 1},
		{"502 passes", ghatest.Options{}, ghatest.Status(502), "", created, nil, failure.ServerError, "tried 5 times", 5},
		{"503 passes", ghatest.Options{}, ghatest.Status(503), "", created, nil, failure.ServerError, "tried 5 times", 5},
		{"504 passes", ghatest.Options{}, ghatest.Status(504), "", created, nil, failure.ServerError, "tried 5 times", 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.o.Protocol, tt.o.Now = "v1", func() time.Time { return created }
			s := ghatest.Start(t, tt.o)
			if tt.answer != nil {
				s.Fault(ghatest.Always(ghatest.Lookup, tt.answer))
			}
			name := "Name"
			if tt.o.Like == ghatest.Act {
				name = "name"
			}
			s.Put(name, version, []byte("data"))
			e, err := open(t, s).Find(t.Context(), "Name", "pre-")
			if (err == nil) != (tt.want != "") || err == nil && (e.Name != tt.want || !e.Created.Equal(tt.created) || e.Size != -1) {
				t.Errorf("found %s %v %d, %v; expected %q", e.Name, e.Created, e.Size, err, tt.want)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("%v is not %v", err, tt.is)
			}
			if tt.class != "" {
				isFailure(t, err, tt.class)
			}
			if tt.says != "" {
				says(t, err, tt.says)
			}
			counts(t, s, map[ghatest.Op]int{ghatest.Lookup: tt.lookups})
		})
	}
}

func TestWhatIsNoNameIsNotAsked(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, o ghatest.Options) {
		s := ghatest.Start(t, o)
		st := open(t, s)
		many := slices.Repeat([]string{"p-"}, 10)
		for _, keys := range [][]string{{"a,b"}, {"", "a b"}, {"a", ""}, {strings.Repeat("a", 201)}, append([]string{"a"}, many...)} {
			if _, err := st.Find(t.Context(), keys[0], keys[1:]...); err == nil || errors.Is(err, store.ErrNotFound) {
				t.Errorf("Find(%.40q) = %v, expected an error about the names", keys, err)
			}
		}
		if _, err := st.Find(t.Context(), ""); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("Find of nothing = %v", err)
		}
		if err := st.Create(t.Context(), "a,b", never(t)); err == nil {
			t.Error("Create with a comma in the name succeeded")
		}
		counts(t, s, map[ghatest.Op]int{"": 0})
	})
}

func TestTheKeysOfV1AreEncodedOnce(t *testing.T) {
	t.Parallel()
	s := ghatest.Start(t, ghatest.Options{Protocol: "v1"})
	s.Put("b-1", version, []byte("x"))
	e, err := open(t, s).Find(t.Context(), "a", "b-")
	if err != nil || e.Name != "b-1" {
		t.Errorf("Find = %s, %v", e.Name, err)
	}
	u, err := url.Parse(e.Location)
	if err != nil || u.Query().Get("sig") == "" {
		t.Errorf("the place of the entry is %v, %v", u, err)
	}
}
