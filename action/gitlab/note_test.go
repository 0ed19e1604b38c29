package gitlab

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/settings"
)

const gitLabAPIToken = "glpat-0123456789abcdefghij"

// gitLabAPI is GitLab's REST API as far as notes need it, on loopback, for merge
// request 5 of project 42. The token belongs to user 7.
type gitLabAPI struct {
	*httptest.Server
	// before may answer in place of the API; it then returns true.
	before func(w http.ResponseWriter, r *http.Request) bool

	mu       sync.Mutex
	requests []string // "POST /notes"
	list     []apiNote
}

type apiNote struct {
	ID     int64         `json:"id"`
	Body   string        `json:"body"`
	System bool          `json:"system"`
	Author apiNoteAuthor `json:"author"`
}

type apiNoteAuthor struct {
	ID int64 `json:"id"`
}

// refuse answers as GitLab does.
func refuse(w http.ResponseWriter, status int, message string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"message":%q}`, message)
}

func newGitLabAPI(t *testing.T) *gitLabAPI {
	t.Helper()
	a := &gitLabAPI{}
	const change = "/sub/api/v4/projects/42/merge_requests/5"
	mux := http.NewServeMux()
	mux.HandleFunc("GET /sub/api/v4/user", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"id": 7, "bot": true}`) })
	mux.HandleFunc("GET "+change+"/notes", func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		q := r.URL.Query()
		page, _ := strconv.Atoi(q.Get("page"))
		size, _ := strconv.Atoi(q.Get("per_page"))
		if page < 1 || size != 100 || q.Get("sort") != "asc" {
			refuse(w, http.StatusBadRequest, "page is invalid")
			return
		}
		from := min((page-1)*size, len(a.list))
		json.NewEncoder(w).Encode(a.list[from:min(from+size, len(a.list))])
	})
	write := func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Body string }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Body == "" {
			refuse(w, http.StatusBadRequest, "body is missing")
			return
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
		for i := range a.list {
			if a.list[i].ID == id {
				a.list[i].Body = in.Body
				json.NewEncoder(w).Encode(a.list[i])
				return
			}
		}
		a.list = append(a.list, apiNote{ID: int64(len(a.list) + 1), Body: in.Body, Author: apiNoteAuthor{7}})
		w.WriteHeader(http.StatusCreated)
		json.NewEncoder(w).Encode(a.list[len(a.list)-1])
	}
	mux.HandleFunc("POST "+change+"/notes", write)
	mux.HandleFunc("PUT "+change+"/notes/{id}", write)
	mux.HandleFunc("DELETE "+change+"/notes/{id}", func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
		for i := range a.list {
			if a.list[i].ID == id {
				a.list = append(a.list[:i:i], a.list[i+1:]...)
				w.WriteHeader(http.StatusNoContent)
				return
			}
		}
		refuse(w, http.StatusNotFound, "404 Not found")
	})
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		a.requests = append(a.requests, r.Method+" "+strings.TrimPrefix(r.URL.Path, change))
		a.mu.Unlock()
		switch {
		case a.before != nil && a.before(w, r):
		case r.Header.Get("PRIVATE-TOKEN") != gitLabAPIToken || r.UserAgent() != "modferry/test":
			refuse(w, http.StatusUnauthorized, "401 Unauthorized")
		default:
			mux.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(a.Close)
	return a
}

// job is one of a pipeline for the merge request.
func (a *gitLabAPI) job(t *testing.T, pairs ...string) *Job {
	t.Helper()
	return gitLabJob(t, append([]string{
		settings.GitLabToken, gitLabAPIToken, "CI_API_V4_URL", a.URL + "/sub/api/v4", "CI_MERGE_REQUEST_IID", "5",
		"CI_MERGE_REQUEST_PROJECT_ID", "42", "CI_PROJECT_ID", "43",
	}, pairs...)...)
}

func note(t *testing.T, g *Job, r *report.Result) string {
	t.Helper()
	return g.Note(t.Context(), r, NoteOptions{Root: g.project, Agent: "modferry/test",
		Transport: func(string, string) (http.RoundTripper, error) { return http.DefaultTransport, nil }})
}

func (a *gitLabAPI) asked() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := a.requests
	a.requests = nil
	return out
}

// headings are the first lines of the notes that have our mark.
func (a *gitLabAPI) headings() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []string
	for _, n := range a.list {
		if _, text, ok := strings.Cut(n.Body, " -->\n"); ok && strings.HasPrefix(n.Body, "<!-- modferry:") {
			heading, _, _ := strings.Cut(text, "\n")
			out = append(out, heading)
		}
	}
	return out
}

