package github

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
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
	ID    int64  `json:"id"`
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
	c.ID, c.User = a.lastID, apiUser{13, "github-actions[bot]", "Bot"}
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

// repository returns the API's client.
func (a *restAPI) repository(t testing.TB) *repositoryAPI {
	t.Helper()
	g, err := newRepositoryAPI(environment("GITHUB_API_URL", a.URL+"/api/v3", "GITHUB_REPOSITORY", "octo/ferry"), apiToken, "modferry/test", a.Client().Transport)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// environment returns the variables given as name, value, name, value.
func environment(pairs ...string) func(string) string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return func(name string) string { return m[name] }
}

// bodies are the comments without the marker.
func (a *restAPI) bodies() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []string
	for _, c := range a.comments {
		_, body, _ := strings.Cut(c.Body, " -->\n")
		all = append(all, body)
	}
	return all
}
