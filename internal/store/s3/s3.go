// Package s3 is the store in a bucket of any S3-compatible object store:
// Amazon, MinIO, Cloudflare R2, Alibaba OSS, Ceph and others. It is how a fleet
// of self-hosted runners shares one cache.
//
// An entry is the object PREFIX + name. The main invariant is that of all
// stores, an entry is there whole or not at all, and it is never replaced:
// objects are written with "If-None-Match: *", large ones as a multipart upload
// whose completion carries that condition, so that of two writers one wins and
// the other is told. Servers that do not know the condition (they answer
// NotImplemented) are asked whether the entry is there right before it is
// written; there two writers within that moment may replace each other's entry,
// still whole.
//
// Credentials never leave this package but as signatures: they are in no
// error, and no signed URL is ever made.
package s3

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/modferry/modferry/internal/httpx"
	"github.com/modferry/modferry/internal/secret"
	"github.com/modferry/modferry/internal/store"
)

// Sizes that work well from one runner: four connections of 50 MB/s fill
// 1.6 Gbit/s. Uploads hold defaultParallel parts in memory, downloads as many
// segments.
const (
	defaultPartSize = 16 << 20
	defaultSegment  = 8 << 20
	defaultParallel = 4

	// defaultStall is how long a connection may bring no byte in either
	// direction.
	defaultStall = 30 * time.Second
	// tries is how often minio-go sends a request, with pauses of at most a
	// second in between.
	tries = 5
	// maxParts is the most that a multipart upload may have.
	maxParts = 10_000
)

// Options configure a Store.
type Options struct {
	// Spec says where the entries are. Its Kind is not looked at.
	Spec store.Spec
	// Getenv is the environment: AWS_* and MINIO_* variables. Nil means an
	// empty one.
	Getenv func(string) string
	// Transport sends every request, those for credentials included; nil means
	// http.DefaultTransport. HTTP/1.1 is best: over HTTP/2 all parts share one TCP
	// connection.
	Transport http.RoundTripper
	// UserAgent of every request; "" means "modferry".
	UserAgent string
	// Mask is called with every secret that is found, so that it can be kept out
	// of logs; more than once with the same, and from several goroutines; nil
	// means nobody is.
	Mask func(secret string)
	// Secrets learns what Mask is told, and hides it in the errors; nil means a
	// set of the store's own.
	Secrets *secret.Set
	// Sleep waits before a broken transfer is continued; nil means really. The
	// pauses between the tries of a request are minio-go's own.
	Sleep func(ctx context.Context, d time.Duration) error

	PartSize int64         // bytes of a part of an upload; 0 means 16 MiB; Amazon takes no less than 5 MiB
	Segment  int64         // bytes of a range of a download; 0 means 8 MiB
	Parallel int           // parts or segments in memory per entry, of an upload two at least; 0 means 4
	Stall    time.Duration // without a byte in either direction; 0 means 30 s
}

// Store is a bucket, or the part of it below a prefix. It is safe for
// concurrent use.
type Store struct {
	o     Options
	at    place
	core  *minio.Core
	chain *chain
	creds *credentials.Credentials // of chain, cached until they expire

	// unconditional says that the server does not know "If-None-Match: *".
	unconditional atomic.Bool
}

// Open makes a store. It asks for nothing yet: that the bucket is not there or
// that nobody gave credentials is an error of the first call that needs them.
// Its error is a *store.SpecError.
func Open(o Options) (*Store, error) {
	if o.Getenv == nil {
		o.Getenv = func(string) string { return "" }
	}
	if o.Mask == nil {
		o.Mask = func(string) {}
	}
	if o.Secrets == nil {
		o.Secrets = &secret.Set{}
	}
	o.UserAgent = cmp.Or(o.UserAgent, "modferry")
	o.PartSize = cmp.Or(o.PartSize, defaultPartSize)
	o.Segment = cmp.Or(o.Segment, defaultSegment)
	o.Parallel = cmp.Or(o.Parallel, defaultParallel)
	o.Stall = cmp.Or(o.Stall, defaultStall)
	if o.Sleep == nil {
		o.Sleep = httpx.Sleep
	}
	if o.Transport == nil {
		o.Transport = http.DefaultTransport
	}
	at, err := locate(o.Spec, o.Getenv)
	if err != nil {
		return nil, err
	}
	s := &Store{o: o, at: at}
	s.chain = newChain(o, at)
	s.creds = credentials.New(s.chain)
	s.core, err = minio.NewCore(at.host, &minio.Options{
		Creds:        s.creds,
		Secure:       at.secure,
		Transport:    newWire(o),
		Region:       at.region, // never empty, or minio-go would ask for it first
		BucketLookup: at.lookup,
		MaxRetries:   tries,
	})
	if err != nil {
		return nil, &store.SpecError{
			Found:   o.Spec.String(),
			Problem: "whose endpoint " + at.endpoint() + " is no URL of a host",
			Fix:     "endpoint=https://HOST",
		}
	}
	s.core.SetS3EnableDualstack(at.dualstack)
	s.unconditional.Store(at.unconditional)
	return s, nil
}

func (s *Store) key(name string) string { return s.at.prefix + name }

// code returns the S3 error code and the status that a server answered with, ""
// and 0 when err is no answer.
func code(err error) (string, int) {
	r, _ := errors.AsType[minio.ErrorResponse](err)
	return r.Code, r.StatusCode
}
