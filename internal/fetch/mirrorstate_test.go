package fetch_test

import (
	"testing"

	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
)

// The preflight asks for go.mod files, so that it finds a mirror healthy that
// fails every zip. The result knows better.
func TestAMirrorThatFailsAfterThePreflightIsNotHealthy(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 10, 100)
	zips := mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.Always("*.zip", mirrortest.Status(503))}}
	for _, tt := range []struct {
		name    string
		second  bool
		outcome report.Outcome
	}{
		{"nobody makes up for it", false, report.Incomplete},
		{"another mirror makes up for it", true, report.OK},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := mirrortest.Start(t, zips)
			b := fetchtest.New(t, f, mirrortest.Checkout{})
			b.Values.Retries = 1
			chain := s.URL
			if tt.second {
				chain += "|" + mirrortest.Start(t, mirrortest.Options{Fixtures: f}).URL
			}
			r := b.Run(chain)
			fetchtest.WantOutcome(t, r, tt.outcome)
			if m := r.Mirrors[0]; m.Failures > 0 && m.State != report.Degraded && m.State != report.Failing || m.Failures == 0 && !tt.second {
				t.Errorf("after the run: %+v", m)
			}
			if tt.second && r.Mirrors[1].State != report.Healthy {
				t.Errorf("the one that made up for it: %+v", r.Mirrors[1])
			}
		})
	}
}
