package mirror_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"runtime"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

func TestAContentCodingThatNobodyAskedForIsDecodedOrNamed(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 64<<10)
	a := f.All()[0]
	// What a server does that only knows how go asks.
	asGoAsks := func(otherwise mirrortest.Fault) mirrortest.Fault {
		return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if r.Header.Get("Accept-Encoding") == "gzip" {
				mirrortest.Coded("gzip")(w, r, next)
				return
			}
			otherwise(w, r, next)
		}
	}
	for _, test := range []struct {
		name  string
		fault mirrortest.Fault
		want  failure.Class // "" decoded
	}{
		{"gzip", mirrortest.Coded("gzip"), ""},
		{"its old name", mirrortest.Coded("x-gzip"), ""},
		{"in other letters", mirrortest.Coded("GZip"), ""},
		{"identity", mirrortest.Header("Content-Encoding", "identity"), ""},
		{"a coding that we do not know, of a body that has none", mirrortest.Header("Content-Encoding", "aws-chunked"), ""},
		{"gzip that is none", mirrortest.Gzip(), failure.WrongContent},
		{"gzip, cut", mirrortest.Chain(mirrortest.CutAfter(30), mirrortest.Coded("gzip")), failure.CutBody},
		{"gzip that ends early", mirrortest.Chain(mirrortest.Truncate(30), mirrortest.Coded("gzip")), failure.CutBody},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			eachProtocol(t, func(t *testing.T, p mirrortest.Protocol) {
				s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Protocol: p, Faults: []mirrortest.Rule{mirrortest.Always("*", test.fault)}})
				m := open(t, s, mirror.Options{}, s.URL)
				for _, ext := range []string{"zip", "mod", "info"} {
					data, resp, err := read(m, mirror.Request{Path: path(t, a.Version, ext), Max: mirror.MaxZip})
					class := failure.Classify(err)
					if class == failure.HTTP2Reset {
						class = failure.CutBody
					}
					if class != test.want {
						t.Errorf(".%s: class %q, want %q (%v)", ext, class, test.want, err)
					}
					if test.want == "" && err == nil && string(data) != string(a.File(ext)) {
						t.Errorf(".%s: %d bytes, want the %d of the file", ext, len(data), len(a.File(ext)))
					}
					if resp != nil && test.name != "identity" && resp.Ranges {
						t.Errorf(".%s: parts of a coded body are offered", ext)
					}
				}
			})
		})
	}
	for _, test := range []struct {
		name string
		do   mirrortest.Fault
	}{
		{"a server that codes in its own way unless asked for gzip", asGoAsks(mirrortest.Header("Content-Encoding", "br"))},
		{"a server that accepts nothing but gzip", asGoAsks(mirrortest.Status(http.StatusNotAcceptable))},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.Always("*", test.do)}})
			m := open(t, s, mirror.Options{}, s.URL)
			data, _, err := read(m, mirror.Request{Path: path(t, a.Version, "zip"), Max: mirror.MaxZip})
			if err != nil || string(data) != string(a.Zip) {
				t.Errorf("%d bytes, %v; want the zip", len(data), err)
			}
		})
	}
}

// zeros is a handler that answers with n zeros in gzip, coded beforehand: a
// loaded machine takes longer for it than an answer may.
func zeros(t *testing.T, n int64) http.Handler {
	t.Helper()
	var coded bytes.Buffer
	z := gzip.NewWriter(&coded)
	if _, err := io.CopyN(z, endless{}, n); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(coded.Bytes())
	})
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestASmallBodyThatDecodesToALargeOneIsCutOff(t *testing.T) {
	t.Parallel()
	s := mirrortest.Start(t, mirrortest.Options{Handler: zeros(t, 32<<20)})
	m := open(t, s, mirror.Options{}, s.URL)
	for _, name := range []string{"x.zip", "x.mod"} {
		data, _, err := read(m, mirror.Request{Path: name, Max: 1 << 20})
		if failure.Classify(err) != failure.TooLarge || len(data) > 2<<20 {
			t.Errorf("%s: %d bytes, %v; want %q after 1 MiB", name, len(data), err, failure.TooLarge)
		}
	}
}

