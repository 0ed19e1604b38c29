package s3

import "testing"

func FuzzParseRange(f *testing.F) {
	for _, seed := range []string{"bytes 0-9/10", "bytes 5-5/6", "bytes */10", "bytes 0-9/*", "0-0/1", "bytes 9-0/10", "bytes -1-0/10", "bytes 0-+9/10"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		start, total, err := parseRange(text)
		if err == nil && (start < 0 || start >= total) {
			t.Errorf("parseRange(%q) = %d of %d", text, start, total)
		}
	})
}
