package markdown

import (
	"testing"
)

func TestOnlyMeasuresPassUnescaped(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"0 ms", "<0.1 ms", "2 min 5 s", "22.3 MB", "1.0 kB/s", "12", "?", "–", "100 ms to 200 ms"} {
		if got := quantity(s); got != s {
			t.Errorf("%q became %q", s, got)
		}
	}
	for _, s := range []string{"1.", "<b>", "www.example.test", "deadbeef1", "1234567", "a|b", "#1", "@s", "`B`", "1 ms\n2"} {
		if got := quantity(s); got != escape(s) {
			t.Errorf("%q became %q, want it escaped", s, got)
		}
	}
}
