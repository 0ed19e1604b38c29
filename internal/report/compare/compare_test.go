package compare_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/compare"
	"github.com/modferry/modferry/internal/report/reporttest"
)

func compared(t *testing.T, old, new *report.Result) string {
	t.Helper()
	var b bytes.Buffer
	if err := compare.Write(&b, old, new); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestCompareIsAsInTheGoldenFiles(t *testing.T) {
	t.Parallel()
	reporttest.Golden(t, "testdata/good-to-gatekeeper.compare.txt", []byte(compared(t, reporttest.Good(), reporttest.Gatekeeper())))
	reporttest.Golden(t, "testdata/gatekeeper-to-good.compare.txt", []byte(compared(t, reporttest.Gatekeeper(), reporttest.Good())))
	reporttest.Golden(t, "testdata/dead-mirror-to-good.compare.txt", []byte(compared(t, reporttest.DeadMirror(), reporttest.Good())))
	reporttest.Golden(t, "testdata/good-to-good.compare.txt", []byte(compared(t, reporttest.Good(), reporttest.Good())))
}

func TestThePageHasBothRunsSideBySide(t *testing.T) {
	t.Parallel()
	page := func(old, new *report.Result) string {
		var b bytes.Buffer
		if err := compare.Page(&b, old, new); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	got := page(reporttest.Cold(), reporttest.Warm())
	for _, want := range []string{"acme/shop 4f9d2c8: modferry ok as before", ">Side by side</h2>", ">Downloads of both runs</h2>", ">49</td>", "miss", "partial", "Not directly comparable"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in the page", want)
		}
	}
	evil := `</td></script><img src=x onerror=FORGED()><a href="javascript:FORGED()">`
	if got := page(reporttest.Hostile(evil), reporttest.Hostile(evil+"2")); strings.Contains(got, "<img") || strings.Contains(got, "<a href=\"javascript") || strings.Contains(got, "s3cret") {
		t.Error("the page has foreign elements or a password")
	}
}

func TestCompareSaysWhatChanged(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(r *report.Result)
		want   string
	}{
		{"the outcome", func(r *report.Result) { r.Outcome = report.Incomplete }, "ok → incomplete"},
		{"a slower run", func(r *report.Result) { r.Totals.MS *= 3 }, "the run got slower: 4.9 s → 14.7 s"},
		{"a faster run", func(r *report.Result) { r.Totals.MS /= 3 }, "the run got faster: 4.9 s → 1.6 s"},
		{"a mirror's state", func(r *report.Result) { r.Mirrors[0].State, r.Mirrors[0].Class = report.Failing, failure.Refused },
			reporttest.Goproxy + ": healthy → failing (connection refused)"},
		{"a mirror's place", func(r *report.Result) { r.Mirrors[1].Rank = 0 }, reporttest.Company + ": place 2 → left out in the chain"},
		{"a mirror's first byte", func(r *report.Result) { r.Mirrors[0].FirstByteMS = reporttest.F(800) }, reporttest.Goproxy + ": first byte slower: 41 ms → 800 ms"},
		{"a mirror's throughput", func(r *report.Result) { r.Mirrors[0].ThroughputBPS = reporttest.F(1_000_000) }, reporttest.Goproxy + ": throughput 38.6 MB/s → 1.0 MB/s"},
		{"a new mirror", func(r *report.Result) {
			r.Mirrors = append(r.Mirrors, report.Mirror{URL: reporttest.Dead, State: report.Failing, Class: failure.NameLookup})
		}, reporttest.Dead + ": new, failing (name lookup failed)"},
		{"a mirror that is gone", func(r *report.Result) { r.Mirrors = r.Mirrors[:1] }, reporttest.Company + ": no longer in the run, was slow"},
		{"the cache", func(r *report.Result) { r.Cache.Hit = "miss" }, "hit: partial → miss"},
		{"a setting", func(r *report.Result) { r.Settings.GOPRIVATE = "" }, "GOPRIVATE: git.company.example.test → nothing"},
		{"a new module", func(r *report.Result) {
			r.Modules = append(r.Modules, report.Module{Path: "example.test/new", Version: "v1.0.0", Kind: report.KindZip, Source: report.FromCache})
		}, "New (1 module)\n  example.test/new@v1.0.0\n"},
		{"a module that is gone", func(r *report.Result) { r.Modules = r.Modules[:len(r.Modules)-1] }, "Gone (1 module)\n  git.company.example.test/team/tool2@v0.1.0\n"},
		{"a module in another version", func(r *report.Result) { r.Modules[len(r.Modules)-1].Version = "v0.2.0" },
			"In a different version (1 module)\n  git.company.example.test/team/tool2: v0.1.0 → v0.2.0\n"},
		{"a go.mod file of another version", func(r *report.Result) { r.Modules[0].Version = "v9.0.0" },
			"Modules of which only the go.mod file is needed\n  1 new, 0 gone\n"},
		{"slower first bytes", func(r *report.Result) {
			for _, m := range r.Modules {
				for i := range m.Attempts {
					m.Attempts[i].FirstByteMS = reporttest.F(700)
				}
			}
		}, reporttest.Goproxy + ": first byte of requests, p95 of 25 and 27, slower: 25 ms → 700 ms"},
		{"the checksum database", func(r *report.Result) { r.SumDB = &report.SumDB{Name: "sum.example.test", Class: failure.Timeout} },
			"checksum database sum.example.test: reached through " + reporttest.Goproxy + " → not reached (" + failure.Timeout.Title() + ")"},
		{"another machine", func(r *report.Result) { r.Machine.CPUs = 8 }, "the machines differ: linux/amd64 with 2 CPUs → linux/amd64 with 8 CPUs"},
		{"an unknown machine", func(r *report.Result) { r.Machine = nil }, "the machines differ: linux/amd64 with 2 CPUs → unknown"},
		{"another scope", func(r *report.Result) { r.Settings.Scope = "build" }, "the scopes differ: imports → build"},
		{"an interrupted run", func(r *report.Result) { r.Interrupted = true }, "the new run was interrupted"},
		{"the wrong order", func(r *report.Result) { r.Started = "2026-11-19T13:35:00Z" }, "the new run began before the old one"},
		{"other work", func(r *report.Result) { r.Modules = r.Modules[:60] },
			"different files were fetched from mirrors: 28 of 81, then 10 of 60 files needed; 10 files both times"},
		{"a time of other work", func(r *report.Result) { r.Modules, r.Totals.MS = r.Modules[:60], 900 }, "the run took, for different work: 4.9 s → 900 ms"},
		{"another purpose", func(r *report.Result) { r.Modules = nil }, "the runs were for different things: a fetch → a preflight"},
		{"a module that fails now", func(r *report.Result) {
			r.Modules[0].Source, r.Modules[0].Class, r.Modules[0].Message = report.FromFailed, failure.Gone, "it is gone"
		}, "Now failing\n  github.com/spf13/cobra@v1.0.0/go.mod: it is gone\n"},
		{"a slower download", func(r *report.Result) { r.Modules[74].MS += 9000 }, "Slower downloads (1 of 28 files that both runs fetched; 0 got faster)\n  rsc.io/quote@v1.24.0: 999 ms → 10.0 s\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			old, changed := reporttest.Good(), reporttest.Good()
			tt.change(changed)
			if same := compared(t, old, reporttest.Good()); strings.Contains(same, tt.want) {
				t.Fatalf("said without any change:\n%s", same)
			}
			if got := compared(t, old, changed); !strings.Contains(got, tt.want) {
				t.Errorf("found\n%s\nwant it to say %q", got, tt.want)
			}
		})
	}
}

func TestCompareOfHostileTextIsHarmless(t *testing.T) {
	t.Parallel()
	reporttest.Harmless(t, "to", []byte(compared(t, reporttest.Good(), reporttest.Hostile(reporttest.Evil))))
	reporttest.Harmless(t, "from", []byte(compared(t, reporttest.Hostile(reporttest.Evil), reporttest.Good())))
	reporttest.Harmless(t, "within", []byte(compared(t, reporttest.Hostile(reporttest.Evil), reporttest.Hostile(reporttest.Evil+"x"))))
}
