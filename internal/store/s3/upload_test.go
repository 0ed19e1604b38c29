package s3_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/store"
	"github.com/modferry/modferry/internal/store/s3"
)

// pattern is n bytes no two neighbouring parts of which are alike.
func pattern(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i ^ i>>8 ^ i>>16)
	}
	return string(b)
}

// pieces writes data in pieces of an odd size.
func pieces(data string) func(io.Writer) error {
	return func(w io.Writer) error {
		for len(data) > 0 {
			n := min(len(data), 9973)
			if m, err := io.WriteString(w, data[:n]); err != nil || m != n {
				return fmt.Errorf("wrote %d of %d: %w", m, n, err)
			}
			data = data[n:]
		}
		return nil
	}
}

func TestCreateStoresWhatWasWritten(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		size int
		want string // the requests after the look whether it is there
	}{
		{"nothing", 0, "put"},
		{"a few bytes", 5, "put"},
		{"exactly one part", 64 << 10, "put"},
		{"a byte more than a part", 64<<10 + 1, "begin part part complete"},
		{"exactly two parts", 128 << 10, "begin part part complete"},
		{"ten parts and a bit", 640<<10 + 77, "begin" + strings.Repeat(" part", 11) + " complete"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newDouble(t)
			data := pattern(tt.size)
			if err := d.open(t).Create(t.Context(), "layer", pieces(data)); err != nil {
				t.Fatal(err)
			}
			if names := d.names(); len(names) != 1 || names[0] != testPrefix+"layer" || d.data("layer") != data {
				t.Errorf("stored %q with %d bytes, want the %d written", names, len(d.data("layer")), tt.size)
			}
			if got := strings.Join(d.requests, " "); got != "list "+tt.want {
				t.Errorf("requests %q, want %q", got, "list "+tt.want)
			}
		})
	}
}

func TestPartsHaveOneSizeAndComeInAnyOrder(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	d.minPart = 64 << 10
	// The first part arrives only after three others: what a slow connection does.
	var others sync.WaitGroup
	others.Add(3)
	d.fault = func(kind string, _ int, _ http.ResponseWriter, r *http.Request) bool {
		if kind == "part" {
			if r.URL.Query().Get("partNumber") == "1" {
				others.Wait()
			} else if n := r.URL.Query().Get("partNumber"); n <= "4" && len(n) == 1 {
				others.Done()
			}
		}
		return false
	}
	data := pattern(500_000)
	if err := d.open(t).Create(t.Context(), "layer", pieces(data)); err != nil || d.data("layer") != data {
		t.Errorf("Create: %v; %d of %d bytes are right", err, len(d.data("layer")), len(data))
	}
}

func TestNothingIsReplaced(t *testing.T) {
	t.Parallel()
	for _, size := range []int{10, 200_000} {
		t.Run(fmt.Sprintf("%d bytes, there before", size), func(t *testing.T) {
			t.Parallel()
			d := newDouble(t)
			d.put("a", "first")
			err := d.open(t).Create(t.Context(), "a", func(io.Writer) error {
				t.Error("write was called in vain")
				return nil
			})
			if !errors.Is(err, store.ErrExists) || d.data("a") != "first" {
				t.Errorf("Create: %v, holds %q", err, d.data("a"))
			}
		})
		for _, status := range []int{0, 409} {
			t.Run(fmt.Sprintf("%d bytes, another was faster, status %d", size, status), func(t *testing.T) {
				t.Parallel()
				d := newDouble(t)
				d.fault = func(kind string, _ int, w http.ResponseWriter, _ *http.Request) bool {
					if status == 0 || (kind != "put" && kind != "complete") {
						return false
					}
					deny(w, status, "ConditionalRequestConflict")
					return true
				}
				err := d.open(t).Create(t.Context(), "a", func(w io.Writer) error {
					d.put("a", "first")
					return pieces(pattern(size))(w)
				})
				if !errors.Is(err, store.ErrExists) || d.data("a") != "first" || d.leftovers() != 0 {
					t.Errorf("Create: %v, holds %.10q, %d uploads left", err, d.data("a"), d.leftovers())
				}
			})
		}
	}
}

