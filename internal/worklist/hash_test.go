package worklist

import (
	"encoding/base64"
	"strings"
	"testing"
)

func TestAHashIs32BytesInBase64(t *testing.T) {
	t.Parallel()
	hash := func(n int) string { return "h1:" + base64.StdEncoding.EncodeToString(make([]byte, n)) }
	for _, test := range []struct {
		name, hash string
		good       bool
	}{
		{"32 bytes", hash(32), true},
		{"31 bytes, as many characters", hash(31), false},
		{"33 bytes, as many characters", hash(33), false},
		{"16 bytes", hash(16), false},
		{"64 bytes", hash(64), false},
		{"none", "h1:", false},
		{"no base64", "h1:" + strings.Repeat("?", 44), false},
		{"base64 for URLs", "h1:" + strings.Repeat("-", 43) + "=", false},
		{"without its padding", strings.TrimSuffix(hash(32), "="), false},
		{"with a bit set that no byte has", hash(32)[:45] + "B=", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f, err := parseSum("go.sum", []byte("example.test/a v1.0.0 "+test.hash+"\n"))
			if err != nil {
				t.Fatal(err)
			}
			l, ok := f.find(sumKey{path: "example.test/a", version: "v1.0.0"})
			if !ok {
				t.Fatal("the line was passed over")
			}
			if err := l.check(); (err == nil) != test.good {
				t.Errorf("%s: %v, want good %v", test.hash, err, test.good)
			}
		})
	}
}