// Not parallel: it looks at what the whole process allocates.
func TestAGoModIsNotHeldInMemory(t *testing.T) {
	s := mirrortest.Start(t, mirrortest.Options{Handler: zeros(t, 15<<20)})
	m := open(t, s, mirror.Options{}, s.URL)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	resp, err := m.Get(t.Context(), mirror.Request{Path: "x.mod", Max: mirror.MaxMod})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Close()
	if fe := mirror.ReadMod(io.Discard, resp, "h1:none", "x.mod"); fe == nil || fe.Class != failure.HashMismatch {
		t.Errorf("error %v, want %q", fe, failure.HashMismatch)
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 8<<20 {
		t.Errorf("%d bytes were allocated for a go.mod of 15 MiB", n)
	}
}

func TestAPartIsOfTheSameEntityOrRefused(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 64<<10)
	a := f.All()[0]
	const modified = "Thu, 02 Jan 2020 03:04:05 GMT"
	for _, test := range []struct {
		name      string
		fault     mirrortest.Fault
		validator string
		want      failure.Class
	}{
		{"no validator: If-Range was obeyed", mirrortest.Header("ETag", ""), mirrortest.ETag(a.Zip), ""},
		{"the same", mirrortest.Header("ETag", mirrortest.ETag(a.Zip)), mirrortest.ETag(a.Zip), ""},
		{"another strong ETag", mirrortest.Header("ETag", `"another"`), mirrortest.ETag(a.Zip), failure.BadResponse},
		{"a weak ETag", mirrortest.Header("ETag", "W/"+mirrortest.ETag(a.Zip)), mirrortest.ETag(a.Zip), failure.BadResponse},
		{"no ETag at all, but quotes", mirrortest.Header("ETag", `""`), mirrortest.ETag(a.Zip), failure.BadResponse},
		{"modified at another time", mirrortest.Chain(mirrortest.Header("Last-Modified", "Fri, 03 Jan 2020 03:04:05 GMT"), mirrortest.Header("ETag", "")), modified, failure.BadResponse},
		{"in a content coding", mirrortest.Coded("gzip"), mirrortest.ETag(a.Zip), failure.BadResponse},
		{"without the unit", mirrortest.Header("Content-Range", "1000-1999/65536"), mirrortest.ETag(a.Zip), failure.BadResponse},
		{"without a Content-Range", mirrortest.Header("Content-Range", ""), mirrortest.ETag(a.Zip), failure.BadResponse},
		{"of another place", mirrortest.WrongRange(10), mirrortest.ETag(a.Zip), failure.BadResponse},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			eachProtocol(t, func(t *testing.T, p mirrortest.Protocol) {
				s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Protocol: p, LastModified: true, Faults: []mirrortest.Rule{mirrortest.Always("*", test.fault)}})
				m := open(t, s, mirror.Options{}, s.URL)
				data, resp, err := read(m, mirror.Request{Path: path(t, a.Version, "zip"), Offset: 1000, End: 2000, Validator: test.validator})
				if failure.Classify(err) != test.want {
					t.Fatalf("class %q, want %q (%v)", failure.Classify(err), test.want, err)
				}
				if err == nil && (resp.Status != http.StatusPartialContent || string(data) != string(a.Zip[1000:2000])) {
					t.Errorf("status %d, %d bytes, want the part", resp.Status, len(data))
				}
			})
		})
	}
}

func TestWhatProvesThatPartsAreOfOneFile(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 1000)
	v := f.Versions()[0]
	for _, test := range []struct {
		name             string
		etag             string
		modified         bool
		ranges, portable bool
	}{
		{"a strong ETag, anywhere", `"v1"`, false, true, true},
		{"a weak ETag, nowhere", `W/"v1"`, false, false, false},
		{"a weak ETag beside a time of modification, nowhere", `W/"v1"`, true, false, false},
		{"a time of modification, at the same mirror", "", true, true, false},
		{"an ETag without quotes, nowhere", "v1", true, false, false},
		{"nothing, nowhere", "", false, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, LastModified: test.modified, Faults: []mirrortest.Rule{mirrortest.Always("*", mirrortest.Header("ETag", test.etag))}})
			m := open(t, s, mirror.Options{}, s.URL)
			_, resp, err := read(m, mirror.Request{Path: path(t, v, "zip")})
			if err != nil || resp.Ranges != test.ranges || resp.Portable != test.portable {
				t.Errorf("ranges %v, portable %v, %v; want %v, %v", resp.Ranges, resp.Portable, err, test.ranges, test.portable)
			}
		})
	}
}
