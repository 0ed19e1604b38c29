package main

import (
	"context"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// What an interrupted preflight would choose is a matter of chance.
func TestAnInterruptedEnvPrintsNoSettings(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 10)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := newBench(t, f)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if code := b.run(ctx, "env", "-C", b.dir, "--proxy", s.URL); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	if b.stdout.Len() > 0 || !strings.Contains(b.stderr.String(), "modferry: interrupted; no settings printed\n") {
		t.Errorf("standard output %q, standard error %q", b.stdout.String(), b.stderr.String())
	}
}
