package httpx

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Range is the part of a file that a response brings.
type Range struct {
	Start, End int64 // in bytes; End is exclusive
	Size       int64 // of the whole file
}

// ParseContentRange reads the Content-Range of a 206 (RFC 9110, 14.4), such as
// "bytes 0-99/200". A range of unknown size is an error: where the file ends
// could not be told from where a connection broke.
func ParseContentRange(value string) (Range, error) {
	rest, ok := strings.CutPrefix(value, "bytes ")
	span, total, ok1 := strings.Cut(rest, "/")
	first, last, ok2 := strings.Cut(span, "-")
	start, err1 := strconv.ParseInt(first, 10, 64)
	end, err2 := strconv.ParseInt(last, 10, 64)
	size, err3 := strconv.ParseInt(total, 10, 64)
	if !ok || !ok1 || !ok2 || err1 != nil || err2 != nil || err3 != nil || start < 0 || end < start || end >= size {
		return Range{}, fmt.Errorf("206 with the Content-Range %.60q, expected \"bytes FIRST-LAST/SIZE\"", value)
	}
	return Range{Start: start, End: end + 1, Size: size}, nil
}

// RetryAfter is how long the Retry-After header asks to wait (RFC 9110, 10.2.3:
// seconds or a date), 0 when it asks nothing or cannot be read. now is the time
// that a date is compared with; a zero now leaves dates out.
func RetryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if n, err := strconv.ParseInt(value, 10, 32); err == nil && n > 0 {
		return time.Duration(n) * time.Second
	}
	if t, err := http.ParseTime(value); err == nil && !now.IsZero() && t.After(now) {
		return t.Sub(now)
	}
	return 0
}