// A conflict is with a request under way, which may fail: then the name is
// still free. Amazon may give up the parts of the upload that it refused.
func TestARequestInConflictIsSentAgain(t *testing.T) {
	t.Parallel()
	for _, size := range []int{10, 200_000} {
		for _, lost := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d bytes, parts given up: %t", size, lost), func(t *testing.T) {
				t.Parallel()
				d := newDouble(t)
				d.fault = func(kind string, n int, w http.ResponseWriter, r *http.Request) bool {
					if n > 2 || (kind != "put" && kind != "complete") {
						return false
					}
					if lost {
						d.mu.Lock()
						delete(d.uploads, r.URL.Query().Get("uploadId"))
						d.mu.Unlock()
					}
					deny(w, 409, "ConditionalRequestConflict")
					return true
				}
				err := d.open(t).Create(t.Context(), "a", pieces(pattern(size)))
				if lost && size > 64<<10 {
					if !errors.Is(err, store.ErrExists) {
						t.Errorf("Create: %v, want store.ErrExists, after which a save tries another name", err)
					}
					return
				}
				if err != nil || d.data("a") != pattern(size) || d.leftovers() != 0 {
					t.Errorf("Create: %v, %d bytes there, %d uploads left", err, len(d.data("a")), d.leftovers())
				}
			})
		}
	}
}

// Two whole uploads, both of which found the name free: the one that completes
// second must lose, which only a condition on the completion can do.
func TestOfTwoMultipartUploadsTheSecondLoses(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	one, two := d.open(t), d.open(t)
	first, second := pattern(200_000), strings.Repeat("second", 40_000)
	err := one.Create(t.Context(), "a", func(w io.Writer) error {
		if err := pieces(first)(w); err != nil {
			return err
		}
		return two.Create(t.Context(), "a", pieces(second))
	})
	if !errors.Is(err, store.ErrExists) {
		t.Errorf("the slower one: %v, want store.ErrExists", err)
	}
	if d.data("a") != second || d.count("complete") != 2 || d.leftovers() != 0 {
		t.Errorf("%d completions, %d uploads left, and the winner's bytes are there: %t", d.count("complete"), d.leftovers(), d.data("a") == second)
	}
}

func TestServersWithoutConditionsAreAskedFirst(t *testing.T) {
	t.Parallel()
	for _, status := range []int{501, 400} {
		for _, size := range []int{10, 200_000} {
			t.Run(fmt.Sprintf("%d for %d bytes", status, size), func(t *testing.T) {
				t.Parallel()
				d := newDouble(t)
				d.noCondition = status
				s := d.open(t)
				data := pattern(size)
				for _, name := range []string{"a", "b"} {
					if err := s.Create(t.Context(), name, pieces(data)); err != nil || d.data(name) != data {
						t.Fatalf("Create: %v, %d bytes stored", err, len(d.data(name)))
					}
				}
				if n := d.count("put") + d.count("complete"); n != 3 {
					t.Errorf("%d requests to make two entries visible, want 3: the second entry needs no refusal", n)
				}
				err := s.Create(t.Context(), "c", func(w io.Writer) error {
					d.put("c", "first")
					return pieces(data)(w)
				})
				if !errors.Is(err, store.ErrExists) || d.data("c") != "first" || d.leftovers() != 0 {
					t.Errorf("Create: %v, holds %.10q, %d uploads left", err, d.data("c"), d.leftovers())
				}
			})
		}
	}
}

func TestWhatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	boom := errors.New("the writer gave up")
	for _, size := range []int{10, 200_000} {
		for _, tt := range []struct {
			name  string
			fault string // this kind is answered with 403
			end   func(cancel context.CancelFunc) error
			want  error
		}{
			{"write returns an error", "", func(context.CancelFunc) error { return boom }, boom},
			{"the context is cancelled", "", func(c context.CancelFunc) error { c(); return nil }, context.Canceled},
			{"the server refuses a part", "part", nil, store.ErrDenied},
			{"the server refuses the multipart upload", "begin", nil, store.ErrDenied},
			{"the server refuses the end", "complete put", nil, store.ErrDenied},
		} {
			if size == 10 && (tt.fault == "part" || tt.fault == "begin") {
				continue
			}
			t.Run(fmt.Sprintf("%d bytes: %s", size, tt.name), func(t *testing.T) {
				t.Parallel()
				d := newDouble(t)
				d.fault = func(kind string, _ int, w http.ResponseWriter, _ *http.Request) bool {
					hit := tt.fault != "" && strings.Contains(tt.fault, kind)
					if hit {
						deny(w, 403, "AccessDenied")
					}
					return hit
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				err := d.open(t).Create(ctx, "a", func(w io.Writer) error {
					if err := pieces(pattern(size))(w); err != nil {
						return err
					}
					if tt.end != nil {
						return tt.end(cancel)
					}
					return nil
				})
				if !errors.Is(err, tt.want) {
					t.Errorf("Create: %v, want %v", err, tt.want)
				}
				if len(d.names()) != 0 || d.leftovers() != 0 {
					t.Errorf("left: objects %q, %d uploads", d.names(), d.leftovers())
				}
			})
		}
	}
}

func TestAPanicOfTheWriterLeavesNothing(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	s := d.open(t)
	func() {
		defer func() { recover() }()
		s.Create(t.Context(), "a", func(w io.Writer) error {
			pieces(pattern(200_000))(w)
			panic("out")
		})
	}()
	if d.count("begin") != 1 || d.leftovers() != 0 {
		t.Errorf("%d uploads begun, %d left", d.count("begin"), d.leftovers())
	}
}

func TestACompletionWhoseAnswerGotLostCounts(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	d.stored = func(string) {}
	d.fault = func(kind string, n int, _ http.ResponseWriter, r *http.Request) bool {
		if kind != "complete" || n != 1 {
			return false
		}
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		d.complete(discard{}, r, strings.TrimPrefix(r.URL.Path, "/"+testBucket+"/"), body)
		panic(http.ErrAbortHandler)
	}
	data := pattern(200_000)
	if err := d.open(t).Create(t.Context(), "a", pieces(data)); err != nil || d.data("a") != data {
		t.Errorf("Create: %v, %d bytes stored", err, len(d.data("a")))
	}
}

type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

func TestNobodyWritesWithoutCredentials(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	d.public = true
	s := d.open(t, func(o *s3.Options) { o.Getenv = nil })
	err := s.Create(t.Context(), "a", func(io.Writer) error {
		t.Error("write was called in vain")
		return nil
	})
	if !errors.Is(err, store.ErrDenied) || !strings.Contains(err.Error(), "AWS_ACCESS_KEY_ID") {
		t.Errorf("Create: %v; want store.ErrDenied and what to set", err)
	}
}

func TestUploadsKeepFewPartsInMemory(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	var under, most atomic.Int32
	release := make(chan struct{})
	d.fault = func(kind string, n int, _ http.ResponseWriter, _ *http.Request) bool {
		if kind == "part" {
			now := under.Add(1)
			most.Store(max(most.Load(), now))
			if n == 2 {
				close(release) // as many as may be under way; the third in memory is being filled
			}
			<-release
			under.Add(-1)
		}
		return false
	}
	data := pattern(20 * 64 << 10)
	err := d.open(t, func(o *s3.Options) { o.Parallel = 3 }).Create(t.Context(), "a", pieces(data))
	if err != nil || d.data("a") != data {
		t.Fatalf("Create: %v", err)
	}
	if most.Load() != 2 {
		t.Errorf("%d parts at a time, want 2", most.Load())
	}
}

func TestAnUploadToAServerThatDoesNotReadEnds(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	d.fault = func(kind string, _ int, _ http.ResponseWriter, r *http.Request) bool {
		if kind == "part" {
			d.hang(r)
		}
		return kind == "part"
	}
	err := d.open(t, func(o *s3.Options) { o.Stall = 300 * time.Millisecond }).Create(t.Context(), "a", pieces(pattern(200_000)))
	if f := failure.As(err); f.Class != failure.FirstByteTimeout {
		t.Errorf("Create: %v, class %q; want %q", err, f.Class, failure.FirstByteTimeout)
	}
	if d.leftovers() != 0 {
		t.Errorf("%d uploads left", d.leftovers())
	}
}
