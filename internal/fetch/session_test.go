package fetch_test

import (
	"sync"
	"testing"

	"github.com/modferry/modferry/internal/fetch"
	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
)

// A session is opened once: runs that share it, one after the other or at the same
// time, add nothing to it.
func TestASessionServesSeveralRuns(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 5, 1000)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.Always("*.info", mirrortest.Status(404))}})
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	opened, err := b.Open(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	findings := len(opened.Findings) + len(opened.About)
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			rec := new(fetch.Recorder)
			r, chain := fetch.Run(t.Context(), opened, rec)
			fetchtest.WantOutcome(t, r, report.OK)
			if got := chain.List().String(); got != s.URL {
				t.Errorf("chain %s, want %s", got, s.URL)
			}
			if p := rec.Snapshot(); p.Done != p.Total || p.Total == 0 {
				t.Errorf("%d of %d done", p.Done, p.Total)
			}
		})
	}
	wg.Wait()
	r, _ := fetch.Run(t.Context(), opened, nil)
	fetchtest.WantOutcome(t, r, report.OK)
	if n := r.Totals.BySource[report.FromPresent]; n != 10 {
		t.Errorf("%d files were there already, want 10", n)
	}
	infos := 0
	for _, f := range r.Findings {
		if f.Check == "info-missing" {
			infos++
		}
	}
	if infos != 1 || len(opened.Findings)+len(opened.About) != findings {
		t.Errorf("the third run tells %d times of missing .info files, the session has %d findings, want 1 and %d", infos, len(opened.Findings)+len(opened.About), findings)
	}
}

func TestWhatFailedIsNotDone(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 5, 1000)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.Always("*"+f.All()[0].Path+"/@v/*.zip", mirrortest.Status(404))}})
	opened, err := fetchtest.New(t, f, mirrortest.Checkout{}).Open(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	rec := new(fetch.Recorder)
	r, _ := fetch.Run(t.Context(), opened, rec)
	fetchtest.WantOutcome(t, r, report.Incomplete)
	if p := rec.Snapshot(); p.Failed != 1 || p.Done != 4 || p.Total != 5 {
		t.Errorf("%d of %d done and %d failed, want 4 of 5 and 1", p.Done, p.Total, p.Failed)
	}
}
