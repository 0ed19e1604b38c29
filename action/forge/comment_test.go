package forge

import (
	"strings"
	"testing"
)

func TestMarkerHoldsNothingOfTheKey(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, key := range []string{"", "job", "--> <script>", "a\nb"} {
		m := commentMarker(key)
		if seen[m] || len(m) != len("<!-- modferry:")+24+len(" -->") || strings.Count(m, "-->") != 1 || strings.Contains(m, "\n") {
			t.Errorf("the marker of %q is %q", key, m)
		}
		seen[m] = true
	}
}
