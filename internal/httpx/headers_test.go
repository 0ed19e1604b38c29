package httpx_test

import (
	"testing"
	"time"

	"github.com/modferry/modferry/internal/httpx"
)

func TestParseContentRange(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		value string
		want  httpx.Range // zero: an error
	}{
		{"bytes 0-99/200", httpx.Range{Start: 0, End: 100, Size: 200}},
		{"bytes 5-5/6", httpx.Range{Start: 5, End: 6, Size: 6}},
		{"bytes 9223372036854775806-9223372036854775806/9223372036854775807", httpx.Range{Start: 1<<63 - 2, End: 1<<63 - 1, Size: 1<<63 - 1}},
		{"", httpx.Range{}},
		{"0-0/1", httpx.Range{}},
		{"octets 0-1/2", httpx.Range{}},
		{"bytes */10", httpx.Range{}},
		{"bytes 0-9/*", httpx.Range{}},
		{"bytes 1-/3", httpx.Range{}},
		{"bytes 0-10/10", httpx.Range{}},
		{"bytes 9-0/10", httpx.Range{}},
		{"bytes -1-0/10", httpx.Range{}},
		{"bytes 0-9/9223372036854775808", httpx.Range{}},
	} {
		got, err := httpx.ParseContentRange(test.value)
		if got != test.want || (err != nil) != (test.want == httpx.Range{}) {
			t.Errorf("ParseContentRange(%q) = %+v, %v; want %+v", test.value, got, err, test.want)
		}
	}
}

func FuzzParseContentRange(f *testing.F) {
	for _, seed := range []string{"bytes 0-0/1", "bytes 10-19/20", "bytes */0", "bytes 5-4/10", "bytes 0-10/10", "bytes -1-2/3", "bytes 1-/3", "", "octets 0-1/2", "bytes 0-+9/10"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		r, err := httpx.ParseContentRange(value)
		if err == nil && (r.Start < 0 || r.End <= r.Start || r.Size < r.End) {
			t.Errorf("%q is read as %+v", value, r)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		value string
		now   time.Time
		want  time.Duration
	}{
		{"5", now, 5 * time.Second},
		{" 5 ", time.Time{}, 5 * time.Second},
		{"0", now, 0},
		{"-5", now, 0},
		{"2147483647", now, 2147483647 * time.Second},
		{"2147483648", now, 0},
		{"99999999999999999999", now, 0},
		{"", now, 0},
		{"soon", now, 0},
		{"Fri, 20 Nov 2026 10:00:30 GMT", now, 30 * time.Second},
		{"Fri, 20 Nov 2026 09:59:30 GMT", now, 0},
		{"Fri, 20 Nov 2026 10:00:30 GMT", time.Time{}, 0},
	} {
		if got := httpx.RetryAfter(test.value, test.now); got != test.want {
			t.Errorf("RetryAfter(%q, %v) = %v, want %v", test.value, test.now, got, test.want)
		}
	}
}
