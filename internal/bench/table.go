package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// median returns the middle value; of an even number of values the mean of the
// middle two, of none zero.
func median[T ~int64](values []T) T {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	// Not the sum: it may overflow.
	return sorted[middle-1] + (sorted[middle]-sorted[middle-1])/2
}

// A series is all samples of one side at one site.
type series struct {
	job     string // what was done, e.g. the project
	site    string
	side    string
	samples []sample
}

func (s series) elapsed() time.Duration {
	return median(collect(s.samples, func(s sample) time.Duration { return s.elapsed }))
}

func (s series) peak() int64 {
	return median(collect(s.samples, func(s sample) int64 { return s.peak }))
}

func collect[T any](samples []sample, value func(sample) T) []T {
	values := make([]T, len(samples))
	for i, s := range samples {
		values[i] = value(s)
	}
	return values
}

func (s series) cached() int64 {
	return median(collect(s.samples, func(s sample) int64 { return s.cached }))
}

// A claim is one comparison with what is wanted of it.
type claim struct {
	text    string
	subject series
	// baseline is what the subject is compared with; without samples, the
	// subject stands for itself.
	baseline series
	atLeast  float64       // wanted ratio of baseline to subject, 0 for none
	within   time.Duration // wanted limit of the subject's time, 0 for none
	under    int64         // wanted limit of the subject's peak memory in bytes, 0 for none
	// atMost is the wanted share of the subject's bytes in the cache service in
	// the baseline's, which are compared instead of times; 0 for none.
	atMost float64
	// perRequest compares processor times of a request, and overhead is how many
	// times the baseline's is wanted at most; 0 for none.
	perRequest bool
	overhead   float64
	// mostAsked is how many requests to the mirror for one file are wanted at most; 0
	// where that is not the question.
	mostAsked int
}

// ratio is how many times faster the subject is, 0 without a baseline.
func (c claim) ratio() float64 {
	if len(c.baseline.samples) == 0 || c.subject.elapsed() == 0 {
		return 0
	}
	return c.baseline.elapsed().Seconds() / c.subject.elapsed().Seconds()
}

// share is the subject's part of the baseline's bytes in the cache service, 0
// when one is unknown.
func (c claim) share() float64 {
	if c.baseline.cached() == 0 {
		return 0
	}
	return float64(c.subject.cached()) / float64(c.baseline.cached())
}

// cells returns the claim as a line of the table.
func (c claim) cells() []string {
	subject, baseline, ratio := formatTime(c.subject.elapsed()), "", ""
	if c.under > 0 {
		subject = formatBytes(c.subject.peak())
	}
	if c.atMost > 0 {
		subject, baseline, ratio = formatBytes(c.subject.cached()), formatBytes(c.baseline.cached()), formatShare(c.share())
	} else if r := c.ratio(); r > 0 {
		baseline, ratio = formatTime(c.baseline.elapsed()), fmt.Sprintf("%.1f", r)
	}
	wanted, met := "", false
	switch {
	case c.perRequest:
		return c.requestCells()
	case c.mostAsked > 0:
		n := median(collect(c.subject.samples, func(s sample) int64 { return int64(s.most) }))
		return []string{c.text, fmt.Sprint(n), "", "", fmt.Sprintf("≤ %d", c.mostAsked), verdictOf(n <= int64(c.mostAsked))}
	case c.atLeast > 0:
		wanted, met = fmt.Sprintf("≥ %g", c.atLeast), c.ratio() >= c.atLeast
	case c.within > 0:
		wanted, met = "< "+formatTime(c.within), c.subject.elapsed() < c.within
	case c.atMost > 0:
		wanted, met = "≤ "+formatShare(c.atMost), c.share() > 0 && c.share() <= c.atMost
	case c.under > 0:
		wanted, met = "< "+formatBytes(c.under), c.subject.peak() < c.under
	}
	verdict := ""
	switch {
	case c.under > 0 && c.subject.peak() == 0:
		verdict = "unknown"
	case met:
		verdict = "met"
	case wanted != "":
		verdict = "**missed**"
	case ratio != "" && c.ratio() < 1:
		verdict = "slower"
	}
	return []string{c.text, subject, baseline, ratio, wanted, verdict}
}

