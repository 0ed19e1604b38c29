package s3_test

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strconv"
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

// signed checks what can be checked of a signature without making it again.
func (d *double) signed(w http.ResponseWriter, r *http.Request, kind string) bool {
	auth := r.Header.Get("Authorization")
	if auth == "" {
		if d.public && (kind == "get" || kind == "head") {
			return true
		}
		deny(w, 403, "AccessDenied")
		return false
	}
	scope, ok := strings.CutPrefix(auth, "AWS4-HMAC-SHA256 Credential=")
	fields := strings.Split(strings.SplitN(scope, ",", 2)[0], "/")
	if !ok || len(fields) != 5 || !strings.Contains(auth, "Signature=") || !strings.Contains(auth, "x-amz-date") {
		d.t.Errorf("%s: Authorization %q is no signature of version 4", kind, auth)
	}
	switch {
	case fields[0] != testKey:
		deny(w, 403, "InvalidAccessKeyId")
	case fields[2] != d.region:
		deny(w, 400, "AuthorizationHeaderMalformed", "<Region>"+d.region+"</Region>")
	default:
		return true
	}
	return false
}

// conditional reports whether it has refused a write.
func (d *double) conditional(w http.ResponseWriter, r *http.Request, key string) bool {
	switch r.Header.Get("If-None-Match") {
	case "":
		if d.noCondition == 0 {
			d.t.Errorf("%s of %s without a condition", kindOf(r), key)
		}
		return false
	case "*":
	default:
		d.t.Errorf("If-None-Match: %q", r.Header.Get("If-None-Match"))
	}
	if d.noCondition != 0 {
		deny(w, d.noCondition, "NotImplemented")
		return true
	}
	d.mu.Lock()
	_, taken := d.objects[key]
	d.mu.Unlock()
	if taken {
		deny(w, 412, "PreconditionFailed")
	}
	return taken
}

// visible stores an object and forgets the upload that it came from.
func (d *double) visible(w http.ResponseWriter, key string, data []byte, upload string) {
	if d.stored != nil {
		d.stored(key)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.uploads, upload)
	d.store(key, data)
	w.Header().Set("ETag", `"`+d.objects[key].etag+`"`)
	if upload != "" {
		fmt.Fprintf(w, "<CompleteMultipartUploadResult><Bucket>%s</Bucket><Key>%s</Key></CompleteMultipartUploadResult>", testBucket, key)
	}
}

func (d *double) part(w http.ResponseWriter, q url.Values, body []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	u := d.uploads[q.Get("uploadId")]
	number, err := strconv.Atoi(q.Get("partNumber"))
	if u == nil || err != nil {
		deny(w, 404, "NoSuchUpload")
		return
	}
	u.parts[number] = body
	w.Header().Set("ETag", fmt.Sprintf(`"part-%d-%d"`, number, len(body)))
}

func (d *double) complete(w http.ResponseWriter, r *http.Request, key string, body []byte) {
	id := r.URL.Query().Get("uploadId")
	d.mu.Lock()
	u := d.uploads[id]
	d.mu.Unlock()
	if u == nil {
		deny(w, 404, "NoSuchUpload")
		return
	}
	if d.conditional(w, r, key) {
		return
	}
	var list struct {
		Part []struct {
			PartNumber int
			ETag       string
		}
	}
	if err := xml.Unmarshal(body, &list); err != nil {
		d.t.Error(err)
	}
	var data []byte
	for i, p := range list.Part {
		part, ok := u.parts[p.PartNumber]
		if !ok || p.PartNumber != i+1 || p.ETag != fmt.Sprintf("part-%d-%d", p.PartNumber, len(part)) {
			deny(w, 400, "InvalidPart")
			return
		}
		if i+1 < len(list.Part) && len(part) < d.minPart {
			deny(w, 400, "EntityTooSmall")
			return
		}
		data = append(data, part...)
	}
	d.visible(w, key, data, id)
}

func (d *double) get(w http.ResponseWriter, r *http.Request, key string) {
	d.mu.Lock()
	o, ok := d.objects[key]
	d.mu.Unlock()
	if !ok {
		deny(w, 404, "NoSuchKey")
		return
	}
	if match := r.Header.Get("If-Match"); match != "" && match != `"`+o.etag+`"` {
		deny(w, 412, "PreconditionFailed")
		return
	}
	w.Header().Set("ETag", `"`+o.etag+`"`)
	w.Header().Set("Last-Modified", o.mtime.Format(http.TimeFormat))
	data := o.data
	if text := r.Header.Get("Range"); text != "" && !d.noRange {
		var from, to int
		if _, err := fmt.Sscanf(text, "bytes=%d-%d", &from, &to); err != nil {
			d.t.Errorf("Range %q", text)
		}
		if from >= len(data) {
			deny(w, 416, "InvalidRange")
			return
		}
		to = min(to, len(data)-1)
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to, len(data)))
		w.Header().Set("Content-Length", strconv.Itoa(to+1-from))
		w.WriteHeader(206)
		w.Write(data[from : to+1])
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	if r.Method == "GET" {
		w.Write(data)
	}
}

// list answers ListObjectsV2 with the delimiter "/".
func (d *double) list(w http.ResponseWriter, q url.Values) {
	prefix, after := q.Get("prefix"), q.Get("continuation-token")
	if q.Get("delimiter") != "/" {
		d.t.Errorf("list with delimiter %q looks below other prefixes", q.Get("delimiter"))
	}
	page := d.page
	if n, err := strconv.Atoi(q.Get("max-keys")); err == nil {
		page = min(page, n)
	}
	var b strings.Builder
	n, last, folder := 0, "", ""
	for _, key := range d.names() {
		rest, ok := strings.CutPrefix(key, prefix)
		if !ok || key <= after {
			continue
		}
		if n == page {
			fmt.Fprintf(&b, "<IsTruncated>true</IsTruncated><NextContinuationToken>%s</NextContinuationToken>", last)
			break
		}
		if dir, _, below := strings.Cut(rest, "/"); below {
			if dir != folder {
				folder = dir
				fmt.Fprintf(&b, "<CommonPrefixes><Prefix>%s%s/</Prefix></CommonPrefixes>", prefix, dir)
			}
			continue
		}
		d.mu.Lock()
		o := d.objects[key]
		d.mu.Unlock()
		fmt.Fprintf(&b, "<Contents><Key>%s</Key><Size>%d</Size><ETag>&quot;%s&quot;</ETag><LastModified>%s</LastModified></Contents>",
			url.QueryEscape(key), len(o.data), o.etag, o.mtime.Format("2006-01-02T15:04:05.000Z"))
		n, last = n+1, key
	}
	fmt.Fprintf(w, "<ListBucketResult><EncodingType>url</EncodingType>%s</ListBucketResult>", b.String())
}
