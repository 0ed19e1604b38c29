package report_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
)

// answering is a run with one file and one attempt for each given attempt.
func answering(attempts ...report.Attempt) *report.Result {
	r := start(report.OK)
	for i, a := range attempts {
		source := report.FromMirror
		if a.Class != "" {
			source = report.FromFailed
		}
		r.Modules = append(r.Modules, report.Module{Path: fmt.Sprintf("a.example.test/m%d", i), Version: "v1.0.0", Kind: report.KindZip,
			Source: source, Class: a.Class, Mirror: a.Mirror, StartMS: a.StartMS, MS: a.MS, Attempts: []report.Attempt{a}})
	}
	return finish(r, 1000)
}

// lineOf returns the words of the line of a verbose text that begins with the
// given ones.
func lineOf(t *testing.T, r *report.Result, begin string) string {
	t.Helper()
	for line := range strings.Lines(render(t, r, report.TextOptions{Verbose: true})) {
		if line = strings.Join(regexp.MustCompile(`\s{2,}`).Split(strings.TrimSpace(line), -1), "|"); strings.HasPrefix(line, begin) {
			return line
		}
	}
	return ""
}

func TestPercentilesAreToldOnlyOfEnoughRequests(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		n    int
		want string // requests, p50, p95, p99, longest
	}{
		{1, "1|–|–|–|1.0 ms"},
		{4, "4|–|–|–|4.0 ms"},
		{5, "5|3.0 ms|–|–|5.0 ms"},
		{19, "19|10 ms|–|–|19 ms"},
		{20, "20|10 ms|19 ms|–|20 ms"},
		{99, "99|50 ms|95 ms|–|99 ms"},
		{100, "100|50 ms|95 ms|99 ms|100 ms"},
		{200, "200|100 ms|190 ms|198 ms|200 ms"},
	} {
		var attempts []report.Attempt
		for i := range tt.n {
			ms := float64(tt.n - i)
			attempts = append(attempts, report.Attempt{Mirror: goproxy, Status: 404, Class: failure.NotFound, FirstByteMS: &ms, MS: 900})
		}
		if got, want := lineOf(t, answering(attempts...), goproxy+"|first byte|"), goproxy+"|first byte|"+tt.want; got != want {
			t.Errorf("of %d requests: found %q, want %q", tt.n, got, want)
		}
	}
}

func TestConnectingIsToldOfWhenItWasDoneOften(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "", 4: "", 5: goproxy + "|TLS|5|8.0 ms|–|–|8.0 ms"} {
		attempts := []report.Attempt{{Mirror: goproxy, Status: 200, MS: 9}}
		for range n {
			attempts = append(attempts, report.Attempt{Mirror: goproxy, Status: 200, TLSMS: f(8), MS: 9})
		}
		if got := lineOf(t, answering(attempts...), goproxy+"|TLS|"); got != want {
			t.Errorf("after %d handshakes: found %q, want %q", n, got, want)
		}
	}
}

func TestStatusCodesAreToldInTheCourseOfTheRun(t *testing.T) {
	t.Parallel()
	r := answering(
		report.Attempt{Mirror: goproxy, Status: 200, StartMS: 10, FirstByteMS: f(20), MS: 950},                    // counts at 30 ms
		report.Attempt{Mirror: goproxy, Status: 200, StartMS: 90, FirstByteMS: f(20), MS: 30},                     // at 110 ms
		report.Attempt{Mirror: goproxy, Status: 503, Class: failure.ServerError, StartMS: 120, MS: 5},             // at 120 ms
		report.Attempt{Mirror: goproxy, Class: failure.ConnectTimeout, StartMS: 10, MS: 900},                      // at 910 ms
		report.Attempt{Mirror: company, Status: 200, StartMS: 990, FirstByteMS: f(10), MS: 10},                    // at the very end
		report.Attempt{Mirror: company, Status: 403, Class: failure.Forbidden, StartMS: -50, FirstByteMS: f(-10)}, // nonsense
	)
	page := strings.ReplaceAll(htmlBetween(t, renderHTML(t, r), "in the course of the run</h2>", "</section>"), "\n", "")
	for _, want := range []string{
		`<th scope="row">` + goproxy + `</th>`,
		`data-sort="0">0 ms to 100 ms</td><td>1 × 200</td>`,
		`data-sort="100">100 ms to 200 ms</td><td>1 × 200, 1 × 503</td>`,
		`data-sort="900">900 ms to 1.0 s</td><td>1 × connection timed out</td>`,
		`data-sort="900">900 ms to 1.0 s</td><td>1 × 200</td>`,
		`data-sort="0">0 ms to 100 ms</td><td>1 × 403</td>`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%s is not in the page", want)
		}
	}
	if n := strings.Count(page, " ms to "); n != 5 {
		t.Errorf("%d spans of time, want those 5 in which something was asked", n)
	}
}

func TestARunOfOneSpanHasNoCourse(t *testing.T) {
	t.Parallel()
	r := answering(report.Attempt{Mirror: goproxy, Status: 200, StartMS: 1, MS: 5}, report.Attempt{Mirror: company, Status: 200, StartMS: 2, MS: 900})
	for name, got := range map[string]string{"html": renderHTML(t, r), "markdown": markdown(t, r, report.MarkdownOptions{})} {
		if strings.Contains(got, "in the course of the run") {
			t.Errorf("%s tells the course of a run whose requests were all answered at once", name)
		}
	}
}
