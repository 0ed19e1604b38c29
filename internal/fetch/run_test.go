package fetch_test

import (
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAMirrorWithoutTimesIsARemark(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 2, 100)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	s.Fault(mirrortest.Always("*.info", mirrortest.Status(404)))
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	b.Values.NoProbe = true
	r := b.Run(s.URL)
	fetchtest.WantOutcome(t, r, report.OK)
	if got := fetchtest.Found(r, "info-missing"); got == nil || !strings.Contains(got.Found, "2 .info files") {
		t.Errorf("found %+v, want info-missing of 2 files", got)
	}
}

func TestAZipThatTheFileSystemCannotHoldIsTold(t *testing.T) {
	t.Parallel()
	f := mirrortest.Build(t, mirrortest.Module{Path: "example.test/long", Version: "v1.0.0",
		Files: map[string]string{strings.Repeat("n", 300) + ".go": "package n\n"}})
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	b.Values.Extract = "all"
	b.WithCache()
	for _, how := range []string{"fetched", "present", "restored"} {
		if how == "restored" {
			b.Save()
			b.Afresh()
		}
		r := b.Run(s.URL)
		fetchtest.WantOutcome(t, r, report.OK)
		if got := fetchtest.Found(r, "zip-not-extractable"); got == nil || !strings.Contains(got.Found, "example.test/long@v1.0.0") {
			t.Errorf("%s: found %+v, want zip-not-extractable of the module", how, got)
		}
	}
}
