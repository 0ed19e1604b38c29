package s3

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/store"
	"github.com/modferry/modferry/internal/store/ranged"
)

// Create stores what write writes as the entry name. write is called at most
// once, in the caller's goroutine, and what it writes goes to the server while
// it runs, in parts of Options.PartSize, of which Options.Parallel are in
// memory; what fits into one part is sent as one object afterwards. Nothing is
// visible before all of it is there, and when anything fails, or ctx ends, the
// parts are removed.
//
// The error wraps store.ErrExists when there is such an entry (mostly found out
// before write is called), and store.ErrDenied when the credentials do not
// allow it or there are none. When write fails, its error is returned.
//
// A request whose answer got lost is sent again, and then finds what it left
// itself: that too is store.ErrExists, and as good.
func (s *Store) Create(ctx context.Context, name string, write func(w io.Writer) error) error {
	if err := s.vacant(ctx, name); err != nil {
		return err
	}
	u := &upload{s: s, name: name, parts: map[int]string{}}
	w := ranged.NewWriter(ctx, ranged.WriterOptions{
		Block: int(s.o.PartSize), Lanes: max(s.o.Parallel-1, 1), // one is being filled
		Begin: u.start, Send: u.send,
		Fail: func(cause error) error {
			return failure.New(failure.Classify(cause), writing.op, s.at.url(name), cause)
		},
	})
	defer u.abandon(ctx)
	defer w.Close()
	if err := write(w); err != nil {
		return w.Failed(err)
	}
	whole, parts, size, err := w.Finish()
	switch {
	case err != nil:
		return err
	case parts == 0:
		return u.putWhole(ctx, whole)
	}
	return u.complete(ctx, parts, size)
}

// vacant is nil when the name may be written: looking first is cheap, packing a
// layer in vain is not.
func (s *Store) vacant(ctx context.Context, name string) error {
	_, err := s.exact(ctx, name)
	switch {
	case err == nil:
		return fmt.Errorf("%s: %w", s.at.url(name), store.ErrExists)
	case errors.Is(err, store.ErrNotFound):
	case errors.Is(err, store.ErrDenied): // may write nevertheless, if it is somebody
	default:
		return err
	}
	return s.needCredentials(ctx, writing, name)
}

// upload is one entry on its way. It is not minio-go's PutObject, whose uploads
// in parts drop "If-None-Match: *" from the request that completes them
// (completeUploadOpts): of two writers the last would replace the entry.
type upload struct {
	s    *Store
	name string
	id   string // of the multipart upload, "" where there is none to remove

	mu    sync.Mutex
	parts map[int]string // ETags by the number of the part
}

func (u *upload) start(ctx context.Context) error {
	return u.s.call(ctx, writing, u.name, false, func(ctx context.Context) (err error) {
		u.id, err = u.s.core.NewMultipartUpload(ctx, u.s.at.bucket, u.s.key(u.name), minio.PutObjectOptions{})
		return err
	})
}

func (u *upload) send(ctx context.Context, index int, _ int64, data []byte) (free bool, err error) {
	if index == maxParts {
		return false, &failure.Error{Class: failure.TooLarge, Op: writing.op, URL: failure.Plain(u.s.at.url(u.name)),
			Detail: fmt.Sprintf("more than %d parts of %d bytes", maxParts, u.s.o.PartSize)}
	}
	return true, u.s.call(ctx, writing, u.name, false, func(ctx context.Context) error {
		part, err := u.s.core.PutObjectPart(ctx, u.s.at.bucket, u.s.key(u.name), u.id, index+1, bytes.NewReader(data), int64(len(data)),
			minio.PutObjectPartOptions{Sha256Hex: u.s.sum(data), DisableContentSha256: true})
		u.mu.Lock()
		defer u.mu.Unlock()
		u.parts[index+1] = part.ETag
		return err
	})
}

// sum is the hash that the signature covers: over TLS none is needed; without,
// it keeps the bytes from being changed on the way. The chunked signatures that
// minio-go would use instead are not understood everywhere (OSS refuses them).
func (s *Store) sum(data []byte) string {
	if s.at.secure {
		return ""
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// putWhole makes an entry of one part visible.
func (u *upload) putWhole(ctx context.Context, data []byte) error {
	return u.conditionally(ctx, func(ctx context.Context, o minio.PutObjectOptions) error {
		o.DisableContentSha256 = true
		_, err := u.s.core.PutObject(ctx, u.s.at.bucket, u.s.key(u.name), bytes.NewReader(data), int64(len(data)), "", u.s.sum(data), o)
		return err
	})
}

// complete makes an entry of several parts visible.
func (u *upload) complete(ctx context.Context, parts int, size int64) error {
	var list []minio.CompletePart
	for n := 1; n <= parts; n++ {
		list = append(list, minio.CompletePart{PartNumber: n, ETag: u.parts[n]})
	}
	err := u.conditionally(ctx, func(ctx context.Context, o minio.PutObjectOptions) error {
		_, err := u.s.core.CompleteMultipartUpload(ctx, u.s.at.bucket, u.s.key(u.name), u.id, list, o)
		if code, _ := code(err); code == minio.NoSuchUpload {
			// It was completed by a request whose answer got lost.
			if info, statErr := u.s.core.StatObject(ctx, u.s.at.bucket, u.s.key(u.name), minio.StatObjectOptions{}); statErr == nil && info.Size == size {
				return nil
			}
		}
		return err
	})
	if err == nil {
		u.id = ""
	}
	return err
}

// conditionally runs the request that makes the entry visible under the
// condition that there is none, or, when the server does not know the
// condition, looks right before.
//
// 409 says that another request for the name was under way, not that it
// succeeded; S3 wants the refused one sent again
// (docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html).
func (u *upload) conditionally(ctx context.Context, put func(context.Context, minio.PutObjectOptions) error) error {
	var refusal error
	for n := 0; !u.s.unconditional.Load(); n++ {
		var answer string
		var status int
		err := u.s.call(ctx, writing, u.name, true, func(ctx context.Context) error {
			var o minio.PutObjectOptions
			o.SetMatchETagExcept("*")
			err := put(ctx, o)
			answer, status = code(err)
			return err
		})
		switch {
		case answer == minio.NotImplemented || status == http.StatusNotImplemented:
			u.s.unconditional.Store(true)
		case answer == minio.NoSuchUpload && refusal != nil:
			return refusal // the server gave up the parts with the request
		case !slices.Contains(conflicts, answer) || n == tries:
			return err
		default:
			refusal = err
			if err := u.s.o.Sleep(ctx, min(100*time.Millisecond<<n, time.Second)); err != nil {
				return err
			}
		}
	}
	if err := u.s.vacant(ctx, u.name); err != nil {
		return err
	}
	return u.s.call(ctx, writing, u.name, true, func(ctx context.Context) error {
		return put(ctx, minio.PutObjectOptions{})
	})
}

// abandon removes what was not completed, also when the caller's context has
// ended. Nothing may be under way.
func (u *upload) abandon(ctx context.Context) {
	if u.id == "" {
		return
	}
	// What can't be removed now is the business of the bucket's lifecycle rule.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	_ = u.s.call(ctx, writing, u.name, false, func(ctx context.Context) error {
		return u.s.core.AbortMultipartUpload(ctx, u.s.at.bucket, u.s.key(u.name), u.id)
	})
}
