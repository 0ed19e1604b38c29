package s3_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/modferry/modferry/internal/store"
	"github.com/modferry/modferry/internal/store/s3"
)

// bucketOf serves one object, each connection no faster than rate bytes a second
// (0: as fast as it goes) after a wait for the first byte: object stores give a
// connection a share of what a machine could take.
func bucketOf(b *testing.B, object []byte, wait time.Duration, rate int) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(wait)
		w.Header().Set("ETag", `"the-object"`)
		if rate > 0 {
			w = &throttled{w, rate, time.Now(), 0}
		}
		http.ServeContent(w, r, "", time.Unix(1_700_000_000, 0), bytes.NewReader(object))
	}))
	b.Cleanup(s.Close)
	return s.URL
}

type throttled struct {
	http.ResponseWriter
	rate  int
	began time.Time
	sent  int
}

func (t *throttled) Write(p []byte) (int, error) {
	n, err := t.ResponseWriter.Write(p)
	t.sent += n
	time.Sleep(time.Until(t.began.Add(time.Duration(float64(t.sent) / float64(t.rate) * float64(time.Second)))))
	return n, err
}

// BenchmarkDownload compares our ranged download with those of minio-go: one
// response, and ranges side by side.
func BenchmarkDownload(b *testing.B) {
	object := make([]byte, 64<<20)
	for _, line := range []struct {
		name string
		wait time.Duration
		rate int
	}{{"loopback", 0, 0}, {"20ms,80MBps", 20 * time.Millisecond, 80e6}} {
		address := bucketOf(b, object, line.wait, line.rate)
		measure := func(name string, open func() (io.ReadCloser, error)) {
			b.Run(fmt.Sprintf("%s/%s", line.name, name), func(b *testing.B) {
				b.SetBytes(int64(len(object)))
				b.ReportAllocs()
				for b.Loop() {
					r, err := open()
					if err != nil {
						b.Fatal(err)
					}
					if n, err := io.Copy(io.Discard, r); err != nil || n != int64(len(object)) {
						b.Fatalf("%d bytes, %v", n, err)
					}
					r.Close()
				}
			})
		}
		transport := &http.Transport{MaxIdleConnsPerHost: 4}
		b.Cleanup(transport.CloseIdleConnections)
		ours, err := s3.Open(s3.Options{
			Transport: transport,
			Spec:      store.Spec{Kind: store.S3, Bucket: testBucket, Endpoint: address},
			Getenv: func(name string) string {
				return map[string]string{"AWS_ACCESS_KEY_ID": testKey, "AWS_SECRET_ACCESS_KEY": testSecret}[name]
			},
		})
		if err != nil {
			b.Fatal(err)
		}
		library, err := minio.New(strings.TrimPrefix(address, "http://"), &minio.Options{
			Creds: credentials.NewStaticV4(testKey, testSecret, ""), Region: "us-east-1", BucketLookup: minio.BucketLookupPath,
		})
		if err != nil {
			b.Fatal(err)
		}
		measure("ranged", func() (io.ReadCloser, error) {
			return ours.Open(b.Context(), store.Entry{Name: "a", Size: int64(len(object))})
		})
		for name, o := range map[string]minio.GetObjectOptions{
			"GetObject":          {},
			"GetObject_parallel": {ParallelWorkers: 4, ParallelChunkSize: 8 << 20}, // it takes 16 MiB for less
		} {
			measure(name, func() (io.ReadCloser, error) { return library.GetObject(b.Context(), testBucket, "a", o) })
		}
	}
}
