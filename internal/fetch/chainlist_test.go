package fetch

import (
	"testing"

	"github.com/modferry/modferry/internal/goenv"
)

// The chain is what the go command of a later step is given.
func TestTheSeparatorsOfTheChainThatIsHandedOn(t *testing.T) {
	t.Parallel()
	const a, b = "https://a.example.test", "https://b.example.test"
	for _, test := range []struct {
		name     string
		end      goenv.Kind
		sketches []sketch
		want     string
	}{
		{"a gatekeeper that was the last keeps its refusals from who was added behind it", goenv.Mirror, []sketch{{a, "", 1, 1}, {b, "p|+", 1, 1}}, a + "," + b},
		{"a public mirror that was the last does not", goenv.Mirror, []sketch{{a, "p", 1, 1}, {b, "p|+", 1, 1}}, a + "|" + b},
		{"the separators as written", goenv.Direct, []sketch{{a, ",", 1, 1}, {b, "|", 1, 1}}, a + "," + b + "|direct"},
		{"off at the end", goenv.Off, []sketch{{a, "p,", 1, 1}}, a + "|off"},
		{"nothing behind the last", goenv.Mirror, []sketch{{a, "|", 1, 1}, {b, "p|+", 1, 1}}, a + "|" + b},
		{"direct alone", goenv.Direct, nil, "direct"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := sketched(t, FallbackPolicy, test.end, test.sketches).list().String(); got != test.want {
				t.Errorf("chain %s, want %s", got, test.want)
			}
		})
	}
}