// good is a run with nothing to say.
func good() *report.Result {
	return &report.Result{Schema: report.Schema, Outcome: report.OK, Totals: report.Totals{BySource: map[string]int{}}}
}

func TestANoteIsWrittenOnceAndUpdatedInPlace(t *testing.T) {
	t.Parallel()
	api := newGitLabAPI(t)
	g := api.job(t)
	for _, step := range []struct {
		name     string
		result   *report.Result
		asked    []string
		headings []string
	}{
		{"nothing to say", good(), []string{"GET /notes"}, nil},
		{"something to say", missingResult("gone"), []string{"GET /notes", "POST /notes", "GET /notes", "GET /sub/api/v4/user"}, []string{"## ❌ modferry: incomplete"}},
		{"the same again", missingResult("gone"), []string{"GET /notes", "GET /sub/api/v4/user"}, []string{"## ❌ modferry: incomplete"}},
		{"nothing any more", good(), []string{"GET /notes", "GET /sub/api/v4/user", "PUT /notes/1"}, []string{"## ✅ modferry: ok"}},
	} {
		if remark := note(t, g, step.result); remark != "" {
			t.Errorf("%s: %s", step.name, remark)
		}
		if diff := cmp.Diff(step.asked, api.asked()); diff != "" {
			t.Errorf("%s: asked (-want +got)\n%s", step.name, diff)
		}
		if diff := cmp.Diff(step.headings, api.headings()); diff != "" {
			t.Errorf("%s: notes (-want +got)\n%s", step.name, diff)
		}
	}
}

func TestANoteIsFoundBehindManyOthersAndThoseOfOthersAreLeftAlone(t *testing.T) {
	t.Parallel()
	api := newGitLabAPI(t)
	g := api.job(t)
	const marker = "<!-- modferry:a6ebe5177623c77faa9891e7 -->" // of the key "modferry (modferry)"
	add := func(body string, author int64, system bool) {
		api.list = append(api.list, apiNote{int64(len(api.list) + 1), body, system, apiNoteAuthor{author}})
	}
	add(marker+"\nforged", 8, false)
	add(marker+"\nof the system", 7, true)
	for range 230 {
		add("chat", 9, false)
	}
	add(marker+"\nours", 7, false)
	add(marker+"\ntwice", 7, false)
	if remark := note(t, g, good()); remark != "" {
		t.Error(remark)
	}
	if diff := cmp.Diff([]string{"forged", "of the system", "## ✅ modferry: ok"}, api.headings()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestJobsOfAPipelineHaveNotesOfTheirOwn(t *testing.T) {
	t.Parallel()
	api := newGitLabAPI(t)
	for _, job := range []string{"modferry", "modferry: [1.25]", "modferry: [1.26]"} {
		if remark := note(t, api.job(t, "CI_JOB_NAME", job), missingResult("gone")); remark != "" {
			t.Error(remark)
		}
	}
	if n := len(api.headings()); n != 3 {
		t.Errorf("%d notes, want 3", n)
	}
}

func TestWithoutTokenOrMergeRequestNobodyIsAsked(t *testing.T) {
	t.Parallel()
	api := newGitLabAPI(t)
	for name, pairs := range map[string][]string{
		"no token":              {settings.GitLabToken, ""},
		"no merge request":      {"CI_MERGE_REQUEST_IID", ""},
		"the job's token alone": {settings.GitLabToken, "", "CI_JOB_TOKEN", "glcbt-x"},
	} {
		if remark := note(t, api.job(t, pairs...), missingResult("gone")); remark != "" {
			t.Errorf("%s: %s", name, remark)
		}
	}
	if asked := api.asked(); len(asked) > 0 {
		t.Errorf("asked %q", asked)
	}
}

func TestNotesThatCannotBeWrittenAreInformation(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		method, body string
		status       int
		want         []string
	}{
		"a token that is over":    {"GET", `{"error":"invalid_token","error_description":"Token was revoked."}`, 401, []string{"the merge request has no comment: ", "has expired", "Token was revoked."}},
		"a token that may not":    {"POST", `{"message":"403 Forbidden"}`, 403, []string{"the merge request has no comment: ", "the scope api", "403 Forbidden"}},
		"no such merge request":   {"GET", `{"message":"404 Not found"}`, 404, []string{"cannot see it"}},
		"texts by field":          {"POST", `{"message":{"body":["is too long"]}}`, 400, []string{"body", "is too long"}},
		"a page":                  {"GET", "<html>\x1b[0Ksection_start:1:x\r", 502, []string{"HTTP 502"}},
		"a server that tells all": {"GET", `{"message":"bad ` + gitLabAPIToken + `\r\u001b[0Ksection_start:1:x"}`, 403, []string{"bad"}},
		"a page as an answer":     {"GET", "<html>", 200, []string{failure.BadResponse.Title()}},
		"a token in other words":  {"GET", `{"message":"PRIVATE-TOKEN: ` + gitLabAPIToken + `"}`, 401, nil},
	} {
		api := newGitLabAPI(t)
		api.before = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == test.method {
				w.WriteHeader(test.status)
				fmt.Fprint(w, test.body)
			}
			return r.Method == test.method
		}
		remark := note(t, api.job(t), missingResult("gone"))
		for _, want := range append(test.want, "merge request") {
			if !strings.Contains(remark, want) {
				t.Errorf("%s: %q does not say %q", name, remark, want)
			}
		}
		if strings.ContainsAny(remark, "\x1b\r\n") || strings.Contains(remark, gitLabAPIToken) {
			t.Errorf("%s: %q", name, remark)
		}
	}
}

