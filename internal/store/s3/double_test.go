package s3_test

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/modferry/modferry/internal/store"
	"github.com/modferry/modferry/internal/store/s3"
)

// The variables that minio-go reads from the process itself would let a
// developer's own credentials into the tests; and its pauses between two tries
// are for real servers.
func TestMain(m *testing.M) {
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "AWS_") || strings.HasPrefix(name, "MINIO_") {
			os.Unsetenv(name)
		}
	}
	minio.DefaultRetryUnit, minio.DefaultRetryCap = time.Millisecond, time.Millisecond
	os.Exit(m.Run())
}

// Credentials that the double takes.
const (
	testKey    = "test-access-key"
	testSecret = "test-secret-never-to-be-shown"
	testBucket = "cache-bucket"
	testPrefix = "modules/go/"
)

// double is an S3 server on loopback: one bucket, path style, objects in
// memory, faults on demand. It holds clients to the rules that real servers
// hold them to.
type double struct {
	*httptest.Server
	t *testing.T

	region      string
	page        int  // most keys of a list
	minPart     int  // least bytes of a part that is not the last
	public      bool // reading needs no signature
	noCondition int  // status for a conditional write, 0: known
	noRange     bool // the whole object whatever is asked
	// fault may answer a request in the double's place. It is called with the
	// requests of this kind so far (see kindOf), from 1.
	fault func(kind string, n int, w http.ResponseWriter, r *http.Request) bool
	// stored is called right before an object becomes visible, unlocked.
	stored func(key string)
	over   chan struct{}

	mu       sync.Mutex
	now      time.Time
	objects  map[string]object
	uploads  map[string]*multipart
	requests []string // kinds
	kinds    map[string]int
}

type object struct {
	data  []byte
	etag  string
	mtime time.Time
}

type multipart struct {
	key   string
	parts map[int][]byte
}

func newDouble(t *testing.T) *double {
	t.Helper()
	d := &double{t: t, region: "us-east-1", page: 1000, minPart: 1, objects: map[string]object{}, uploads: map[string]*multipart{},
		now: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC), kinds: map[string]int{}, over: make(chan struct{})}
	d.Server = httptest.NewServer(d)
	t.Cleanup(func() {
		close(d.over)
		d.Close()
	})
	return d
}

// hang does not answer, until the client goes away or the test ends.
func (d *double) hang(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-d.over: // an unread body hides that the client went away
	}
}

// open makes a store on the double.
func (d *double) open(t *testing.T, change ...func(*s3.Options)) *s3.Store {
	t.Helper()
	o := s3.Options{
		Spec: store.Spec{Kind: store.S3, Bucket: testBucket, Prefix: testPrefix, Endpoint: d.URL},
		Getenv: func(name string) string {
			return map[string]string{"AWS_ACCESS_KEY_ID": testKey, "AWS_SECRET_ACCESS_KEY": testSecret}[name]
		},
		PartSize: 64 << 10, Segment: 32 << 10,
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
	for _, f := range change {
		f(&o)
	}
	transport, ok := o.Transport.(*http.Transport)
	if o.Transport == nil {
		transport, ok = http.DefaultTransport.(*http.Transport).Clone(), true
		o.Transport = transport
	}
	if ok {
		t.Cleanup(transport.CloseIdleConnections)
	}
	s, err := s3.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// put stores an object behind the client's back, a second later than the last.
func (d *double) put(name, data string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.store(testPrefix+name, []byte(data))
}

// store is called with the lock held.
func (d *double) store(key string, data []byte) {
	d.now = d.now.Add(time.Second)
	sum := md5.Sum(data)
	d.objects[key] = object{data, hex.EncodeToString(sum[:]), d.now}
}

// names returns the keys of all objects.
func (d *double) names() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Sorted(maps.Keys(d.objects))
}

func (d *double) data(name string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return string(d.objects[testPrefix+name].data)
}

// open multipart uploads.
func (d *double) leftovers() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.uploads)
}

// count returns how many requests of a kind there were.
func (d *double) count(kind string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for _, k := range d.requests {
		if k == kind {
			n++
		}
	}
	return n
}

// kindOf names what a request wants.
func kindOf(r *http.Request) string {
	q := r.URL.Query()
	switch {
	case r.Method == "GET" && q.Has("list-type"):
		return "list"
	case r.Method == "GET":
		return "get"
	case r.Method == "HEAD":
		return "head"
	case r.Method == "PUT" && q.Has("uploadId"):
		return "part"
	case r.Method == "PUT":
		return "put"
	case r.Method == "POST" && q.Has("uploads"):
		return "begin"
	case r.Method == "POST" && q.Has("uploadId"):
		return "complete"
	case r.Method == "DELETE" && q.Has("uploadId"):
		return "abort"
	case r.Method == "DELETE":
		return "delete"
	}
	return r.Method + " " + r.URL.String()
}

// deny answers with an error as S3 does.
func deny(w http.ResponseWriter, status int, code string, more ...string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>the double says %s</Message>%s</Error>", code, code, strings.Join(more, ""))
}

func (d *double) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind := kindOf(r)
	d.mu.Lock()
	d.requests = append(d.requests, kind)
	d.kinds[kind]++
	n := d.kinds[kind]
	d.mu.Unlock()
	if d.fault != nil && d.fault(kind, n, w, r) {
		return
	}
	if !d.signed(w, r, kind) {
		return
	}
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if bucket != testBucket {
		deny(w, 404, "NoSuchBucket")
		return
	}
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return // the client went away
		}
	}
	if sum := r.Header.Get("X-Amz-Content-Sha256"); len(sum) == 64 {
		if real := sha256.Sum256(body); hex.EncodeToString(real[:]) != sum {
			deny(w, 400, "XAmzContentSHA256Mismatch")
			return
		}
	} else if len(body) > 0 && (sum != "UNSIGNED-PAYLOAD" || r.TLS == nil) {
		d.t.Errorf("%s: the payload is covered by %q, expected its hash", kind, sum)
	}
	switch kind {
	case "list":
		d.list(w, r.URL.Query())
	case "get", "head":
		d.get(w, r, key)
	case "put":
		if d.conditional(w, r, key) {
			return
		}
		d.visible(w, key, body, "")
	case "delete":
		d.mu.Lock()
		delete(d.objects, key)
		d.mu.Unlock()
		w.WriteHeader(204)
	case "begin":
		if r.Header.Get("If-None-Match") != "" {
			d.t.Error("begin: Amazon knows no condition here")
		}
		d.mu.Lock()
		id := fmt.Sprintf("upload-%d", len(d.requests))
		d.uploads[id] = &multipart{key, map[int][]byte{}}
		d.mu.Unlock()
		fmt.Fprintf(w, "<InitiateMultipartUploadResult><Bucket>%s</Bucket><Key>%s</Key><UploadId>%s</UploadId></InitiateMultipartUploadResult>", bucket, key, id)
	case "part":
		d.part(w, r.URL.Query(), body)
	case "complete":
		d.complete(w, r, key, body)
	case "abort":
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.uploads[r.URL.Query().Get("uploadId")] == nil {
			deny(w, 404, "NoSuchUpload")
			return
		}
		delete(d.uploads, r.URL.Query().Get("uploadId"))
		w.WriteHeader(204)
	default:
		d.t.Errorf("unexpected request %s", kind)
		w.WriteHeader(500)
	}
}
