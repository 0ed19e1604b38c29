package report_test

import (
	"math"
	"testing"

	"github.com/modferry/modferry/internal/report"
)

func TestSizesAreReadable(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{
		0: "0 B", 1: "1 B", 999: "999 B", 1000: "1.0 kB", 1049: "1.0 kB", 1050: "1.1 kB", 99_949: "99.9 kB", 99_950: "100 kB",
		999_499: "999 kB", 999_500: "1.0 MB", 22_300_000: "22.3 MB", 189_000_000: "189 MB", 1_400_000_000: "1.4 GB",
		999_500_000_000: "1.0 TB", math.MaxInt64: "9223372 TB", -5: "-5 B", math.MinInt64: "-9223372 TB",
	} {
		if got := report.Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestDurationsAreReadable(t *testing.T) {
	t.Parallel()
	for ms, want := range map[float64]string{
		0: "0 ms", 0.04: "<0.1 ms", 0.06: "0.1 ms", 3.14: "3.1 ms", 9.94: "9.9 ms", 9.96: "10 ms", 999.4: "999 ms", 999.6: "1.0 s",
		1900: "1.9 s", 59_949: "59.9 s", 59_950: "1 min 0 s", 125_000: "2 min 5 s", 3_599_499: "59 min 59 s", 3_599_501: "1 h 0 min",
		3_720_000: "1 h 2 min", -1: "?", math.Inf(1): "?", math.Inf(-1): "?", 1e308: "596523 h 14 min",
	} {
		if got := report.Millis(ms); got != want {
			t.Errorf("Millis(%v) = %q, want %q", ms, got, want)
		}
	}
	if got := report.Millis(math.NaN()); got != "?" {
		t.Errorf("Millis(NaN) = %q, want ?", got)
	}
}

func TestAnUnknownRateIsNotTold(t *testing.T) {
	t.Parallel()
	for bps, want := range map[float64]string{38_600_000: "38.6 MB/s", 1: "1 B/s", 0.5: "", 0: "", -3: "", math.Inf(1): ""} {
		if got := report.Rate(bps); got != want {
			t.Errorf("Rate(%v) = %q, want %q", bps, got, want)
		}
	}
	if got := report.Rate(math.NaN()); got != "" {
		t.Errorf("Rate(NaN) = %q, want nothing", got)
	}
}
