package forge

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/modferry/modferry/internal/failure"
)

// limited is a server in memory that hits a rate limit on the first requests. In
// a bubble of synctest there is no network.
type limited struct {
	status int
	header http.Header
	times  int // that the limit is hit

	bodies []string // of the requests
}

func (l *limited) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	l.bodies = append(l.bodies, string(body))
	resp := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: r}
	if len(l.bodies) <= l.times {
		resp.StatusCode, resp.Header = l.status, l.header
	}
	return resp, err
}

func server(t *testing.T, transport http.RoundTripper) *Server {
	t.Helper()
	s, err := NewServer("CI_API_V4_URL", "https://git.example.test/api", "hunter2", transport)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// post makes a request, and returns the status and how long it took.
func post(ctx context.Context, s *Server) (int, time.Duration, error) {
	start := time.Now()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL.String()+"x", strings.NewReader("whole"))
	if err != nil {
		return 0, 0, err
	}
	resp, err := s.Client.Do(r)
	if err != nil {
		return 0, time.Since(start), err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusOK {
		return http.StatusOK, time.Since(start), nil
	}
	var no *Refusal
	if err := s.Failed(resp, nil); !errors.As(err, &no) {
		return 0, time.Since(start), err
	}
	return no.Status, time.Since(start), nil
}

func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

func TestRateLimitsAreWaitedOutWithinABudget(t *testing.T) {
	t.Parallel()
	reset := func(seconds int) string { return "in " + strconv.Itoa(seconds) }
	tests := map[string]struct {
		status int
		header []string
		times  int
		waited time.Duration
		asked  int
		want   int // 429 also where GitHub says 403
	}{
		"429 with Retry-After":         {429, []string{"Retry-After", "2"}, 2, 4 * time.Second, 3, 200},
		"403 with Retry-After":         {403, []string{"Retry-After", "7"}, 1, 7 * time.Second, 2, 200},
		"reset in 5 s":                 {403, []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", reset(5)}, 1, 5 * time.Second, 2, 200},
		"Retry-After of 0":             {429, []string{"Retry-After", "0"}, 1, time.Second, 2, 200},
		"too long":                     {429, []string{"Retry-After", "3600"}, 1, 0, 1, 429},
		"reset in an hour":             {403, []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", reset(3600)}, 1, 0, 1, 429},
		"no word of when":              {429, nil, 1, 0, 1, 429},
		"again and again":              {429, []string{"Retry-After", "12"}, 9, 24 * time.Second, 3, 429},
		"an invalid number":            {429, []string{"Retry-After", "-1"}, 1, 0, 1, 429},
		"403 that is no limit":         {403, nil, 1, 0, 1, 403},
		"403 with requests left":       {403, []string{"X-RateLimit-Remaining", "10", "X-RateLimit-Reset", reset(5)}, 1, 0, 1, 403},
		"a date instead of seconds":    {429, []string{"Retry-After", "Tue, 14 Nov 2023 22:13:25 GMT"}, 1, 0, 1, 429},
		"reset that has passed by now": {429, []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", reset(-1000)}, 1, time.Second, 2, 200},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &limited{status: test.status, header: header(test.header...), times: test.times}
				if in, ok := strings.CutPrefix(s.header.Get("X-RateLimit-Reset"), "in "); ok {
					seconds, err := strconv.Atoi(in)
					if err != nil {
						t.Fatal(err)
					}
					s.header.Set("X-RateLimit-Reset", strconv.FormatInt(time.Now().Unix()+int64(seconds), 10))
				}
				status, waited, err := post(t.Context(), server(t, s))
				if err != nil {
					t.Fatal(err)
				}
				if status != test.want || waited != test.waited || len(s.bodies) != test.asked {
					t.Errorf("HTTP %d after %v and %d requests", status, waited, len(s.bodies))
				}
			})
		})
	}
}

func TestABudgetIsThatOfAllRequests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &limited{status: http.StatusTooManyRequests, header: header("Retry-After", "14"), times: 1}
		api := server(t, s)
		for i, want := range []int{200, 200, 429} {
			s.times = len(s.bodies) + 1
			if status, _, err := post(t.Context(), api); err != nil || status != want {
				t.Errorf("request %d: HTTP %d, %v; want %d", i, status, err, want)
			}
		}
	})
}

func TestAWaitEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &limited{status: http.StatusTooManyRequests, header: header("Retry-After", "9"), times: 9}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, waited, err := post(ctx, server(t, s))
		if !errors.Is(err, context.Canceled) || waited != time.Second || len(s.bodies) != 1 {
			t.Errorf("%v after %v and %d requests", err, waited, len(s.bodies))
		}
	})
}

func TestARequestIsSentAgainWhole(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &limited{status: http.StatusTooManyRequests, header: header("Retry-After", "1"), times: 2}
		status, _, err := post(t.Context(), server(t, s))
		if diff := cmp.Diff([]string{"whole", "whole", "whole"}, s.bodies); err != nil || diff != "" || status != http.StatusOK {
			t.Errorf("HTTP %d, %v (-want +got):\n%s", status, err, diff)
		}
	})
}

func TestARefusalSaysWhatTheServerSaid(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		header http.Header
		body   string
		want   string
	}{
		"GitHub":                      {422, nil, `{"message":"Validation Failed","errors":[{"code":"invalid","field":"head_sha"},"too old"]}`, "HTTP 422: Validation Failed; map[code:invalid field:head_sha]; too old"},
		"GitLab":                      {401, nil, `{"error":"invalid_token","error_description":"Token was revoked."}`, "HTTP 401: invalid_token; Token was revoked."},
		"GitLab, by field":            {400, nil, `{"message":{"body":["is too long"]}}`, "HTTP 400: map[body:[is too long]]"},
		"a page":                      {502, nil, "<html>", "HTTP 502"},
		"a rate limit that is no 429": {403, header("Retry-After", "3600"), `{"message":"slow down"}`, "HTTP 429: slow down"},
	} {
		resp := &http.Response{StatusCode: test.status, Header: test.header, Body: io.NopCloser(strings.NewReader(test.body))}
		if err := server(t, nil).Failed(resp, nil); err.Error() != test.want {
			t.Errorf("%s: got %v, want %s", name, err, test.want)
		}
	}
}

func TestAnAnswerThatIsNoJSONIsAnErrorOfTheNetwork(t *testing.T) {
	t.Parallel()
	err := server(t, nil).Failed(&http.Response{StatusCode: http.StatusOK}, errors.New("invalid character '<'"))
	if failure.As(err).Class != failure.BadResponse {
		t.Errorf("got %v", err)
	}
}
