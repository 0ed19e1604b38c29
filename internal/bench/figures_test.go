package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFiguresAreTheReportAsData(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "figures.json")
	fast := series{job: "job", site: "here", side: "fast", samples: []sample{{elapsed: 2 * time.Second, parts: []time.Duration{2 * time.Second}, cpu: time.Second, peak: 5, cached: 7000}}}
	slow := series{job: "job", site: "here", side: "slow", samples: []sample{{elapsed: 8 * time.Second, cached: 14000}}}
	claims := []claim{{text: "times", subject: fast, baseline: slow, atLeast: 3}, {text: "bytes", subject: fast, baseline: slow, atMost: 0.6}}
	if err := writeFigures(name, []string{"Date: today."}, claims, []series{fast, slow}); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var got figures
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	want := figures{
		Preface: []string{"Date: today."},
		Claims: []claimFigures{
			{Case: "times", Subject: "2.00 s", Baseline: "8.00 s", Ratio: 4, Wanted: "≥ 3", Verdict: "met"},
			{Case: "bytes", Subject: "7.0 kB", Baseline: "14.0 kB", Share: 0.5, Wanted: "≤ 60 %", Verdict: "met"},
		},
		Series: []seriesFigures{
			{Job: "job", Site: "here", Side: "fast", Samples: []sampleFigures{{Seconds: 2, Parts: []float64{2}, Processor: 1, Peak: 5, Cached: 7000}}},
			{Job: "job", Site: "here", Side: "slow", Samples: []sampleFigures{{Seconds: 8, Cached: 14000}}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
