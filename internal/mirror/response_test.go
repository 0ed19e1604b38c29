package mirror_test

import (
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

const zipPath = "example.test/a/@v/v1.0.0.zip"

// answering is a mirror that answers everything in one way.
func answering(t *testing.T, h http.HandlerFunc) *mirror.Mirror {
	t.Helper()
	s := mirrortest.Start(t, mirrortest.Options{Handler: h})
	return open(t, s, mirror.Options{}, s.URL)
}

// Only a strong validator proves that two parts are of one file (RFC 9110,
// 13.1.5).
func TestWhatProvesThatTwoPartsBelongTogether(t *testing.T) {
	t.Parallel()
	const date = "Thu, 02 Jan 2020 03:04:05 GMT"
	for _, test := range []struct {
		name   string
		header map[string]string
		want   string
	}{
		{"a strong ETag", map[string]string{"ETag": `"a"`}, `"a"`},
		{"a weak ETag proves nothing", map[string]string{"ETag": `W/"a"`}, ""},
		{"an ETag without quotes", map[string]string{"ETag": `a`}, ""},
		{"an ETag without its first quote", map[string]string{"ETag": `a"`}, ""},
		{"an ETag without its last quote", map[string]string{"ETag": `"abc`}, ""},
		{"an empty ETag", map[string]string{"ETag": `""`}, ""},
		{"a single quote", map[string]string{"ETag": `"`}, ""},
		{"a time of change, a second old", map[string]string{"Last-Modified": "Thu, 02 Jan 2020 03:04:04 GMT", "Date": date}, "Thu, 02 Jan 2020 03:04:04 GMT"},
		{"a time of change in the second of the response", map[string]string{"Last-Modified": date, "Date": date}, ""},
		{"a time of change in the future", map[string]string{"Last-Modified": "Fri, 03 Jan 2020 03:04:05 GMT", "Date": date}, ""},
		{"a time of change that is none", map[string]string{"Last-Modified": "yesterday", "Date": date}, ""},
		{"a time of change beside a date that is none", map[string]string{"Last-Modified": date, "Date": "today"}, ""},
		{"a weak ETag beside a time of change: the bytes may differ", map[string]string{"ETag": `W/"a"`, "Last-Modified": "Thu, 02 Jan 2020 03:04:04 GMT", "Date": date}, ""},
		{"nothing", nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := answering(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Accept-Ranges", "bytes")
				for name, value := range test.header {
					w.Header().Set(name, value)
				}
				w.Write([]byte("a whole file"))
			})
			_, resp, err := read(m, mirror.Request{Path: zipPath})
			if err != nil || resp.Validator != test.want || resp.Ranges != (test.want != "") {
				t.Errorf("validator %q, ranges %v, %v; want %q", resp.Validator, resp.Ranges, err, test.want)
			}
		})
	}
}

func TestPartsAreNotAskedForWhereTheyCannotFit(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		h    http.HandlerFunc
	}{
		{"a server that does not speak of ranges", func(w http.ResponseWriter, r *http.Request) {
			w.Write([]byte("a whole file"))
		}},
		{"a server that takes none", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Accept-Ranges", "none")
			w.Write([]byte("a whole file"))
		}},
		{"a file of unknown size", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Accept-Ranges", "bytes")
			w.Write([]byte("a whole "))
			w.(http.Flusher).Flush()
			w.Write([]byte("file"))
		}},
		{"a body that was unpacked on the way", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Accept-Ranges", "bytes")
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			z.Write([]byte("a whole file"))
			z.Close()
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := answering(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("ETag", `"a"`)
				test.h(w, r)
			})
			data, resp, err := read(m, mirror.Request{Path: "example.test/a/@v/v1.0.0.mod"})
			if err != nil || string(data) != "a whole file" || resp.Ranges {
				t.Errorf("%q, ranges %v, %v; want the file without ranges", data, resp.Ranges, err)
			}
		})
	}
}

