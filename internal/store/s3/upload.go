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
	"sync"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/store"
)

// firstBuffer is enough for an index; what needs more gets a whole part.
const firstBuffer = 64 << 10

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
	u := newUpload(ctx, s, name)
	defer u.close()
	if err := write(u); err != nil {
		return err
	}
	return u.commit()
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

// upload is the writer of one entry. It is not minio-go's PutObject, whose uploads
// in parts drop "If-None-Match: *" from the request that completes them
// (completeUploadOpts): of two writers the last would replace the entry. Its
// methods are called from one goroutine.
type upload struct {
	s      *Store
	name   string
	ctx    context.Context
	cancel context.CancelCauseFunc

	buf  []byte      // the part that is being filled
	free chan []byte // what the parts under way leave behind; nil: not made yet
	size int64

	id    string // of the multipart upload, "" before there is one
	done  bool   // completed: nothing to remove
	under sync.WaitGroup

	mu    sync.Mutex
	parts []minio.CompletePart // in order
	err   error                // the first that failed
}

func newUpload(ctx context.Context, s *Store, name string) *upload {
	u := &upload{s: s, name: name, free: make(chan []byte, s.o.Parallel)}
	u.ctx, u.cancel = context.WithCancelCause(ctx)
	for range s.o.Parallel - 1 { // one is being filled
		u.free <- nil
	}
	return u
}

// Write takes the bytes of the entry. A part that is full leaves when more
// comes, so that an object of exactly one part needs no multipart upload.
func (u *upload) Write(p []byte) (int, error) {
	written := 0
	for len(p) > 0 {
		if len(u.buf) == int(u.s.o.PartSize) {
			if err := u.send(); err != nil {
				return written, err
			}
		}
		n := min(len(p), int(u.s.o.PartSize)-len(u.buf))
		u.grow(len(u.buf) + n)
		u.buf = append(u.buf, p[:n]...)
		p = p[n:]
		written += n
		u.size += int64(n)
	}
	return written, u.failure()
}

// grow makes room for n bytes in at most two steps.
func (u *upload) grow(n int) {
	if n <= cap(u.buf) {
		return
	}
	size := int(u.s.o.PartSize)
	if n <= firstBuffer {
		size = min(size, firstBuffer)
	}
	u.buf = append(make([]byte, 0, size), u.buf...)
}

// send starts the upload of the part in buf and takes the next free buffer,
// waiting for one if need be.
func (u *upload) send() error {
	if err := u.start(); err != nil {
		return err
	}
	u.mu.Lock()
	number := len(u.parts) + 1
	u.parts = append(u.parts, minio.CompletePart{PartNumber: number})
	u.mu.Unlock()
	if number > maxParts {
		return &failure.Error{Class: failure.TooLarge, Op: writing.op, URL: failure.Plain(u.s.at.url(u.name)),
			Detail: fmt.Sprintf("more than %d parts of %d bytes", maxParts, u.s.o.PartSize)}
	}
	buf := u.buf
	u.under.Go(func() {
		if err := u.sendPart(number, buf); err != nil {
			u.fail(err)
			return
		}
		u.free <- buf[:0]
	})
	select {
	case u.buf = <-u.free:
		return u.failure()
	case <-u.ctx.Done():
	}
	if err := u.failure(); err != nil {
		return err
	}
	return u.cancelled()
}

// start begins the multipart upload.
func (u *upload) start() error {
	if u.id != "" {
		return u.failure()
	}
	return u.s.call(u.ctx, writing, u.name, false, func(ctx context.Context) (err error) {
		u.id, err = u.s.core.NewMultipartUpload(ctx, u.s.at.bucket, u.s.key(u.name), minio.PutObjectOptions{})
		return err
	})
}

func (u *upload) sendPart(number int, data []byte) error {
	return u.s.call(u.ctx, writing, u.name, false, func(ctx context.Context) error {
		part, err := u.s.core.PutObjectPart(ctx, u.s.at.bucket, u.s.key(u.name), u.id, number, bytes.NewReader(data), int64(len(data)),
			minio.PutObjectPartOptions{Sha256Hex: u.s.sum(data), DisableContentSha256: true})
		u.mu.Lock()
		defer u.mu.Unlock()
		u.parts[number-1].ETag = part.ETag
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

// commit makes the entry visible, in one request, unless somebody else was
// faster.
func (u *upload) commit() error {
	if u.id == "" {
		return u.conditionally(func(ctx context.Context, o minio.PutObjectOptions) error {
			o.DisableContentSha256 = true
			_, err := u.s.core.PutObject(ctx, u.s.at.bucket, u.s.key(u.name), bytes.NewReader(u.buf), u.size, "", u.s.sum(u.buf), o)
			return err
		})
	}
	if len(u.buf) > 0 {
		if err := u.send(); err != nil {
			return err
		}
	}
	u.under.Wait()
	if err := u.failure(); err != nil {
		return err
	}
	err := u.conditionally(func(ctx context.Context, o minio.PutObjectOptions) error {
		_, err := u.s.core.CompleteMultipartUpload(ctx, u.s.at.bucket, u.s.key(u.name), u.id, u.parts, o)
		if code, _ := code(err); code == minio.NoSuchUpload {
			// It was completed by a request whose answer got lost.
			if info, statErr := u.s.core.StatObject(ctx, u.s.at.bucket, u.s.key(u.name), minio.StatObjectOptions{}); statErr == nil && info.Size == u.size {
				return nil
			}
		}
		return err
	})
	u.done = err == nil
	return err
}

// conditionally runs the request that makes the entry visible under the
// condition that there is none, or, when the server does not know the
// condition, looks right before.
func (u *upload) conditionally(put func(context.Context, minio.PutObjectOptions) error) error {
	if !u.s.unconditional.Load() {
		var unknown bool
		err := u.s.call(u.ctx, writing, u.name, true, func(ctx context.Context) error {
			var o minio.PutObjectOptions
			o.SetMatchETagExcept("*")
			err := put(ctx, o)
			code, status := code(err)
			unknown = code == minio.NotImplemented || status == http.StatusNotImplemented
			return err
		})
		if !unknown {
			return err
		}
		u.s.unconditional.Store(true)
	}
	if err := u.s.vacant(u.ctx, u.name); err != nil {
		return err
	}
	return u.s.call(u.ctx, writing, u.name, true, func(ctx context.Context) error {
		return put(ctx, minio.PutObjectOptions{})
	})
}

// close waits for everything under way and removes what was not completed, also
// when the caller's context has ended.
func (u *upload) close() {
	u.cancel(nil)
	u.under.Wait()
	if u.id == "" || u.done {
		return
	}
	// What can't be removed now is the business of the bucket's lifecycle rule.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(u.ctx), 30*time.Second)
	defer cancel()
	_ = u.s.call(ctx, writing, u.name, false, func(ctx context.Context) error {
		return u.s.core.AbortMultipartUpload(ctx, u.s.at.bucket, u.s.key(u.name), u.id)
	})
}

// fail ends the upload with the first error.
func (u *upload) fail(err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.err == nil {
		u.err = err
		u.cancel(err)
	}
}

func (u *upload) failure() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.err
}

// cancelled is the caller's end of the upload.
func (u *upload) cancelled() error {
	cause := context.Cause(u.ctx)
	return failure.New(failure.Classify(cause), writing.op, u.s.at.url(u.name), cause)
}
