package failure_test

import (
	"testing"

	"github.com/modferry/modferry/internal/failure"
)

func TestWebPagesAreRecognised(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, data string
		want       bool
	}{
		{"a document type", "<!DOCTYPE html><title>Sign in</title>", true},
		{"blanks and a byte order mark before it", "\ufeff\r\n  <html lang=en>", true},
		{"a comment first", "<!-- proxy --><html>", true},
		{"a go.mod", "module example.test/a\n", false},
		{"JSON", `{"Version":"v1.0.0"}`, false},
		{"a zip", "PK\x03\x04", false},
		{"nothing", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := failure.IsPage([]byte(test.data)); got != test.want {
				t.Errorf("IsPage(%q) = %v, want %v", test.data, got, test.want)
			}
		})
	}
}
