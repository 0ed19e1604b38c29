package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/modferry/modferry/action/forge"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/store"
)

func TestRateLimitsAreWaitedOutWithinABudget(t *testing.T) {
	t.Parallel()
	second := time.Second
	tests := map[string]struct {
		status  int
		headers []string
		times   int // that the limit is hit
		slept   []time.Duration
		ok      bool
	}{
		"429 with Retry-After":         {429, []string{"Retry-After", "2"}, 2, []time.Duration{2 * second, 2 * second}, true},
		"403 with Retry-After":         {403, []string{"Retry-After", "7"}, 1, []time.Duration{7 * second}, true},
		"reset in 5 s":                 {403, []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "1700000005"}, 1, []time.Duration{5 * second}, true},
		"Retry-After of 0":             {429, []string{"Retry-After", "0"}, 1, []time.Duration{second}, true},
		"too long":                     {429, []string{"Retry-After", "3600"}, 1, nil, false},
		"reset in an hour":             {403, []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "1700003600"}, 1, nil, false},
		"no word of when":              {429, nil, 1, nil, false},
		"again and again":              {429, []string{"Retry-After", "12"}, 9, []time.Duration{12 * second, 12 * second}, false},
		"a number that is none":        {429, []string{"Retry-After", "-1"}, 1, nil, false},
		"403 that is no limit":         {403, nil, 1, nil, false},
		"403 with requests left":       {403, []string{"X-RateLimit-Remaining", "10", "X-RateLimit-Reset", "1700000005"}, 1, nil, false},
		"a date instead of seconds":    {429, []string{"Retry-After", "Tue, 14 Nov 2023 22:13:25 GMT"}, 1, nil, false},
		"reset that has passed by now": {429, []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "1600000000"}, 1, []time.Duration{second}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := newRESTAPI(t)
			hits := 0
			api.before = func(w http.ResponseWriter, _ *http.Request) bool {
				if hits++; hits > test.times {
					return false
				}
				for i := 0; i < len(test.headers); i += 2 {
					w.Header().Set(test.headers[i], test.headers[i+1])
				}
				refuse(w, test.status, "You have exceeded a secondary rate limit")
				return true
			}
			g, slept := api.repository(t)
			remark := publishCheck(t.Context(), g, check(3))
			if (remark == "") != test.ok {
				t.Errorf("remark %q", remark)
			}
			if diff := cmp.Diff(test.slept, *slept); diff != "" {
				t.Errorf("slept (-want +got):\n%s", diff)
			}
			if test.ok && len(api.checks) != 1 {
				t.Errorf("%d check runs, want 1", len(api.checks))
			}
		})
	}
}

func TestABudgetIsThatOfAllRequests(t *testing.T) {
	t.Parallel()
	api := newRESTAPI(t)
	hits := 0
	api.before = func(w http.ResponseWriter, _ *http.Request) bool {
		if hits++; hits%2 == 0 {
			return false
		}
		w.Header().Set("Retry-After", "14")
		refuse(w, http.StatusTooManyRequests, "slow down")
		return true
	}
	g, slept := api.repository(t)
	remark := publishCheck(t.Context(), g, check(120))
	if !strings.HasPrefix(remark, "the check run has only 100 of 120 annotations: the rate limit of the server is reached") || len(*slept) != 2 {
		t.Errorf("remark %q after %v", remark, *slept)
	}
}

func TestAWaitEndsWithTheContext(t *testing.T) {
	t.Parallel()
	api := newRESTAPI(t)
	ctx, cancel := context.WithCancel(t.Context())
	api.before = func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusTooManyRequests, "slow down")
		return true
	}
	g, err := newRepositoryAPI(environment("GITHUB_API_URL", api.URL+"/api/v3", "GITHUB_REPOSITORY", "octo/ferry"), forge.Options{
		Token: apiToken, Transport: api.Client().Transport,
		Sleep: func(ctx context.Context, _ time.Duration) error { cancel(); return ctx.Err() },
	})
	if err != nil {
		t.Fatal(err)
	}
	if remark := publishCheck(ctx, g, check(1)); !strings.Contains(remark, failure.Cancelled.Title()) {
		t.Error(remark)
	}
	if asked := api.asked(); len(asked) != 1 {
		t.Errorf("asked %v", asked)
	}
	if err := store.Sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("sleep returned %v", err)
	}
	if err := store.Sleep(t.Context(), 1); err != nil {
		t.Error(err)
	}
}

