package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/nektos/act/pkg/artifactcache"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// wholeChunks hands on a chunk only when all of it has arrived, as many a proxy
// in front of a server does. The server writes a chunk while it arrives, and
// what is left of a broken request may be written over the next attempt.
func wholeChunks(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPatch {
			chunk, err := io.ReadAll(r.Body)
			if err != nil {
				panic(http.ErrAbortHandler)
			}
			r.Body = io.NopCloser(bytes.NewReader(chunk))
		}
		next.ServeHTTP(w, r)
	})
}

// startAct is GitHub's cache service v1 as act's own server plays it. It is
// laxer than GitHub: keys are lower-cased, a key may be saved twice, and of two
// entries of the same second either is the newest.
func startAct(t *testing.T, _ bool) *counterpart {
	t.Helper()
	var behind http.Handler
	front := mirrortest.Start(t, mirrortest.Options{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { behind.ServeHTTP(w, r) }),
	})
	dir := t.TempDir()
	server, err := artifactcache.StartHandler(dir, front.URL, "127.0.0.1", 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	transport := new(http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	// The front's address is the external one; this is the server's own.
	behind = wholeChunks(passOn(&url.URL{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", server.GetActualPort())}, transport))

	return &counterpart{
		Server: front,
		cache:  "gha:v1",
		env: map[string]string{
			"GITHUB_SERVER_URL":     "https://github.com",
			"ACTIONS_CACHE_URL":     server.ExternalURL() + "/",
			"ACTIONS_RUNTIME_TOKEN": token(canRead | canWrite),
		},
		kill: func() { server.Close() },
		kept: keptByAct(dir),
	}
}
