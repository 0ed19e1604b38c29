package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// twirp is the front of GitHub's cache service v2: the three calls, answered
// with signed URLs of blobs in azurite. It does what is known of GitHub's and is
// strict where clients could be sloppy. There is one scope.
type twirp struct {
	azurite   *azurite
	container string
	base      string // of the URLs that clients get

	mu      sync.Mutex
	entries []*twirpEntry // in the order in which they were reserved
	stale   int           // so many more URLs are given out that have run out already
}

type twirpEntry struct {
	key, version string
	size         int64
	finished     int // counts upwards; 0 while it is being written
}

func (e *twirpEntry) blob(s *twirp) string {
	return fmt.Sprintf("entry-%d", slices.Index(s.entries, e))
}

// startTwirp is GitHub's cache service v2.
func startTwirp(t *testing.T, alone bool) *counterpart {
	t.Helper()
	needNPM(t)
	get := sharedAzurite
	if alone {
		get = newAzurite(t.Cleanup)
	}
	a, err := get()
	if err != nil {
		t.Fatal(err)
	}
	s := &twirp{azurite: a}
	if s.container, err = a.newContainer(); err != nil {
		t.Fatal(err)
	}
	transport := new(http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	mux := http.NewServeMux()
	mux.Handle("/", passOn(a.url, transport))
	for name, call := range map[string]func(twirpRequest, int) (any, *twirpError){
		"GetCacheEntryDownloadURL": s.find,
		"CreateCacheEntry":         s.create,
		"FinalizeCacheEntryUpload": s.finish,
	} {
		mux.HandleFunc("POST /twirp/github.actions.results.api.v1.CacheService/"+name, s.handler(call))
	}
	front := mirrortest.Start(t, mirrortest.Options{Handler: mux})
	s.base = front.URL
	c := &counterpart{
		Server: front,
		cache:  "gha:v2",
		env: map[string]string{
			"GITHUB_SERVER_URL":        "https://github.com",
			"ACTIONS_CACHE_SERVICE_V2": "True",
			"ACTIONS_RESULTS_URL":      front.URL + "/some/base/path/", // only the origin counts
			"ACTIONS_RUNTIME_TOKEN":    token(canRead | canWrite),
		},
		kept:   keptInAzurite{s},
		expire: s.expire,
	}
	if alone {
		c.kill = a.kill
	}
	return c
}

// expire gives out n signed URLs that have run out already.
func (s *twirp) expire(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stale = n
}

// url is a signed URL of an entry's blob; s.mu is held.
func (s *twirp) url(e *twirpEntry, permissions string) string {
	until := time.Now().Add(10 * time.Minute)
	if s.stale > 0 {
		s.stale--
		until = time.Now().Add(-time.Minute)
	}
	return s.base + s.azurite.signedPath(s.container, e.blob(s), permissions, until)
}

// twirpRequest has the fields of all three requests.
type twirpRequest struct {
	Key         string   `json:"key"`
	RestoreKeys []string `json:"restore_keys"`
	Version     string   `json:"version"`
	SizeBytes   string   `json:"size_bytes"`
}

// twirpError is an error as Twirp says it.
type twirpError struct {
	status int
	Code   string `json:"code"`
	Msg    string `json:"msg"`
}

var hexVersion = regexp.MustCompile(`^[0-9a-f]{64}$`)

// handler serves one of the calls.
func (s *twirp) handler(call func(twirpRequest, int) (any, *twirpError)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		var answer any
		var failed *twirpError
		q, err := decodeTwirp(r)
		bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		switch permission := permissionOf(bearer); {
		case !ok || permission == 0:
			failed = &twirpError{http.StatusUnauthorized, "unauthenticated", "no token of a job"}
		case err != nil:
			failed = &twirpError{http.StatusBadRequest, "invalid_argument", err.Error()}
		default:
			s.mu.Lock()
			defer s.mu.Unlock()
			answer, failed = call(q, permission)
		}
		if failed != nil {
			w.WriteHeader(failed.status)
			answer = failed
		}
		json.NewEncoder(w).Encode(answer)
	}
}

