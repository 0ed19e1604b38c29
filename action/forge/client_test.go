package forge

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestARequestIsSentAgainWhole(t *testing.T) {
	t.Parallel()
	var bodies []string
	p := &patient{left: time.Minute, now: time.Now, sleep: func(context.Context, time.Duration) error { return nil },
		next: roundTrip(func(r *http.Request) (*http.Response, error) {
			body, err := io.ReadAll(r.Body)
			bodies = append(bodies, string(body))
			resp := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody}
			if len(bodies) < 3 {
				resp.StatusCode = http.StatusTooManyRequests
				resp.Header.Set("Retry-After", "1")
			}
			return resp, err
		})}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://git.example.test/", strings.NewReader("whole"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := p.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if diff := cmp.Diff([]string{"whole", "whole", "whole"}, bodies); diff != "" || resp.StatusCode != http.StatusOK {
		t.Errorf("HTTP %d (-want +got):\n%s", resp.StatusCode, diff)
	}
}
