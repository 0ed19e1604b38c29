package download_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
)

// A server may announce parts and send none: what it says of them is no word
// about the file that is on its way whole.
func TestARefusedPartDoesNotEndTheWholeFile(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 9<<20)
	answers := map[string]mirrortest.Fault{
		"the whole file": func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			r = r.Clone(r.Context())
			r.Header.Del("Range")
			next.ServeHTTP(w, r)
		},
	}
	for _, code := range []int{401, 403, 404, 410, 416, 451, 500} {
		answers[strconv.Itoa(code)] = mirrortest.Status(code)
	}
	for name, part := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			release := make(chan struct{})
			s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{
				{Path: "*.zip", Match: mirrortest.IsPart, Do: part},
				mirrortest.First(1, "*.zip", mirrortest.StallAfter(1<<20, release)),
			}})
			go func() {
				select {
				case <-s.ArrivedWith(func(r mirrortest.Request) bool { return r.Range() != "" }, 1):
				case <-t.Context().Done():
				}
				close(release)
			}()
			b := fetchtest.New(t, f, mirrortest.Checkout{})
			b.Values.NoProbe = true
			b.Values.StallTimeout = time.Minute
			b.Values.NoHedge = true // on a machine under load, any answer is slow
			r := b.Run(s.URL)
			fetchtest.WantOutcome(t, r, report.OK)
			b.Complete()
			whole := 0
			for _, r := range s.Matching("*.zip") {
				if r.Range() == "" {
					whole++
				}
			}
			if whole != 1 {
				t.Errorf("the whole file was asked for %d times", whole)
			}
		})
	}
}