// The part asked for is always that of 10 bytes from the 20th on of a file of
// 100, or of all from there on.
func TestAPartIsTakenOnlyWhenItIsTheOneAskedFor(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		ranges string // Content-Range
		etag   string
		end    int64 // of the request; 0 asks for the rest
		taken  bool
	}{
		{"the part", "bytes 20-29/100", `"a"`, 30, true},
		{"the part without saying of which file, as RFC 9110 demands it not", "bytes 20-29/100", "", 30, true},
		{"a shorter part", "bytes 20-24/100", `"a"`, 30, true},
		{"a part of the rest", "bytes 20-29/100", `"a"`, 0, true},
		{"a part of another file", "bytes 20-29/100", `"b"`, 30, false},
		{"a later part", "bytes 21-29/100", `"a"`, 30, false},
		{"an earlier part", "bytes 19-28/100", `"a"`, 30, false},
		{"a longer part", "bytes 20-30/100", `"a"`, 30, false},
		{"no Content-Range", "", `"a"`, 30, false},
		{"another unit", "words 20-29/100", `"a"`, 30, false},
		{"no size", "bytes 20-29", `"a"`, 30, false},
		{"an unknown size", "bytes 20-29/*", `"a"`, 30, false},
		{"no last byte", "bytes 20/100", `"a"`, 30, false},
		{"a last byte before the first", "bytes 20-19/100", `"a"`, 30, false},
		{"a last byte behind the file", "bytes 20-29/29", `"a"`, 30, false},
		{"a last byte that just ends the file", "bytes 20-29/30", `"a"`, 30, true},
		{"numbers that are none", "bytes x-29/100", `"a"`, 30, false},
		{"a last byte that is no number", "bytes 20-x/100", `"a"`, 30, false},
		{"a number below zero", "bytes -20-29/100", `"a"`, 30, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := answering(t, func(w http.ResponseWriter, r *http.Request) {
				if test.ranges != "" {
					w.Header().Set("Content-Range", test.ranges)
				}
				if test.etag != "" {
					w.Header().Set("ETag", test.etag)
				}
				var first, last, size int
				n := 10
				if _, err := fmt.Sscanf(test.ranges, "bytes %d-%d/%d", &first, &last, &size); err == nil && first >= 0 {
					n = last - first + 1
				}
				w.WriteHeader(http.StatusPartialContent)
				w.Write([]byte(strings.Repeat("x", n)))
			})
			data, resp, err := read(m, mirror.Request{Path: zipPath, Offset: 20, End: test.end, Validator: `"a"`})
			if test.taken {
				if err != nil || resp.Offset != 20 || resp.Length != int64(len(data)) || resp.Validator != `"a"` || !resp.Ranges {
					t.Errorf("%q, %+v, %v; want the part", data, resp, err)
				}
				return
			}
			if err == nil {
				t.Errorf("%q was taken for bytes 20 to 29", data)
			}
		})
	}
}

func TestThePartAtTheBeginningIsAPart(t *testing.T) {
	t.Parallel()
	m := answering(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Range", "bytes 0-9/100")
		w.WriteHeader(http.StatusPartialContent)
		w.Write([]byte("0123456789"))
	})
	if data, resp, err := read(m, mirror.Request{Path: zipPath, End: 10, Validator: `"a"`}); err != nil || string(data) != "0123456789" || resp.Size != 100 {
		t.Errorf("%q, %v; want the part", data, err)
	}
}

func TestAPartThatNobodyAskedForIsNotAFile(t *testing.T) {
	t.Parallel()
	m := answering(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Range", "bytes 0-9/100")
		w.WriteHeader(http.StatusPartialContent)
		w.Write([]byte("0123456789"))
	})
	if data, _, err := read(m, mirror.Request{Path: zipPath}); err == nil {
		t.Errorf("%q was taken for the whole file", data)
	}
}

// A file may not come in parts that are small enough each.
func TestTheLimitOfSizeCountsWhatLiesBeforeAPart(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		ranges string
		bytes  int // of the body, whose length is not announced
		max    int64
		want   failure.Class
	}{
		{"a part that ends at the limit", "bytes 600-999/1000", 400, 1000, ""},
		{"a part of a file beyond the limit", "bytes 600-699/1001", 100, 1000, failure.TooLarge},
		{"a body that goes on beyond the limit", "bytes 600-699/1000", 401, 1000, failure.TooLarge},
		{"no limit", "bytes 600-999/1000", 400, 0, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := answering(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Range", test.ranges)
				w.WriteHeader(http.StatusPartialContent)
				w.(http.Flusher).Flush()
				w.Write([]byte(strings.Repeat("x", test.bytes)))
			})
			data, _, err := read(m, mirror.Request{Path: zipPath, Offset: 600, Validator: `"a"`, Max: test.max})
			if got := failure.Classify(err); got != test.want {
				t.Errorf("%d bytes, class %q, want %q (%v)", len(data), got, test.want, err)
			}
		})
	}
}

