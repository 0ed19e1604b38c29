package report

import (
	"fmt"
	"math"
	"unicode"
	"unicode/utf8"
)

// Bytes renders a size for people, in powers of 1000: "512 B", "22.3 MB".
func Bytes(n int64) string {
	if n < 0 {
		return "-" + Bytes(-max(n, -math.MaxInt64))
	}
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	f := float64(n)
	for _, unit := range []string{"kB", "MB", "GB", "TB"} {
		f /= 1000
		switch {
		case f < 99.95:
			return fmt.Sprintf("%.1f %s", f, unit)
		case f < 999.5:
			return fmt.Sprintf("%.0f %s", f, unit)
		}
	}
	return fmt.Sprintf("%.0f TB", f)
}

// Millis renders a duration in milliseconds for people: "0.4 ms", "12 ms",
// "1.9 s", "2 min 5 s", "1 h 2 min".
func Millis(ms float64) string {
	switch {
	case math.IsNaN(ms), ms < 0, math.IsInf(ms, 1):
		return "?"
	case ms == 0:
		return "0 ms"
	case ms < 0.05:
		return "<0.1 ms"
	case ms < 9.95:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 999.5:
		return fmt.Sprintf("%.0f ms", ms)
	case ms < 59_950:
		return fmt.Sprintf("%.1f s", ms/1000)
	}
	s := int64(min(math.Round(ms/1000), math.MaxInt32))
	if s < 3600 {
		return fmt.Sprintf("%d min %d s", s/60, s%60)
	}
	return fmt.Sprintf("%d h %d min", s/3600, s%3600/60)
}

// Rate renders bytes per second for people; "" when it is not known.
func Rate(bps float64) string {
	if math.IsNaN(bps) || bps < 1 || bps >= math.MaxInt64 {
		return ""
	}
	return Bytes(int64(bps)) + "/s"
}

// Count renders a number of things: "1 file", "3 files".
func Count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// Capital is a clause with a capital letter, as a sentence begins; "" for "".
func Capital(text string) string {
	r, n := utf8.DecodeRuneInString(text)
	if n == 0 {
		return ""
	}
	return string(unicode.ToUpper(r)) + text[n:]
}
