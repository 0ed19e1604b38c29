package fetchtest

import (
	"os"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// Start starts a mirror of the fixtures with an authority of its own for all.
func Start(t *testing.T, a *mirrortest.Authority, p mirrortest.Protocol, f *mirrortest.Fixtures, rules ...mirrortest.Rule) *mirrortest.Server {
	t.Helper()
	return mirrortest.Start(t, mirrortest.Options{Fixtures: f, Protocol: p, Authority: a, Faults: rules})
}

func Write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func Remove(t *testing.T, name string) {
	t.Helper()
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
}
