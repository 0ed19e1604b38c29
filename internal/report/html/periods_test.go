package html_test

import (
	"io"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/markdown"
	"github.com/modferry/modferry/internal/report/reporttest"
)

func TestStatusCodesAreToldInTheCourseOfTheRun(t *testing.T) {
	t.Parallel()
	r := reporttest.Answering(
		report.Attempt{Mirror: reporttest.Goproxy, Status: 200, StartMS: 10, FirstByteMS: reporttest.F(20), MS: 950},                    // counts at 30 ms
		report.Attempt{Mirror: reporttest.Goproxy, Status: 200, StartMS: 90, FirstByteMS: reporttest.F(20), MS: 30},                     // at 110 ms
		report.Attempt{Mirror: reporttest.Goproxy, Status: 503, Class: failure.ServerError, StartMS: 120, MS: 5},                        // at 120 ms
		report.Attempt{Mirror: reporttest.Goproxy, Class: failure.ConnectTimeout, StartMS: 10, MS: 900},                                 // at 910 ms
		report.Attempt{Mirror: reporttest.Company, Status: 200, StartMS: 990, FirstByteMS: reporttest.F(10), MS: 10},                    // at the very end
		report.Attempt{Mirror: reporttest.Company, Status: 403, Class: failure.Forbidden, StartMS: -50, FirstByteMS: reporttest.F(-10)}, // nonsense
	)
	page := strings.ReplaceAll(htmlBetween(t, unlabelled(renderHTML(t, r)), "over the run</h3></summary>", "</details>"), "\n", "")
	for _, want := range []string{
		`<th scope="row">` + reporttest.Goproxy + `</th>`,
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
	r := reporttest.Answering(report.Attempt{Mirror: reporttest.Goproxy, Status: 200, StartMS: 1, MS: 5}, report.Attempt{Mirror: reporttest.Company, Status: 200, StartMS: 2, MS: 900})
	for name, got := range map[string]string{"html": renderHTML(t, r), "markdown": string(reporttest.Rendered(t, func(w io.Writer, r *report.Result) error { return markdown.Write(w, r, markdown.Options{}) }, r))} {
		if strings.Contains(got, "over the run") {
			t.Errorf("%s tells the course of a run whose requests were all answered at once", name)
		}
	}
}