func TestAFileOfExactlyTheLimitIsAccepted(t *testing.T) {
	t.Parallel()
	for _, announced := range []bool{true, false} {
		m := answering(t, func(w http.ResponseWriter, r *http.Request) {
			if !announced {
				w.(http.Flusher).Flush()
			}
			w.Write([]byte(strings.Repeat("x", 100)))
		})
		if data, _, err := read(m, mirror.Request{Path: zipPath, Max: 100}); err != nil || len(data) != 100 {
			t.Errorf("announced %v: %d bytes, %v", announced, len(data), err)
		}
		if _, _, err := read(m, mirror.Request{Path: zipPath, Max: 99}); failure.Classify(err) != failure.TooLarge {
			t.Errorf("announced %v: %v; want too_large", announced, err)
		}
	}
}

// The text of a refusal is a stranger's.
func TestTheTextOfARefusalIsRedactedAndPlain(t *testing.T) {
	t.Parallel()
	for _, status := range []int{401, 403, 404, 500} {
		m := answering(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.WriteHeader(status)
			w.Write([]byte("  ::error::no https://ann:s3cret@corp.example.test \x1b[31m##[group]\r\nsecond line"))
		})
		_, _, err := read(m, mirror.Request{Path: zipPath})
		fe := failure.As(err)
		if want := ": :error::no https://ann:xxxxx@corp.example.test # #[group]"; fe == nil || fe.Detail != want {
			t.Errorf("status %d: detail %q, want %q", status, fe.Detail, want)
		}
	}
}

func TestARefusalIsQuotedWhereItIsMadeForPeople(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, contentType, body, want string }{
		{"plain text", "text/plain", "policy\n", "policy"},
		{"a web page", "text/html", "<p>policy", ""},
		{"the title of a web page", "text/html; charset=utf-8", "<!doctype html><head>\n<TITLE lang=en>\n Blocked by\n Acme&#39;s gateway </TITLE>", "Blocked by Acme's gateway"},
		{"a title that says the status", "text/html", "<html><title>403 Forbidden</title>", ""},
		{"a title without end", "text/html", "<title>" + strings.Repeat("x", 1<<20), ""},
		{"JSON of Artifactory and Nexus", "application/json;charset=ISO-8859-1", `{"errors" : [ {"status" : 403, "message" : "Download of a.test is blocked by the policy \"no-gpl\" https://ann:s3cret@x.test \u001b[31m##[group]"}, {"message":"ask security"} ]}`,
			`Download of a.test is blocked by the policy "no-gpl" https://ann:xxxxx@x.test # #[group]; ask security`},
		{"JSON with a bare message", "application/json", `{"message":"policy"}`, "policy"},
		{"a problem of RFC 9457", "application/problem+json", `{"title":"Blocked","detail":"policy"}`, "policy"},
		{"OAuth's", "application/json", `{"error":"invalid_token","error_description":"expired"}`, "expired"},
		{"JSON of another form", "application/json", `{"errors":["policy"]}`, ""},
		{"JSON without end", "application/json", `{"errors":[{"message":"` + strings.Repeat("x", 1<<20), ""},
		{"a line without end", "text/plain", strings.Repeat("x", 1<<20), strings.Repeat("x", 499) + "…"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := answering(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", test.contentType)
				w.WriteHeader(http.StatusForbidden)
				w.Write([]byte(test.body))
			})
			_, _, err := read(m, mirror.Request{Path: zipPath})
			if fe := failure.As(err); fe == nil || fe.Detail != test.want {
				t.Errorf("error %v, detail not %q", err, test.want)
			}
		})
	}
}

func TestHowLongAServerAsksToWait(t *testing.T) {
	t.Parallel()
	now := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, test := range []struct {
		value string
		want  int64 // milliseconds
	}{
		{"7", 7000},
		{" 7 ", 7000},
		{"0", 0},
		{"-7", 0},
		{"2147483647", 2147483647000},
		{"2147483648", 0},
		{"99999999999999999999", 0},
		{"soon", 0},
		{"Thu, 02 Jan 2020 03:04:04 GMT", 0},
		{"Thu, 02 Jan 2020 03:05:35 GMT", 90000},
		{"", 0},
	} {
		s := mirrortest.Start(t, mirrortest.Options{Faults: []mirrortest.Rule{mirrortest.Always("*", mirrortest.RetryAfter(503, test.value))}})
		m := open(t, s, mirror.Options{}, s.URL)
		m.Health.SetClock(func() time.Time { return now })
		_, _, err := read(m, mirror.Request{Path: zipPath})
		if fe := failure.As(err); fe == nil || fe.RetryAfter != test.want {
			t.Errorf("Retry-After %q: %d ms, want %d", test.value, fe.RetryAfter, test.want)
		}
	}
}
