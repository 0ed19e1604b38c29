package action

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/httpx"
	"github.com/modferry/modferry/internal/report"
)

const (
	apiToken = "token-of-the-job-4711"
	headSHA  = "0123456789abcdef0123456789abcdef01234567"
)

// restAPI is GitHub's REST API as far as the action uses it, on loopback, for
// the repository octo/ferry at a server with a path of its own.
type restAPI struct {
	*httptest.Server
	// before may answer in place of the API; it then returns true.
	before func(w http.ResponseWriter, r *http.Request) bool

	mu       sync.Mutex
	requests []string // "POST /check-runs"
	checks   []map[string]any
	comments []apiComment
	lastID   int64
}

type apiComment struct {
	ID   int64   `json:"id"`
	Body string  `json:"body"`
	User apiUser `json:"user"`
}

type apiUser struct {
	Login string `json:"login"`
	Type  string `json:"type"`
}

func newRESTAPI(t testing.TB) *restAPI {
	t.Helper()
	a := &restAPI{}
	repo := "/api/v3/repos/octo/ferry"
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+repo+"/check-runs", a.putCheck)
	mux.HandleFunc("PATCH "+repo+"/check-runs/{id}", a.putCheck)
	mux.HandleFunc("GET "+repo+"/issues/{number}/comments", a.list)
	mux.HandleFunc("POST "+repo+"/issues/{number}/comments", a.create)
	mux.HandleFunc("PATCH "+repo+"/issues/comments/{id}", a.edit)
	mux.HandleFunc("DELETE "+repo+"/issues/comments/{id}", a.edit)
	mux.HandleFunc("GET /api/v3/user", func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusForbidden, "Resource not accessible by integration")
	})
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		a.requests = append(a.requests, r.Method+" "+strings.TrimPrefix(r.URL.Path, repo))
		a.mu.Unlock()
		if a.before != nil && a.before(w, r) {
			return
		}
		if r.Header.Get("Authorization") != "Bearer "+apiToken || r.UserAgent() != "modferry/test" {
			refuse(w, http.StatusUnauthorized, "Bad credentials")
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(a.Close)
	return a
}

func refuse(w http.ResponseWriter, status int, message string) {
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"message": message})
}

