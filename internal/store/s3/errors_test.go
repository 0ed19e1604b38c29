package s3_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/store"
	"github.com/modferry/modferry/internal/store/s3"
)

func TestErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	answer := func(status int, code string, more ...string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) { deny(w, status, code, more...) }
	}
	for _, tt := range []struct {
		name   string
		answer func(http.ResponseWriter, *http.Request)
		class  failure.Class
		is     error
		want   []string
	}{
		{"no bucket", answer(404, "NoSuchBucket"), failure.NotFound, nil, []string{`no bucket "cache-bucket"`, "create it", "region us-east-1"}},
		{"no permission", answer(403, "AccessDenied"), failure.Forbidden, store.ErrDenied, []string{"AWS_ACCESS_KEY_ID", "s3:ListBucket", `"cache-bucket"`}},
		{"no permission, as other servers say it", answer(403, "Forbidden"), failure.Forbidden, store.ErrDenied, []string{"s3:ListBucket"}},
		{"a wrong clock", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", "Sun, 01 Nov 2026 12:00:00 GMT")
			deny(w, 403, "RequestTimeTooSkewed")
		}, failure.Forbidden, nil, []string{"clock", "01 Nov 2026 12:00:00"}},
		{"a wrong secret", answer(403, "SignatureDoesNotMatch"), failure.Unauthorized, nil, []string{"secret key from AWS_ACCESS_KEY_ID"}},
		{"a wrong key", answer(403, "InvalidAccessKeyId"), failure.Unauthorized, nil, []string{"does not know the access key"}},
		{"expired credentials", answer(400, "ExpiredToken"), failure.Unauthorized, nil, []string{"expired"}},
		{"a wrong region", answer(400, "AuthorizationHeaderMalformed", "<Region>eu-west-3</Region>"), failure.HTTPStatus, nil, []string{"region=eu-west-3"}},
		{"a bucket in another region", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Amz-Bucket-Region", "eu-west-3")
			w.Header().Set("Location", "https://elsewhere.example.test/?X-Amz-Signature=never-shown")
			deny(w, 301, "PermanentRedirect")
		}, failure.HTTPStatus, nil, []string{"region=eu-west-3"}},
		{"a login page by redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://login.example.test/?token=never-shown", http.StatusFound)
		}, failure.HTTPStatus, nil, []string{"redirect", "endpoint="}},
		{"a web page", func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "<!doctype html><html><body>Console</body></html>")
		}, failure.WrongContent, nil, []string{"no S3 service", "endpoint="}},
		{"an empty answer", func(http.ResponseWriter, *http.Request) {}, failure.WrongContent, nil, []string{"no S3 service"}},
		{"a forward proxy that wants a password", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(407) }, failure.ProxyAuth, nil, nil},
		{"a server that is down", answer(503, "ServiceUnavailable"), failure.ServerError, nil, []string{"ServiceUnavailable"}},
		{"too many requests", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(429) }, failure.Throttled, nil, nil},
		{"a body that is cut", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, "<ListBucketResult>")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, failure.CutBody, nil, nil},
		{"workflow commands and control characters", answer(418, "Teapot", "<Message>\n::error::x\x1b[31m##[add-mask]y</Message>"), failure.HTTPStatus, nil, nil},
		{"a server that sends the secrets back", answer(418, "Teapot", "<Message>"+testSecret+"</Message>"), failure.HTTPStatus, nil, []string{"xxxxx"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newDouble(t)
			d.fault = func(_ string, _ int, w http.ResponseWriter, r *http.Request) bool {
				tt.answer(w, r)
				return true
			}
			_, err := d.open(t).Find(t.Context(), "", "idx-")
			f, ok := errors.AsType[*failure.Error](err)
			if !ok || f.Class != tt.class || (tt.is != nil && !errors.Is(err, tt.is)) {
				t.Fatalf("Find: %v\nwant a failure of class %q that is %v", err, tt.class, tt.is)
			}
			text := err.Error()
			for _, want := range append(tt.want, "s3 find", "/"+testBucket+"/"+testPrefix+"idx-") {
				if !strings.Contains(text, want) {
					t.Errorf("%q does not say %q", text, want)
				}
			}
			for _, never := range []string{testSecret, "never-shown", "\n", "\x1b", "##["} {
				if strings.Contains(text, never) {
					t.Errorf("%q holds %q", text, never)
				}
			}
		})
	}
}