// decodeTwirp reads a request and holds it to the limits of GitHub's service.
func decodeTwirp(r *http.Request) (q twirpRequest, err error) {
	if t := r.Header.Get("Content-Type"); !strings.HasPrefix(t, "application/json") {
		return q, fmt.Errorf("content type %q", t)
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		return q, err
	}
	keys := append([]string{q.Key}, q.RestoreKeys...)
	for _, key := range keys {
		if key == "" || len(key) > 512 || strings.Contains(key, ",") {
			return q, fmt.Errorf("key %q", key)
		}
	}
	if len(keys) > 10 {
		return q, fmt.Errorf("%d keys", len(keys))
	}
	if !hexVersion.MatchString(q.Version) {
		return q, fmt.Errorf("version %q", q.Version)
	}
	return q, nil
}

func (s *twirp) find(q twirpRequest, permission int) (any, *twirpError) {
	if permission&canRead == 0 {
		return nil, &twirpError{http.StatusForbidden, "permission_denied", "cache read denied: the token has no readable scopes"}
	}
	for _, key := range append([]string{q.Key}, q.RestoreKeys...) {
		found := s.newest(q.Version, func(k string) bool { return strings.EqualFold(k, key) })
		if found == nil {
			found = s.newest(q.Version, func(k string) bool { return strings.HasPrefix(strings.ToLower(k), strings.ToLower(key)) })
		}
		if found != nil {
			return map[string]any{"ok": true, "signed_download_url": s.url(found, "r"), "matched_key": found.key}, nil
		}
	}
	return map[string]any{"ok": false, "signed_download_url": "", "matched_key": ""}, nil
}

// newest is the entry finished last whose key is right, or nil.
func (s *twirp) newest(version string, right func(key string) bool) (found *twirpEntry) {
	for _, e := range s.entries {
		if e.finished > 0 && e.version == version && right(e.key) && (found == nil || e.finished > found.finished) {
			found = e
		}
	}
	return found
}

// reserved is the entry with exactly this key, finished or not, or nil.
func (s *twirp) reserved(q twirpRequest) *twirpEntry {
	i := slices.IndexFunc(s.entries, func(e *twirpEntry) bool {
		return e.version == q.Version && strings.EqualFold(e.key, q.Key)
	})
	if i < 0 {
		return nil
	}
	return s.entries[i]
}

func (s *twirp) create(q twirpRequest, permission int) (any, *twirpError) {
	if permission&canWrite == 0 {
		return map[string]any{"ok": false, "signed_upload_url": "", "message": "cache write denied: the token is read-only"}, nil
	}
	if s.reserved(q) != nil {
		return nil, &twirpError{http.StatusConflict, "already_exists", "cache entry with the same key, version, and scope already exists"}
	}
	e := &twirpEntry{key: q.Key, version: q.Version}
	s.entries = append(s.entries, e)
	return map[string]any{"ok": true, "signed_upload_url": s.url(e, "cw"), "message": ""}, nil
}

func (s *twirp) finish(q twirpRequest, _ int) (any, *twirpError) {
	e := s.reserved(q)
	if e == nil || e.finished > 0 {
		return nil, &twirpError{http.StatusNotFound, "not_found", "no reserved cache entry"}
	}
	size, err := strconv.ParseInt(q.SizeBytes, 10, 64)
	if err != nil {
		return nil, &twirpError{http.StatusBadRequest, "invalid_argument", err.Error()}
	}
	there := s.azurite.url.String() + s.azurite.signedPath(s.container, e.blob(s), "r", time.Now().Add(time.Minute))
	resp, err := http.Head(there)
	if err != nil {
		return nil, &twirpError{http.StatusServiceUnavailable, "unavailable", err.Error()}
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.ContentLength != size {
		return map[string]any{"ok": false, "entry_id": "0", "message": fmt.Sprintf("the blob says %s with %d bytes, the request %d bytes", resp.Status, resp.ContentLength, size)}, nil
	}
	e.size = size
	for _, other := range s.entries {
		e.finished = max(e.finished, other.finished+1)
	}
	return map[string]any{"ok": true, "entry_id": strconv.Itoa(slices.Index(s.entries, e) + 1), "message": ""}, nil
}
