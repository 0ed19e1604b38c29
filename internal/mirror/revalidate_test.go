package mirror_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

func TestAFileThatTheCallerHasIsNotSentAgain(t *testing.T) {
	t.Parallel()
	const list, path = "v1.0.0\n", "example.test/a/@v/list"
	m := answering(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `W/"2"`)
		w.Header().Set("Cache-Control", "max-age=60")
		if r.Header.Get("If-None-Match") == `W/"2"` || r.URL.Path == "/whatever" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Write([]byte(list))
	})
	for _, test := range []struct {
		name, ifNone string
		status       int
		body         string
	}{
		{"nothing is there yet", "", http.StatusOK, list},
		{"what is there is old", `W/"1"`, http.StatusOK, list},
		{"what is there is the file", `W/"2"`, http.StatusNotModified, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			body, resp, err := read(m, mirror.Request{Path: path, IfNone: test.ifNone, Max: mirror.MaxInfo})
			if err != nil || resp.Status != test.status || string(body) != test.body {
				t.Fatalf("status %d, %q, %v; want %d, %q", resp.Status, body, err, test.status, test.body)
			}
			if resp.ETag != `W/"2"` || resp.CacheControl != "max-age=60" || resp.Validator != "" {
				t.Errorf("ETag %q, Cache-Control %q, validator %q", resp.ETag, resp.CacheControl, resp.Validator)
			}
		})
	}
	// A 304 that nobody asked for has no file.
	if _, err := m.Get(t.Context(), mirror.Request{Path: "whatever"}); failure.As(err) == nil || failure.As(err).Status != http.StatusNotModified {
		t.Errorf("a 304 without a question gave %v", err)
	}
}

func TestARequestMayHaveALimitOfItsOwnForTheFirstByte(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 100)
	never := make(chan struct{})
	t.Cleanup(func() { close(never) })
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.Always("*", mirrortest.SlowFirstByte(never))}})
	m := open(t, s, mirror.Options{Limits: mirror.Limits{FirstByte: time.Hour, Total: time.Hour}}, s.URL)
	_, err := m.Get(t.Context(), mirror.Request{Path: "example.test/a/@v/list", FirstByte: time.Millisecond})
	if failure.Classify(err) != failure.FirstByteTimeout {
		t.Errorf("ended with %v, want %s", err, failure.FirstByteTimeout)
	}
}
