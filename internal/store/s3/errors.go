package s3

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/store"
)

// verb is what a call does, for messages and for the permissions it needs.
type verb struct{ op, needs string }

var (
	finding  = verb{"s3 find", "s3:ListBucket on the bucket and s3:GetObject on its objects"}
	reading  = verb{"s3 read", "s3:GetObject"}
	writing  = verb{"s3 write", "s3:PutObject and s3:AbortMultipartUpload"}
	deleting = verb{"s3 delete", "s3:DeleteObject"}
)

// conflicts are the codes of a request that another one for the same name got
// in the way of.
var conflicts = []string{"ConditionalRequestConflict", "OperationAborted", minio.Conflict}

// call runs one exchange with the server, retries included, and makes its error
// one that people can act on. With slow the server may take its time to answer.
func (s *Store) call(ctx context.Context, v verb, name string, slow bool, do func(ctx context.Context) error) error {
	ctx, t, err := s.start(ctx, v, name)
	if err != nil {
		return err
	}
	defer t.end()
	t.slow = slow
	return s.explain(ctx, t, v, name, do(ctx))
}

// start begins a call. The credentials come first, within the caller's context:
// minio-go would fetch them in a goroutine that outlives a cancelled call.
func (s *Store) start(parent context.Context, v verb, name string) (context.Context, *trace, error) {
	ctx, t := begin(parent)
	cc := s.core.CredContext()
	cc.Context = ctx
	if _, err := s.creds.GetWithContext(cc); err != nil {
		err = s.explain(ctx, t, v, name, err)
		t.end()
		return nil, nil, err
	}
	return ctx, t, nil
}