func TestWhatBreaksBeforeAnAnswer(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	tls := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(tls.Close)
	plain := newDouble(t)
	for _, tt := range []struct {
		name, endpoint string
		class          failure.Class
		want           string
	}{
		{"nobody listens", "http://" + closed.Addr().String(), failure.Refused, ""},
		{"an unknown authority", tls.URL, failure.TLSUnknownAuthority, ""},
		{"https to a plain server", "https" + strings.TrimPrefix(plain.URL, "http"), failure.NotTLS, "endpoint="},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := plain.open(t, func(o *s3.Options) { o.Spec.Endpoint = tt.endpoint })
			_, err := s.Find(t.Context(), "a")
			if f, ok := errors.AsType[*failure.Error](err); !ok || f.Class != tt.class || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Find: %v; want class %q and %q", err, tt.class, tt.want)
			}
			if _, err := s.Open(t.Context(), store.Entry{Name: "a", Size: -1}); failure.As(err).Class != tt.class {
				t.Errorf("Open: %v; want class %q", err, tt.class)
			}
		})
	}
}

// What no second try can mend is not tried again: minio-go would.
func TestAHopelessRequestIsSentOnce(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	n := 0
	_, err := d.open(t, func(o *s3.Options) {
		o.Transport = transportFunc(func(*http.Request) (*http.Response, error) {
			n++
			return nil, failure.New(failure.TLSWrongName, "", "", errors.New("another name"))
		})
	}).Find(t.Context(), "a")
	if failure.As(err).Class != failure.TLSWrongName || n != 1 {
		t.Errorf("Find: %v after %d requests", err, n)
	}
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestAServerThatDoesNotAnswerIsLeft(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	d.fault = func(_ string, _ int, _ http.ResponseWriter, r *http.Request) bool {
		d.hang(r)
		return true
	}
	n := 0
	_, err := d.open(t, func(o *s3.Options) {
		o.Stall = 100 * time.Millisecond // long enough to connect
		o.Transport = transportFunc(func(r *http.Request) (*http.Response, error) {
			n++
			return http.DefaultTransport.RoundTrip(r)
		})
	}).Find(t.Context(), "a")
	if failure.As(err).Class != failure.FirstByteTimeout {
		t.Errorf("Find: %v", err)
	}
	if n != 2 {
		t.Errorf("%d requests, want 2: one that hangs may be bad luck", n)
	}
}

func TestTheCauseOfACancelledContextIsKept(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	tooSlow := fmt.Errorf("slower than the floor: %w", context.Canceled)
	ctx, cancel := context.WithCancelCause(t.Context())
	d.fault = func(_ string, _ int, _ http.ResponseWriter, r *http.Request) bool {
		cancel(tooSlow)
		d.hang(r)
		return true
	}
	_, err := d.open(t).Find(ctx, "a")
	if !errors.Is(err, tooSlow) || failure.As(err).Class != failure.Cancelled {
		t.Errorf("Find: %v; want the cause of the cancellation", err)
	}
}

func TestOverTLSEverythingWorksTheSame(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	secure := httptest.NewTLSServer(d)
	t.Cleanup(secure.Close)
	s := d.open(t, func(o *s3.Options) { o.Spec.Endpoint, o.Transport = secure.URL, secure.Client().Transport })
	for _, size := range []int{10, 200_000} {
		name := fmt.Sprintf("a%d", size)
		data := pattern(size)
		if err := s.Create(t.Context(), name, pieces(data)); err != nil || d.data(name) != data {
			t.Fatalf("Create: %v", err)
		}
		r, err := s.Open(t.Context(), store.Entry{Name: name, Size: -1})
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		r.Close()
		if string(got) != data || err != nil {
			t.Errorf("read %d of %d bytes, %v", len(got), size, err)
		}
	}
}
