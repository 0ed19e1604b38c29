package httpx_test

import (
	"testing"

	"github.com/modferry/modferry/internal/httpx"
)

func TestTracesAreAcceptedAsTheStandardHasThem(t *testing.T) {
	t.Parallel()
	const id, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	for parent, want := range map[string]bool{
		"00-" + id + "-" + span + "-01":                       true,
		"00-" + id + "-" + span + "-00":                       true,
		"01-" + id + "-" + span + "-01-more":                  true,
		"00-" + id + "-" + span + "-01-more":                  false,
		"01-" + id + "-" + span + "-01more":                   false,
		"ff-" + id + "-" + span + "-01":                       false,
		"00-" + id + "-0000000000000000-01":                   false,
		"00-00000000000000000000000000000000-" + span + "-01": false,
		"00-0AF7651916CD43DD8448EB211C80319C-" + span + "-01": false,
		"00_" + id + "-" + span + "-01":                       false,
		"00-" + id + "-" + span + "-0g":                       false,
		"00-" + id + "-" + span:                               false,
		"":                                                    false,
	} {
		got, of, ok := httpx.ParseTrace(parent)
		if ok != want || ok && (got.ID() != id || of.String() != span) || !ok && got.ID() != "" {
			t.Errorf("%q: %t, %s, %s", parent, ok, got.ID(), of)
		}
		if ok && parent[:2] == "00" && got.Parent(of) != parent {
			t.Errorf("%q becomes %q", parent, got.Parent(of))
		}
	}
}

func TestATraceGoesWithItsContext(t *testing.T) {
	t.Parallel()
	begun := httpx.NewTrace()
	if begun.ID() == httpx.NewTrace().ID() || len(begun.ID()) != 32 {
		t.Errorf("begun as %q", begun.ID())
	}
	if got := httpx.TraceOf(httpx.WithTrace(t.Context(), begun)); got != begun {
		t.Errorf("got %v", got)
	}
	if got := httpx.TraceOf(t.Context()); got.ID() != "" {
		t.Errorf("got %v", got)
	}
}
