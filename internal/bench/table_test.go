package main

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMedian(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		values []int64
		want   int64
	}{
		{"nothing has median zero", nil, 0},
		{"one value is its own median", []int64{7}, 7},
		{"an odd number of values has a middle one", []int64{9, 1, 5}, 5},
		{"an even number of values has two, and the median between them", []int64{8, 2, 4, 6}, 5},
		{"one slow run does not count", []int64{10, 11, 9000}, 11},
		{"large values do not overflow", []int64{math.MaxInt64, math.MaxInt64 - 2}, math.MaxInt64 - 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			before := append([]int64(nil), test.values...)
			if got := median(test.values); got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
			if diff := cmp.Diff(before, test.values); diff != "" {
				t.Errorf("the values were reordered: %s", diff)
			}
		})
	}
}

func TestFormatTime(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0:                         "0.000 s",
		8400 * time.Microsecond:   "0.008 s",
		1835 * time.Millisecond:   "1.83 s",
		22440 * time.Millisecond:  "22.4 s",
		116470 * time.Millisecond: "116 s",
	} {
		if got := formatTime(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}

// taking returns a series with samples of the given seconds and peaks of 90 MB.
func taking(seconds ...float64) series {
	var s series
	for _, v := range seconds {
		s.samples = append(s.samples, sample{elapsed: time.Duration(v * float64(time.Second)), peak: 90e6})
	}
	return s
}

// caching returns a series with samples of the given bytes in the cache service.
func caching(bytes ...int64) series {
	var s series
	for _, n := range bytes {
		s.samples = append(s.samples, sample{elapsed: time.Second, cached: n})
	}
	return s
}

func TestClaimCells(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		claim claim
		want  []string
	}{
		{
			"a wanted ratio that is reached is met",
			claim{text: "a", subject: taking(2, 1, 3), baseline: taking(12, 14, 10), atLeast: 6},
			[]string{"a", "2.00 s", "12.0 s", "6.0", "≥ 6", "met"},
		},
		{
			"a wanted ratio that is not reached is missed",
			claim{text: "a", subject: taking(2), baseline: taking(11), atLeast: 6},
			[]string{"a", "2.00 s", "11.0 s", "5.5", "≥ 6", "**missed**"},
		},
		{
			"a losing case is printed as such",
			claim{text: "a", subject: taking(2), baseline: taking(1)},
			[]string{"a", "2.00 s", "1.00 s", "0.5", "", "slower"},
		},
		{
			"a winning case without a wanted ratio has no verdict",
			claim{text: "a", subject: taking(1), baseline: taking(2)},
			[]string{"a", "1.00 s", "2.00 s", "2.0", "", ""},
		},
		{
			"a limit of time needs no baseline",
			claim{text: "a", subject: taking(0.1), within: 200 * time.Millisecond},
			[]string{"a", "0.100 s", "", "", "< 0.200 s", "met"},
		},
		{
			"a limit of memory shows memory",
			claim{text: "a", subject: taking(1), under: 80e6},
			[]string{"a", "90 MB", "", "", "< 80 MB", "**missed**"},
		},
		{
			"a peak that could not be measured meets nothing",
			claim{text: "a", subject: series{samples: []sample{{elapsed: time.Second}}}, under: 80e6},
			[]string{"a", "unknown", "", "", "< 80 MB", "unknown"},
		},
		{
			"a share of the bytes that is small enough is met",
			claim{text: "a", subject: caching(52e6, 50e6, 51e6), baseline: caching(100e6), atMost: 0.6},
			[]string{"a", "51 MB", "100 MB", "51 %", "≤ 60 %", "met"},
		},
		{
			"a share of the bytes that is too large is missed",
			claim{text: "a", subject: caching(2.5e6), baseline: caching(100e6), atMost: 0.02},
			[]string{"a", "2.50 MB", "100 MB", "2.5 %", "≤ 2 %", "**missed**"},
		},
		{
			"unknown bytes meet nothing",
			claim{text: "a", subject: caching(0), baseline: caching(100e6), atMost: 0.6},
			[]string{"a", "unknown", "100 MB", "0 %", "≤ 60 %", "**missed**"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, test.claim.cells()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReportIsMarkdown(t *testing.T) {
	t.Parallel()
	s := taking(2, 1)
	s.job, s.site, s.side = "job", "here", "a | b"
	var b strings.Builder
	err := writeReport(&b, []string{"Date: today."}, []claim{{text: "x", subject: s, baseline: taking(3)}}, []series{s})
	if err != nil {
		t.Fatal(err)
	}
	want := `- Date: today.

| case | modferry | other | ratio | wanted |  |
|---|---|---|---|---|---|
| x | 1.50 s | 3.00 s | 2.0 |  |  |

| job | site | commands | median | fastest | slowest | processor | peak memory | cached | requests to the mirror |
|---|---|---|---|---|---|---|---|---|---|
| job | here | a \| b | 1.50 s | 1.00 s | 2.00 s | 0.000 s | 90 MB |  |  |
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}
