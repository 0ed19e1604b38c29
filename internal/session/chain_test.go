package session_test

import (
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/session/sessiontest"
)

// The chain is what the go command of a later step is given.
func TestTheSeparatorsOfTheChainThatIsHandedOn(t *testing.T) {
	t.Parallel()
	const a, b = "https://a.example.test", "https://b.example.test"
	for _, test := range []struct {
		name    string
		end     goenv.Kind
		mirrors []string
		want    string
	}{
		{"a gatekeeper that was the last keeps its refusals from who was added behind it", goenv.Mirror, []string{a + " ", b + " p|+"}, a + "," + b},
		{"a public mirror that was the last does not", goenv.Mirror, []string{a + " p", b + " p|+"}, a + "|" + b},
		{"the separators as written", goenv.Direct, []string{a + " ,", b + " |"}, a + "," + b + "|direct"},
		{"off at the end", goenv.Off, []string{a + " p,"}, a + "|off"},
		{"nothing behind the last", goenv.Mirror, []string{a + " |", b + " p|+"}, a + "|" + b},
		{"direct alone", goenv.Direct, nil, "direct"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := sessiontest.Chain(t, session.FallbackPolicy, test.end, test.mirrors...).List().String(); got != test.want {
				t.Errorf("chain %s, want %s", got, test.want)
			}
		})
	}
}

func TestWhoIsAskedForAModule(t *testing.T) {
	t.Parallel()
	c := sessiontest.Chain(t, session.FallbackPolicy, goenv.Direct, "https://corp.example.test ,", "https://public.example.test p,")
	for _, test := range []struct {
		name   string
		access session.Access
		path   string
		want   string
	}{
		{"a public module is asked of every mirror", session.Access{}, "example.test/a", "https://corp.example.test https://public.example.test"},
		{"a module of GONOPROXY is asked of none", session.Access{NoProxy: "git.corp.test", Private: "git.corp.test"}, "git.corp.test/a", ""},
		{"with GONOPROXY=none a private module is asked of the company's mirror only", session.Access{NoProxy: "none", Private: "git.corp.test"}, "git.corp.test/a", "https://corp.example.test"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, h := range test.access.Route(c, test.path) {
				got = append(got, h.URL)
			}
			if s := strings.Join(got, " "); s != test.want {
				t.Errorf("asked of %q, want %q", s, test.want)
			}
		})
	}
}