// explain makes of an error of a call: store.ErrNotFound, store.ErrExists (both
// wrapped), or a *failure.Error, which wraps store.ErrDenied where the server
// forbids it. Nil stays nil.
func (s *Store) explain(ctx context.Context, t *trace, v verb, name string, err error) error {
	if err == nil {
		return nil
	}
	f := &failure.Error{Op: v.op, URL: failure.Plain(s.at.url(name))}
	say := func(class failure.Class, format string, args ...any) error {
		f.Class, f.Detail = class, failure.Plain(s.o.Secrets.Hide(fmt.Sprintf(format, args...)))
		return f
	}

	// The caller gave up. The cause stays one, for errors.Is.
	inner := t.failure()
	if cause := context.Cause(ctx); cause != nil && cause != error(inner) {
		f.Class, f.Err = failure.Classify(cause), cause
		return f
	}
	// What broke before there was an answer, or within its body.
	if inner != nil {
		f.Class, f.Detail, f.Err = inner.Class, inner.Detail, inner.Err
		if inner.Class == failure.NotTLS {
			return say(inner.Class, "%s speaks the other one of http and https: correct endpoint= in the setting cache", s.at.endpoint())
		}
		return f
	}
	if c, ok := errors.AsType[*credentialError](err); ok {
		if errors.Is(c, store.ErrDenied) {
			f.Err = store.ErrDenied
		}
		return say(failure.Unauthorized, "no credentials from %s", c)
	}

	r, ok := errors.AsType[minio.ErrorResponse](err)
	if !ok {
		if unreadable(err) {
			return say(failure.WrongContent, "what answers at %s is no S3 service: %v; correct endpoint= in the setting cache", s.at.endpoint(), err)
		}
		return say(failure.Classify(err), "%v", err)
	}
	f.Status = r.StatusCode
	class := failure.FromStatus(r.StatusCode)
	if class == "" || class == failure.NotFound { // an error within a 200, and what is no module
		class = failure.HTTPStatus
	}
	origin, reasons := s.chain.origin()
	if r.Code == minio.PreconditionFailed || slices.Contains(conflicts, r.Code) {
		if v == reading { // If-Match
			return fmt.Errorf("%s was replaced: %w", f.URL, store.ErrNotFound)
		}
		return fmt.Errorf("%s: %w", f.URL, store.ErrExists)
	}
	switch r.Code {
	case minio.NoSuchKey:
		return fmt.Errorf("%s: %w", f.URL, store.ErrNotFound)
	case minio.NoSuchBucket:
		return say(failure.NotFound, "there is no bucket %q at %s in region %s: create it, or correct the setting cache", s.at.bucket, s.at.endpoint(), s.at.region)
	case minio.InvalidBucketName:
		return say(class, "the server takes %q for no bucket: correct the setting cache", s.at.bucket)
	case minio.RequestTimeTooSkewed, "RequestExpired", "AccessDeniedExpiredRequest":
		return say(failure.Forbidden, "the clocks of this machine and of the server differ too much: set this one right; the server's shows %s", t.serverDate())
	case minio.SignatureDoesNotMatch:
		return say(failure.Unauthorized, "the secret key from %s does not belong to the access key, or something on the way changed the request: set both anew", origin)
	case minio.InvalidAccessKeyID, "InvalidToken", "UnrecognizedClientException", "InvalidClientTokenId", "AuthFailure":
		return say(failure.Unauthorized, "the server does not know the access key from %s: it is another server's, was deleted, or lacks its AWS_SESSION_TOKEN", origin)
	case "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired":
		return say(failure.Unauthorized, "the credentials from %s have expired: get new ones right before this step", origin)
	case minio.AuthorizationHeaderMalformed, "InvalidRegion", "IllegalLocationConstraintException":
		return say(failure.HTTPStatus, "the server refuses the region %q%s", s.at.region, wrongRegion(r.Region))
	}
	switch {
	case isRedirect(r.StatusCode):
		if r.Region != "" && r.Region != s.at.region {
			return say(failure.HTTPStatus, "the bucket is not in the region %q%s", s.at.region, wrongRegion(r.Region))
		}
		return say(failure.HTTPStatus, "the server answers with a redirect: correct endpoint= in the setting cache, or try path-style=%t", s.at.lookup != minio.BucketLookupPath)
	case r.StatusCode == http.StatusNotFound && v != finding:
		return fmt.Errorf("%s: %w", f.URL, store.ErrNotFound)
	case r.StatusCode == http.StatusForbidden || r.StatusCode == http.StatusUnauthorized || r.Code == minio.AccessDenied:
		f.Err = store.ErrDenied
		if origin == "" {
			return say(failure.Unauthorized, "%s", strings.Join(append([]string{"no credentials were found, and the bucket is not open to everybody: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"}, reasons...), "; "))
		}
		return say(failure.Forbidden, "the credentials from %s lack a permission: allow %s for bucket %q, prefix %q; the server says %q",
			origin, v.needs, s.at.bucket, s.at.prefix, r.Error())
	}
	return say(class, "the server says %s: %s", r.Code, r.Error())
}

func wrongRegion(right string) string {
	if right == "" {
		return ": set region= in the setting cache"
	}
	return fmt.Sprintf(" and expects %q: write region=%s in the setting cache", right, right)
}

func isRedirect(status int) bool { return status >= 300 && status < 400 }

func unreadable(err error) bool {
	if err == io.EOF {
		return true
	}
	if _, ok := errors.AsType[xml.UnmarshalError](err); ok {
		return true
	}
	_, ok := errors.AsType[*xml.SyntaxError](err)
	return ok
}

// needCredentials is nil, or the refusal of what unsigned requests are not for.
// That a bucket lets everybody write is no reason to do so.
func (s *Store) needCredentials(ctx context.Context, v verb, name string) error {
	ctx, t, err := s.start(ctx, v, name)
	if err != nil {
		return err
	}
	defer t.end()
	if origin, _ := s.chain.origin(); origin != "" {
		return nil
	}
	return s.explain(ctx, t, v, name, minio.ErrorResponse{Code: minio.AccessDenied})
}

var _ credentials.Provider = (*chain)(nil)
