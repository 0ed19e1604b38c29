package github

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/modferry/modferry/internal/failure"
)

func TestARateLimitEndsACheckRun(t *testing.T) {
	t.Parallel()
	api := newRESTAPI(t)
	hits := 0
	api.before = func(w http.ResponseWriter, _ *http.Request) bool {
		if hits++; hits < 3 {
			return false
		}
		w.Header().Set("Retry-After", "3600")
		refuse(w, http.StatusTooManyRequests, "slow down")
		return true
	}
	remark := publishCheck(t.Context(), api.repository(t), check(120))
	if !strings.HasPrefix(remark, "the check run has only 100 of 120 annotations: the rate limit of the server is reached") {
		t.Errorf("remark %q", remark)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestAShortRateLimitIsWaitedOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var bodies []string
		busy := roundTrip(func(r *http.Request) (*http.Response, error) {
			body, err := io.ReadAll(r.Body)
			bodies = append(bodies, string(body))
			resp := &http.Response{StatusCode: http.StatusCreated, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"id":77}`)), Request: r}
			if len(bodies) == 1 {
				resp.StatusCode = http.StatusForbidden
				resp.Header.Set("Retry-After", "2")
			}
			return resp, err
		})
		g, err := newRepositoryAPI(environment("GITHUB_REPOSITORY", "octo/ferry"), apiToken, "modferry/test", busy)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		remark := publishCheck(t.Context(), g, check(1))
		if remark != "" || time.Since(start) != 2*time.Second || len(bodies) != 2 || bodies[0] != bodies[1] {
			t.Errorf("%q after %v, sent %q", remark, time.Since(start), bodies)
		}
	})
}

// go-github answers itself where it knows that a limit is not over yet.
func TestARateLimitIsOneAlsoWhereGitHubSaysForbidden(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]string{"primary": "X-RateLimit-Remaining", "secondary": "Retry-After"} {
		api := newRESTAPI(t)
		api.before = func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("X-RateLimit-Reset", "99999999999")
			w.Header().Set(header, map[string]string{"X-RateLimit-Remaining": "0", "Retry-After": "3600"}[header])
			w.WriteHeader(http.StatusForbidden)
			w.Write([]byte(`{"message":"slow down","documentation_url":"https://docs.example.test/#secondary-rate-limits"}`))
			return true
		}
		g := api.repository(t)
		for _, said := range []string{"(HTTP 429: slow down)", "(HTTP 429)"} {
			if remark := publishCheck(t.Context(), g, check(1)); !strings.HasSuffix(remark, "the rate limit of the server is reached "+said) {
				t.Errorf("%s: %q", name, remark)
			}
		}
		if asked := api.asked(); len(asked) != 1 {
			t.Errorf("%s: asked %v", name, asked)
		}
	}
}

func TestAPageInsteadOfJSONIsABadResponse(t *testing.T) {
	t.Parallel()
	api := newRESTAPI(t)
	api.before = func(w http.ResponseWriter, _ *http.Request) bool {
		w.Write([]byte("<html>"))
		return true
	}
	if remark := publishCheck(t.Context(), api.repository(t), check(1)); !strings.Contains(remark, failure.BadResponse.Title()) {
		t.Error(remark)
	}
}

func TestACancelledRunPublishesNothing(t *testing.T) {
	t.Parallel()
	api := newRESTAPI(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if remark := publishCheck(ctx, api.repository(t), check(1)); !strings.Contains(remark, failure.Cancelled.Title()) {
		t.Error(remark)
	}
	if asked := api.asked(); len(asked) != 0 {
		t.Errorf("asked %v", asked)
	}
}

func TestAServerThatIsDownIsInformation(t *testing.T) {
	t.Parallel()
	api := newRESTAPI(t)
	g := api.repository(t)
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
		g := api.repository(t)
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
	g, err := newRepositoryAPI(environment("GITHUB_API_URL", api.URL+"/api/v3/", "GITHUB_REPOSITORY", "old/name"), apiToken, "modferry/test", nil)
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
	g := api.repository(t)
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
		g, err := newRepositoryAPI(environment("GITHUB_REPOSITORY", test.repository, "GITHUB_API_URL", test.server), test.token, "", nil)
		if (err == nil) != test.ok || (g == nil) == test.ok {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v holds a password", name, err)
		}
	}
}
