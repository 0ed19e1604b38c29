package text_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/reporttest"
	"github.com/modferry/modferry/internal/report/text"
)

// lineOf returns the words of the line of a verbose text that begins with the
// given ones.
func lineOf(t *testing.T, r *report.Result, begin string) string {
	t.Helper()
	for line := range strings.Lines(render(t, r, text.Options{Verbose: true})) {
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
			attempts = append(attempts, report.Attempt{Mirror: reporttest.Goproxy, Status: 404, Class: failure.NotFound, FirstByteMS: &ms, MS: 900})
		}
		if got, want := lineOf(t, reporttest.Answering(attempts...), reporttest.Goproxy+"|first byte|"), reporttest.Goproxy+"|first byte|"+tt.want; got != want {
			t.Errorf("of %d requests: found %q, want %q", tt.n, got, want)
		}
	}
}

func TestConnectingIsToldOfWhenItWasDoneOften(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "", 4: "", 5: reporttest.Goproxy + "|TLS|5|8.0 ms|–|–|8.0 ms"} {
		attempts := []report.Attempt{{Mirror: reporttest.Goproxy, Status: 200, MS: 9}}
		for range n {
			attempts = append(attempts, report.Attempt{Mirror: reporttest.Goproxy, Status: 200, TLSMS: reporttest.F(8), MS: 9})
		}
		if got := lineOf(t, reporttest.Answering(attempts...), reporttest.Goproxy+"|TLS|"); got != want {
			t.Errorf("after %d handshakes: found %q, want %q", n, got, want)
		}
	}
}