func TestANoteNeedsAServerAndAProject(t *testing.T) {
	t.Parallel()
	api := newGitLabAPI(t)
	for name, test := range map[string]struct {
		pairs []string
		want  string
	}{
		"no address":        {[]string{"CI_API_V4_URL", ""}, "expected an https URL"},
		"another scheme":    {[]string{"CI_API_V4_URL", "file:///etc"}, "expected an https URL"},
		"credentials":       {[]string{"CI_API_V4_URL", "https://u:hunter2-secret@h/api/v4"}, "expected an https URL"},
		"no project":        {[]string{"CI_MERGE_REQUEST_PROJECT_ID", ""}, "expected a number"},
		"a path":            {[]string{"CI_MERGE_REQUEST_PROJECT_ID", "../../user"}, "expected a number"},
		"no number":         {[]string{"CI_MERGE_REQUEST_IID", "x"}, "is not a number"},
		"nobody is there":   {[]string{"CI_API_V4_URL", "http://127.0.0.1:1/api/v4"}, failure.Refused.Title()},
		"something is else": {[]string{"CI_API_V4_URL", api.URL + "/elsewhere"}, "HTTP 404"},
	} {
		remark := note(t, api.job(t, test.pairs...), missingResult("gone"))
		if !strings.HasPrefix(remark, "the merge request has no comment: ") || !strings.Contains(remark, test.want) || strings.Contains(remark, "hunter2") {
			t.Errorf("%s: %q", name, remark)
		}
	}
}

func TestTheTokenGoesToNoOtherServer(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the other server is asked") }))
	t.Cleanup(other.Close)
	api := newGitLabAPI(t)
	api.before = func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, other.URL, http.StatusFound)
		return true
	}
	if remark := note(t, api.job(t), missingResult("gone")); !strings.Contains(remark, "HTTP 302") {
		t.Errorf("%q", remark)
	}
}

func TestTheServersCACertificatesAreThoseOfTheRunner(t *testing.T) {
	t.Parallel()
	api := newGitLabAPI(t)
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	g := api.job(t, "CI_SERVER_TLS_CA_FILE", file)
	got := ""
	remark := g.Note(t.Context(), missingResult("gone"), NoteOptions{Transport: func(_, caFile string) (http.RoundTripper, error) {
		got = caFile
		return nil, errors.New("found no certificate")
	}})
	if got != file || remark != "the merge request has no comment: found no certificate" {
		t.Errorf("%q, %q", got, remark)
	}
}

// A line of a note that begins with a slash is a command that GitLab carries out
// in the name of the author.
func TestNotesHaveNoQuickActions(t *testing.T) {
	t.Parallel()
	got := noQuickActions("/merge\n  /close\n> /approve\n```text\n/assign @all\n```\na/b\n\t/x")
	want := "\\/merge\n  \\/close\n> \\/approve\n```text\n\\/assign @all\n```\na/b\n\t\\/x"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	api := newGitLabAPI(t)
	evil := "x\n/close\r\n/merge\x1b[0K\n@all"
	r := missingResult(evil)
	r.Hosts = []string{"/close", "\n/merge"}
	r.Message = "/close"
	r.Modules[0].Path = "/close"
	if remark := note(t, api.job(t), r); remark != "" {
		t.Fatal(remark)
	}
	for line := range strings.Lines(api.list[0].Body) {
		if strings.HasPrefix(strings.TrimLeft(line, " >\t"), "/") || strings.ContainsAny(strings.TrimRight(line, "\n"), "\x1b\r") {
			t.Errorf("line %q", line)
		}
	}
}