func (a *restAPI) putCheck(w http.ResponseWriter, r *http.Request) {
	var body map[string]any
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	output, _ := body["output"].(map[string]any)
	annotations, _ := output["annotations"].([]any)
	if len(annotations) > 50 || output["title"] == "" || output["summary"] == "" || body["name"] == "" {
		refuse(w, http.StatusUnprocessableEntity, "Invalid request")
		return
	}
	for _, x := range annotations {
		x := x.(map[string]any)
		if x["path"] == "" || x["start_line"] == 0.0 || x["end_line"] == 0.0 || x["message"] == "" {
			refuse(w, http.StatusUnprocessableEntity, "Invalid annotation")
			return
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.checks = append(a.checks, body)
	json.NewEncoder(w).Encode(map[string]any{"id": 77})
}

func (a *restAPI) list(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	page, _ := strconv.Atoi(r.URL.Query().Get("page"))
	size, _ := strconv.Atoi(r.URL.Query().Get("per_page"))
	from := min(max(page-1, 0)*size, len(a.comments))
	to := min(from+size, len(a.comments))
	if to < len(a.comments) {
		w.Header().Set("Link", fmt.Sprintf(`<%s%s?per_page=%d&page=%d>; rel="next"`, a.URL, r.URL.Path, size, max(page, 1)+1))
	}
	json.NewEncoder(w).Encode(slices.Clone(a.comments[from:to]))
}

func (a *restAPI) create(w http.ResponseWriter, r *http.Request) {
	var c apiComment
	json.NewDecoder(r.Body).Decode(&c)
	a.mu.Lock()
	defer a.mu.Unlock()
	if c.Body == "" || len(c.Body) > 65536 {
		refuse(w, http.StatusUnprocessableEntity, "body is too long")
		return
	}
	a.lastID++
	c.ID, c.User = a.lastID, apiUser{"github-actions[bot]", "Bot"}
	a.comments = append(a.comments, c)
	w.WriteHeader(http.StatusCreated)
	json.NewEncoder(w).Encode(c)
}

func (a *restAPI) edit(w http.ResponseWriter, r *http.Request) {
	var change apiComment
	json.NewDecoder(r.Body).Decode(&change)
	a.mu.Lock()
	defer a.mu.Unlock()
	i := slices.IndexFunc(a.comments, func(c apiComment) bool { return fmt.Sprint(c.ID) == r.PathValue("id") })
	switch {
	case i < 0:
		refuse(w, http.StatusNotFound, "Not Found")
	case r.Method == http.MethodDelete:
		a.comments = slices.Delete(a.comments, i, i+1)
		w.WriteHeader(http.StatusNoContent)
	default:
		a.comments[i].Body = change.Body
		json.NewEncoder(w).Encode(a.comments[i])
	}
}

// write puts a comment of somebody else there.
func (a *restAPI) write(body string, by apiUser) int64 {
	a.lastID++
	a.comments = append(a.comments, apiComment{ID: a.lastID, Body: body, User: by})
	return a.lastID
}

// asked returns the requests since the last call.
func (a *restAPI) asked() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := a.requests
	a.requests = nil
	return all
}

// publisher returns a Publisher of the API and what it slept.
func (a *restAPI) publisher(t testing.TB) (Publisher, *[]time.Duration) {
	t.Helper()
	var slept []time.Duration
	p, err := newPublisher(publisherOptions{
		Getenv: environment("GITHUB_API_URL", a.URL+"/api/v3", "GITHUB_REPOSITORY", "octo/ferry"),
		Token:  apiToken, Agent: "modferry/test",
		Transport: a.Client().Transport,
		Sleep: func(ctx context.Context, d time.Duration) error {
			slept = append(slept, d)
			return ctx.Err()
		},
		Now: func() time.Time { return time.Unix(1_700_000_000, 0) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return p, &slept
}

// environment returns the variables given as name, value, name, value.
func environment(pairs ...string) func(string) string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return func(name string) string { return m[name] }
}

func check(annotations int) Check {
	c := Check{Name: "modferry", SHA: headSHA, Conclusion: "failure", Title: "2 files are missing", Summary: "# modferry\n"}
	for i := range annotations {
		c.Annotations = append(c.Annotations, Annotation{Level: LevelError, File: "go.mod", Line: i + 1, Title: "t", Message: fmt.Sprint("m", i)})
	}
	return c
}

func TestCheckRunHasAllAnnotations(t *testing.T) {
	t.Parallel()
	for n, want := range map[int][]string{
		0:   {"POST /check-runs"},
		50:  {"POST /check-runs"},
		51:  {"POST /check-runs", "PATCH /check-runs/77"},
		120: {"POST /check-runs", "PATCH /check-runs/77", "PATCH /check-runs/77"},
	} {
		api := newRESTAPI(t)
		p, _ := api.publisher(t)
		if remark := publishCheck(t.Context(), p, check(n)); remark != "" {
			t.Fatalf("%d annotations: %s", n, remark)
		}
		if diff := cmp.Diff(want, api.asked()); diff != "" {
			t.Errorf("%d annotations (-want +got):\n%s", n, diff)
		}
		var messages []string
		for i, c := range api.checks {
			output := c["output"].(map[string]any)
			if c["name"] != "modferry" || c["status"] != "completed" || c["conclusion"] != "failure" || output["title"] != "2 files are missing" || output["summary"] != "# modferry\n" {
				t.Errorf("request %d is %v", i, c)
			}
			if sha := c["head_sha"]; i == 0 && sha != headSHA {
				t.Errorf("the check run is about %v", sha)
			}
			annotations, _ := output["annotations"].([]any)
			for _, x := range annotations {
				messages = append(messages, x.(map[string]any)["message"].(string))
			}
		}
		for i, m := range messages {
			if m != fmt.Sprint("m", i) {
				t.Errorf("annotation %d is %q", i, m)
			}
		}
		if len(messages) != n {
			t.Errorf("%d annotations arrived, want %d", len(messages), n)
		}
	}
}

func TestCheckAnnotationsHaveThePlaceThatTheAPIWants(t *testing.T) {
	t.Parallel()
	api := newRESTAPI(t)
	p, _ := api.publisher(t)
	c := check(0)
	c.Annotations = []Annotation{
		{Level: LevelError, File: "a/go.mod", Line: 7, Title: "t", Message: "m"},
		{Level: LevelWarning, File: "go.sum", Message: "m"},
		{Level: LevelNotice, Line: 5, Message: "m"},
	}
	if remark := publishCheck(t.Context(), p, c); remark != "" {
		t.Fatal(remark)
	}
	want := []any{
		map[string]any{"path": "a/go.mod", "start_line": 7.0, "end_line": 7.0, "annotation_level": "failure", "title": "t", "message": "m"},
		map[string]any{"path": "go.sum", "start_line": 1.0, "end_line": 1.0, "annotation_level": "warning", "message": "m"},
		map[string]any{"path": ".github", "start_line": 1.0, "end_line": 1.0, "annotation_level": "notice", "message": "m"},
	}
	if diff := cmp.Diff(want, api.checks[0]["output"].(map[string]any)["annotations"]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCheckTextsKeepTheAPIsLimits(t *testing.T) {
	t.Parallel()
	api := newRESTAPI(t)
	p, _ := api.publisher(t)
	c := check(0)
	c.Summary = strings.Repeat("a line of the summary\n", 5000)
	if remark := publishCheck(t.Context(), p, c); remark != "" {
		t.Fatal(remark)
	}
	c.Summary = ""
	if remark := publishCheck(t.Context(), p, c); remark != "" {
		t.Fatal(remark)
	}
	long := api.checks[0]["output"].(map[string]any)["summary"].(string)
	if len(long) > 65535 || len(long) < 65000 || !strings.HasSuffix(long, "a line of the summary\n\nThe rest did not fit; the job summary has it.\n") {
		t.Errorf("the summary has %d bytes and ends in %q", len(long), long[len(long)-100:])
	}
	if none := api.checks[1]["output"].(map[string]any)["summary"]; none != c.Title {
		t.Errorf("an empty summary became %q", none)
	}
}

func TestConclusionFollowsTheOutcome(t *testing.T) {
	t.Parallel()
	modules := func(sources ...string) *report.Result {
		r := &report.Result{Outcome: report.OK}
		for _, s := range sources {
			r.Modules = append(r.Modules, report.Module{Source: s})
		}
		report.Aggregate(r)
		return r
	}
	tests := map[string]struct {
		r    *report.Result
		want string
	}{
		"nothing needed":    {modules(), "success"},
		"fetched":           {modules(report.FromMirror, report.FromPresent), "success"},
		"some deferred":     {modules(report.FromMirror, report.FromDeferred), "success"},
		"all deferred":      {modules(report.FromDeferred, report.FromDeferred), "neutral"},
		"incomplete":        {&report.Result{Outcome: report.Incomplete}, "failure"},
		"not ready":         {&report.Result{Outcome: report.NotReady}, "neutral"},
		"integrity":         {&report.Result{Outcome: report.Integrity}, "failure"},
		"settings":          {&report.Result{Outcome: report.Settings}, "failure"},
		"of a newer format": {&report.Result{Outcome: "else"}, "failure"},
	}
	for name, test := range tests {
		if got := conclusion(test.r); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

func TestRefusalsAreInformation(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{
		401: "the token is not valid",
		403: "the job needs permissions: checks: write, which pull requests from forks",
		404: "this server has no such thing, or the token may not see it",
		422: "the server does not accept it",
		429: "the server wants fewer requests",
		500: "HTTP 500",
	} {
		api := newRESTAPI(t)
		api.before = func(w http.ResponseWriter, _ *http.Request) bool {
			refuse(w, status, hostileText+" with "+apiToken)
			return true
		}
		p, slept := api.publisher(t)
		remark := publishCheck(t.Context(), p, check(60))
		if !strings.HasPrefix(remark, "the check run was not published: ") || !strings.Contains(remark, want) {
			t.Errorf("HTTP %d: %q, want %q in it", status, remark, want)
		}
		if strings.ContainsAny(remark, "\r\n\x1b") || strings.Contains(remark, "##[") || strings.Contains(remark, apiToken) || strings.Contains(remark, "hunter2") {
			t.Errorf("HTTP %d: %q is not neutral", status, remark)
		}
		if asked := api.asked(); len(asked) != 1 || len(*slept) != 0 {
			t.Errorf("HTTP %d: asked %v and slept %v", status, asked, *slept)
		}
	}
}

func TestACheckRunThatStaysIncompleteIsTold(t *testing.T) {
	t.Parallel()
	api := newRESTAPI(t)
	api.before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPatch {
			refuse(w, http.StatusForbidden, "no more")
		}
		return r.Method == http.MethodPatch
	}
	p, _ := api.publisher(t)
	if remark := publishCheck(t.Context(), p, check(120)); !strings.HasPrefix(remark, "the check run has only 50 of 120 annotations: ") {
		t.Error(remark)
	}
	c := check(0)
	c.SHA = ""
	if remark := publishCheck(t.Context(), p, c); remark != "the check run was not published: the commit is unknown" {
		t.Error(remark)
	}
}

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
			p, slept := api.publisher(t)
			remark := publishCheck(t.Context(), p, check(3))
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
	p, slept := api.publisher(t)
	remark := publishCheck(t.Context(), p, check(120))
	if !strings.HasPrefix(remark, "the check run has only 100 of 120 annotations: the server wants fewer requests") || len(*slept) != 2 {
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
	p, err := newPublisher(publisherOptions{
		Getenv: environment("GITHUB_API_URL", api.URL+"/api/v3", "GITHUB_REPOSITORY", "octo/ferry"), Token: apiToken, Transport: api.Client().Transport,
		Sleep: func(ctx context.Context, _ time.Duration) error { cancel(); return ctx.Err() },
	})
	if err != nil {
		t.Fatal(err)
	}
	if remark := publishCheck(ctx, p, check(1)); !strings.Contains(remark, failure.Cancelled.Title()) {
		t.Error(remark)
	}
	if asked := api.asked(); len(asked) != 1 {
		t.Errorf("asked %v", asked)
	}
	if err := httpx.Sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("sleep returned %v", err)
	}
	if err := httpx.Sleep(t.Context(), 1); err != nil {
		t.Error(err)
	}
}

func TestAServerThatIsDownIsInformation(t *testing.T) {
	t.Parallel()
	api := newRESTAPI(t)
	p, _ := api.publisher(t)
	api.Close()
	if remark := publishCheck(t.Context(), p, check(1)); !strings.HasPrefix(remark, "the check run was not published: ") || !strings.Contains(remark, failure.Refused.Title()) {
		t.Error(remark)
	}
	if remark := publishComment(t.Context(), p, commentRequest{Number: 5, Worth: true}); !strings.Contains(remark, failure.Refused.Title()) {
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
		p, _ := api.publisher(t)
		if remark := publishCheck(t.Context(), p, check(1)); !strings.Contains(remark, fmt.Sprint("HTTP ", status)) {
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
	p, err := newPublisher(publisherOptions{Getenv: environment("GITHUB_API_URL", api.URL+"/api/v3/", "GITHUB_REPOSITORY", "old/name"), Token: apiToken, Agent: "modferry/test"})
	if err != nil {
		t.Fatal(err)
	}
	if remark := publishCheck(t.Context(), p, check(1)); remark != "" || len(api.checks) != 1 {
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
	p, _ := api.publisher(t)
	if remark := publishCheck(t.Context(), p, check(1)); !strings.Contains(remark, "HTTP 301") {
		t.Errorf("remark %q", remark)
	}
}

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
		p, err := newPublisher(publisherOptions{Getenv: environment("GITHUB_REPOSITORY", test.repository, "GITHUB_API_URL", test.server), Token: test.token})
		if (err == nil) != test.ok || (p == nil) == test.ok {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v holds a password", name, err)
		}
	}
}