// requestCells are the cells of a claim about the processor time of a request.
func (c claim) requestCells() []string {
	of := func(s series) float64 {
		return float64(median(collect(s.samples, func(s sample) int64 { return int64(s.each() * 1e3) }))) / 1e3
	}
	subject, baseline := of(c.subject), of(c.baseline)
	ratio := subject / max(baseline, 1e-9)
	cells := []string{c.text, fmt.Sprintf("%.1f µs", subject), fmt.Sprintf("%.1f µs", baseline), fmt.Sprintf("%.2f", ratio), "", ""}
	if c.overhead > 0 {
		cells[4], cells[5] = fmt.Sprintf("≤ %g", c.overhead), verdictOf(ratio <= c.overhead)
	}
	return cells
}

func verdictOf(met bool) string {
	if met {
		return "met"
	}
	return "**missed**"
}

// writeReport writes the claims and the samples behind them as Markdown.
func writeReport(w io.Writer, preface []string, claims []claim, all []series) error {
	var b strings.Builder
	for _, line := range preface {
		fmt.Fprintf(&b, "- %s\n", line)
	}
	b.WriteString("\n")
	lines := [][]string{{"case", "modferry", "other", "ratio", "wanted", ""}}
	for _, c := range claims {
		lines = append(lines, c.cells())
	}
	writeTable(&b, lines)
	b.WriteString("\n")
	lines = [][]string{{"job", "site", "commands", "median", "fastest", "slowest", "processor", "peak memory", "cached", "requests to the mirror"}}
	for _, s := range all {
		times := collect(s.samples, func(s sample) time.Duration { return s.elapsed })
		cpu := collect(s.samples, func(s sample) time.Duration { return s.cpu })
		cached := ""
		if n := s.cached(); n > 0 {
			cached = formatBytes(n)
		}
		asked := ""
		if n := median(collect(s.samples, func(s sample) int64 { return int64(s.asked) })); n > 0 {
			asked = fmt.Sprint(n)
		}
		lines = append(lines, []string{
			s.job, s.site, s.side, formatTime(median(times)), formatTime(slices.Min(times)), formatTime(slices.Max(times)),
			formatTime(median(cpu)), formatBytes(s.peak()), cached, asked,
		})
	}
	writeTable(&b, lines)
	_, err := io.WriteString(w, b.String())
	return err
}

// writeTable writes lines as a Markdown table; the first is the heading.
func writeTable(b *strings.Builder, lines [][]string) {
	for i, cells := range lines {
		escaped := make([]string, len(cells))
		for j, cell := range cells {
			escaped[j] = strings.ReplaceAll(cell, "|", `\|`)
		}
		fmt.Fprintf(b, "| %s |\n", strings.Join(escaped, " | "))
		if i == 0 {
			b.WriteString(strings.Repeat("|---", len(cells)) + "|\n")
		}
	}
}

// formatTime returns seconds with three significant digits, but never more
// than milliseconds.
func formatTime(d time.Duration) string {
	s := d.Seconds()
	switch {
	case s >= 100:
		return fmt.Sprintf("%.0f s", s)
	case s >= 10:
		return fmt.Sprintf("%.1f s", s)
	case s >= 1:
		return fmt.Sprintf("%.2f s", s)
	}
	return fmt.Sprintf("%.3f s", s)
}

// formatBytes returns megabytes (of a million bytes), whole ones from 10 on, or
// kilobytes below a tenth; "unknown" for 0.
func formatBytes(n int64) string {
	switch mb := float64(n) / 1e6; {
	case n == 0:
		return "unknown"
	case mb < 0.1:
		return fmt.Sprintf("%.1f kB", mb*1e3)
	case mb < 10:
		return fmt.Sprintf("%.2f MB", mb)
	default:
		return fmt.Sprintf("%.0f MB", mb)
	}
}

// formatShare returns percent, whole ones from 10 on.
func formatShare(part float64) string {
	if part < 0.1 {
		return fmt.Sprintf("%.2g %%", part*100)
	}
	return fmt.Sprintf("%.0f %%", part*100)
}
