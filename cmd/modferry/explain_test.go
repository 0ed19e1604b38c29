package main

import (
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
)

func TestEveryCodeIsExplained(t *testing.T) {
	t.Parallel()
	for _, r := range finding.Rules() {
		var b strings.Builder
		if err := explainCode(&b, r.Code); err != nil {
			t.Error(err)
		}
		if text := b.String(); !strings.Contains(text, r.Title) || strings.Count(text, "\n") < 6 || strings.ContainsAny(text, "`#") && !strings.Contains(text, "#mf") {
			t.Errorf("%s is explained by\n%s", r.Code, text)
		}
	}
	for _, c := range failure.Classes() {
		var b strings.Builder
		if err := explainCode(&b, string(c)); err != nil || !strings.Contains(b.String(), "What to do: ") {
			t.Errorf("%s: %v, %s", c, err, b.String())
		}
	}
}
