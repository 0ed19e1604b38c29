package report_test

import (
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
)

// What a mirror that refuses says of it belongs to the cause, and no remedy leads around
// a gatekeeper.
func TestWhatARefusingMirrorStates(t *testing.T) {
	t.Parallel()
	const policy, locked = "blocked by the policy block-critical of Xray", "The user: 'ci' is locked"
	for _, test := range []struct {
		name  string
		class failure.Class
		said  []string // of each module
		want  string
	}{
		{"a policy", failure.Forbidden, []string{policy, policy}, policy},
		{"a user", failure.Unauthorized, []string{locked}, locked},
		{"several reasons", failure.Forbidden, []string{policy, locked}, "e.g. " + policy},
		{"a reason for some", failure.Forbidden, []string{"", policy}, policy},
		{"no reason", failure.Forbidden, []string{"", ""}, ""},
		{"no refusal", failure.NotFound, []string{policy}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := &report.Result{Outcome: report.Incomplete}
			for i, said := range test.said {
				r.Modules = append(r.Modules, report.Module{Path: "example.test/" + string(rune('a'+i)), Version: "v1.0.0", Kind: report.KindZip, Source: report.FromFailed, Class: test.class,
					Attempts: []report.Attempt{{Mirror: "https://go.example.test", Class: test.class, Status: 403, Detail: said}}})
			}
			causes := report.Causes(r)
			if len(causes) != 1 || causes[0].Stated() != test.want {
				t.Errorf("causes %+v, want one that states %q", causes, test.want)
			}
			if test.class.Refusal() && strings.Contains(test.class.Remedy(), "PRIVATE") {
				t.Errorf("the remedy of %s is a way around: %s", test.class, test.class.Remedy())
			}
		})
	}
}