func TestAServerThatIsDownIsInformation(t *testing.T) {
	t.Parallel()
	api := newRESTAPI(t)
	g, _ := api.repository(t)
	api.Close()
	if remark := publishCheck(t.Context(), g, check(1)); !strings.HasPrefix(remark, "the check run was not published: ") || !strings.Contains(remark, failure.Refused.Title()) {
		t.Error(remark)
	}
	if remark := comment(t, g, 5, "job", "bad", true); !strings.Contains(remark, failure.Refused.Title()) {
		t.Error(remark)
	}
}

func TestTheTokenStaysAtItsServer(t *testing.T) {
	t.Parallel()
	strange := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s %s came with %q", r.Method, r.URL, r.Header)
	}))
	t.Cleanup(strange.Close)
	for _, status := range []int{301, 302, 307, 308} {
		api := newRESTAPI(t)
		api.before = func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, strange.URL+"/api/v3/repos/octo/ferry/check-runs", status)
			return true
		}
		g, _ := api.repository(t)
		if remark := publishCheck(t.Context(), g, check(1)); !strings.Contains(remark, fmt.Sprint("HTTP ", status)) {
			t.Errorf("HTTP %d: %q", status, remark)
		}
	}
}

func TestARenamedRepositoryIsFollowed(t *testing.T) {
	t.Parallel()
	api := newRESTAPI(t)
	api.before = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "/old/") {
			http.Redirect(w, r, api.URL+strings.Replace(r.URL.Path, "/old/name/", "/octo/ferry/", 1), http.StatusTemporaryRedirect)
			return true
		}
		return false
	}
	g, err := newRepositoryAPI(environment("GITHUB_API_URL", api.URL+"/api/v3/", "GITHUB_REPOSITORY", "old/name"), forge.Options{Token: apiToken, Agent: "modferry/test"})
	if err != nil {
		t.Fatal(err)
	}
	if remark := publishCheck(t.Context(), g, check(1)); remark != "" || len(api.checks) != 1 {
		t.Errorf("%q, %d check runs", remark, len(api.checks))
	}
}

func TestARedirectThatMakesAnotherRequestIsARefusal(t *testing.T) {
	t.Parallel()
	api := newRESTAPI(t)
	api.before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet {
			w.Write([]byte(`{"id":1}`)) // what a check run would look like
			return true
		}
		http.Redirect(w, r, r.URL.Path, http.StatusMovedPermanently)
		return true
	}
	g, _ := api.repository(t)
	if remark := publishCheck(t.Context(), g, check(1)); !strings.Contains(remark, "HTTP 301") {
		t.Errorf("remark %q", remark)
	}
}

func TestPublisherNeedsARepositoryAServerAndAToken(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		repository, server, token string
		ok                        bool
	}{
		"all of it":             {"octo/ferry", "https://git.example.test/api/v3", apiToken, true},
		"github.com by default": {"octo/ferry.go_1-2", "", apiToken, true},
		"no token":              {"octo/ferry", "", "", false},
		"no repository":         {"", "", apiToken, false},
		"no owner":              {"/ferry", "", apiToken, false},
		"a path":                {"octo/ferry/issues", "", apiToken, false},
		"dots":                  {"../ferry", "", apiToken, false},
		"a query":               {"octo/ferry?x=", "", apiToken, false},
		"another scheme":        {"octo/ferry", "file:///api", apiToken, false},
		"no host":               {"octo/ferry", "https://", apiToken, false},
		"credentials":           {"octo/ferry", "https://user:hunter2@git.example.test/api", apiToken, false},
	}
	for name, test := range tests {
		g, err := newRepositoryAPI(environment("GITHUB_REPOSITORY", test.repository, "GITHUB_API_URL", test.server), forge.Options{Token: test.token})
		if (err == nil) != test.ok || (g == nil) == test.ok {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v holds a password", name, err)
		}
	}
}
