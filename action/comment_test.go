package action

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEventTellsThePullRequestAndItsHead(t *testing.T) {
	t.Parallel()
	const sha, head = "1111111111111111111111111111111111111111", "2222222222222222222222222222222222222222"
	tests := map[string]struct {
		payload string
		want    event
		fails   bool
	}{
		"push":                   {`{"ref":"refs/heads/main","head_commit":{"id":"x"}}`, event{HeadSHA: sha}, false},
		"pull request":           {`{"action":"opened","number":7,"pull_request":{"number":7,"title":"x","head":{"sha":"` + head + `"}}}`, event{PullRequest: 7, HeadSHA: head}, false},
		"a head that is no hash": {`{"pull_request":{"number":7,"head":{"sha":"main\n::error::x"}}}`, event{PullRequest: 7, HeadSHA: sha}, false},
		"a head in upper case":   {`{"pull_request":{"number":7,"head":{"sha":"` + strings.Repeat("A", 40) + `"}}}`, event{PullRequest: 7, HeadSHA: sha}, false},
		"SHA-256":                {`{"pull_request":{"number":7,"head":{"sha":"` + strings.Repeat("a", 64) + `"}}}`, event{PullRequest: 7, HeadSHA: strings.Repeat("a", 64)}, false},
		"no number":              {`{"pull_request":{"head":{"sha":"` + head + `"}}}`, event{HeadSHA: sha}, false},
		"a negative number":      {`{"pull_request":{"number":-7,"head":{"sha":"` + head + `"}}}`, event{HeadSHA: sha}, false},
		"null":                   {`{"pull_request":null}`, event{HeadSHA: sha}, false},
		"text for a number":      {`{"pull_request":{"number":"7"}}`, event{HeadSHA: sha}, true},
		"text for an object":     {`{"pull_request":"x"}`, event{HeadSHA: sha}, true},
		"a list":                 {`[1]`, event{HeadSHA: sha}, true},
		"empty":                  {``, event{HeadSHA: sha}, true},
		"cut off":                {`{"pull_request":{"number":7`, event{HeadSHA: sha}, true},
		"deeply nested":          {`{"x":` + strings.Repeat("[", 100_000), event{HeadSHA: sha}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "event.json")
			if err := os.WriteFile(file, []byte(test.payload), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := readEvent(environment("GITHUB_SHA", sha, "GITHUB_EVENT_PATH", file))
			if (err != nil) != test.fails || got != test.want {
				t.Errorf("readEvent = %v, %v", got, err)
			}
		})
	}
	dir := t.TempDir()
	large := filepath.Join(dir, "large")
	if err := os.WriteFile(large, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, maxEvent+1); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{"a directory": dir, "no such file": filepath.Join(dir, "absent"), "too large": large} {
		if got, err := readEvent(environment("GITHUB_SHA", sha, "GITHUB_EVENT_PATH", file)); err == nil || got != (event{HeadSHA: sha}) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if got, err := readEvent(environment("GITHUB_SHA", "--help")); err != nil || got != (event{}) {
		t.Errorf("without a file: %v, %v", got, err)
	}
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

func TestCommentIsWrittenOnceAndUpdatedInPlace(t *testing.T) {
	t.Parallel()
	api := newRESTAPI(t)
	p, _ := api.publisher(t)
	const list, edit = "GET /issues/5/comments", "PATCH /issues/comments/1"
	for _, step := range []struct {
		name    string
		request commentRequest
		bodies  []string
		asked   []string
	}{
		{"nothing to say", commentRequest{5, "job", "fine", false}, nil, []string{list}},
		{"no pull request", commentRequest{0, "job", "bad", true}, nil, nil},
		{"something to say", commentRequest{5, "job", "bad", true}, []string{"bad"}, []string{list, "POST /issues/5/comments", list}},
		{"the same again", commentRequest{5, "job", "bad", true}, []string{"bad"}, []string{list}},
		{"something else", commentRequest{5, "job", "worse", true}, []string{"worse"}, []string{list, edit}},
		{"nothing any more", commentRequest{5, "job", "fine", false}, []string{"fine"}, []string{list, edit}},
		{"another job", commentRequest{5, "other", "bad", true}, []string{"fine", "bad"}, []string{list, "POST /issues/5/comments", list}},
		{"the first again", commentRequest{5, "job", "bad", true}, []string{"bad", "bad"}, []string{list, edit}},
	} {
		if remark := publishComment(t.Context(), p, step.request); remark != "" {
			t.Errorf("%s: %s", step.name, remark)
		}
		if diff := cmp.Diff(step.bodies, api.bodies()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
		if diff := cmp.Diff(step.asked, api.asked()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
}

func TestCommentsOfOthersAreLeftAlone(t *testing.T) {
	t.Parallel()
	api := newRESTAPI(t)
	p, _ := api.publisher(t)
	marker := commentMarker("job")
	api.write(marker+"\nforged", apiUser{"mallory", "User"})
	api.write("quoted: "+marker, apiUser{"dependabot[bot]", "Bot"})
	if remark := publishComment(t.Context(), p, commentRequest{5, "job", "bad", true}); remark != "" {
		t.Error(remark)
	}
	if len(api.comments) != 3 || api.comments[0].Body != marker+"\nforged" || api.comments[2].Body != marker+"\nbad" {
		t.Errorf("comments are %v", api.comments)
	}
}

func TestCommentOfTheTokensUserIsFound(t *testing.T) {
	t.Parallel()
	api := newRESTAPI(t)
	api.before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/api/v3/user" {
			w.Write([]byte(`{"login":"ferryman","type":"User"}`))
			return true
		}
		return false
	}
	p, _ := api.publisher(t)
	api.write(commentMarker("job")+"\nforged", apiUser{"mallory", "User"})
	ours := api.write(commentMarker("job")+"\nearlier", apiUser{"ferryman", "User"})
	if remark := publishComment(t.Context(), p, commentRequest{5, "job", "now", true}); remark != "" {
		t.Error(remark)
	}
	if diff := cmp.Diff([]string{"forged", "now"}, api.bodies()); diff != "" || ours != 2 {
		t.Error(diff)
	}
}

func TestCommentIsFoundBehindManyOthers(t *testing.T) {
	t.Parallel()
	api := newRESTAPI(t)
	p, _ := api.publisher(t)
	for range 230 {
		api.write("chat", apiUser{"someone", "User"})
	}
	api.write(commentMarker("job")+"\nearlier", apiUser{"github-actions[bot]", "Bot"})
	if remark := publishComment(t.Context(), p, commentRequest{5, "job", "now", true}); remark != "" {
		t.Error(remark)
	}
	if all := api.bodies(); len(all) != 231 || all[230] != "now" {
		t.Errorf("%d comments, the last is %q", len(all), all[len(all)-1])
	}
}

func TestJobsThatCommentAtTheSameTimeLeaveOneComment(t *testing.T) {
	t.Parallel()
	const jobs = 8
	api := newRESTAPI(t)
	// Every job has seen that there is no comment before the first writes one.
	var gate, all sync.WaitGroup
	gate.Add(jobs)
	api.before = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost {
			gate.Done()
			gate.Wait()
		}
		return false
	}
	for range jobs {
		p, _ := api.publisher(t)
		all.Go(func() {
			if remark := publishComment(t.Context(), p, commentRequest{5, "job", "bad", true}); remark != "" {
				t.Error(remark)
			}
		})
	}
	all.Wait()
	if diff := cmp.Diff([]string{"bad"}, api.bodies()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCommentsThatCannotBeWrittenAreInformation(t *testing.T) {
	t.Parallel()
	for method, want := range map[string]string{
		http.MethodGet:    "the pull request has no comment: ",
		http.MethodPost:   "the pull request has no comment: ",
		http.MethodPatch:  "the comment on the pull request is not up to date: ",
		http.MethodDelete: "the pull request has the comment twice: ",
	} {
		api := newRESTAPI(t)
		if method == http.MethodPatch || method == http.MethodDelete {
			api.write(commentMarker("job")+"\nold", apiUser{"github-actions[bot]", "Bot"})
			api.write(commentMarker("job")+"\nold", apiUser{"github-actions[bot]", "Bot"})
		}
		api.before = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == method {
				refuse(w, http.StatusForbidden, "Resource not accessible by integration")
			}
			return r.Method == method
		}
		p, _ := api.publisher(t)
		remark := publishComment(t.Context(), p, commentRequest{5, "job", "new", true})
		if !strings.HasPrefix(remark, want) || !strings.Contains(remark, "pull-requests: write") || !strings.Contains(remark, "Resource not accessible by integration") {
			t.Errorf("%s: %q", method, remark)
		}
	}
}

func TestMarkerHoldsNothingOfTheKey(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, key := range []string{"", "job", "--> <script>", "a\nb"} {
		m := commentMarker(key)
		if seen[m] || len(m) != len("<!-- modferry:")+24+len(" -->") || strings.Count(m, "-->") != 1 || strings.Contains(m, "\n") {
			t.Errorf("the marker of %q is %q", key, m)
		}
		seen[m] = true
	}
}

func TestMarkdownIsCutAtALineAndClosed(t *testing.T) {
	t.Parallel()
	const rest = "\nThe rest did not fit; the job summary has it.\n"
	line := strings.Repeat("é", 49) + "\n" // 99 bytes
	tests := map[string]struct{ text, prefix, suffix string }{
		"prose":        {strings.Repeat(line, 20), line, line + rest},
		"a fence":      {"```mermaid\n" + strings.Repeat("<details>"+line, 20) + "```\n", "```mermaid\n", line + "```\n" + rest},
		"details":      {"<details><summary>x</summary>\n" + strings.Repeat(line, 20) + "</details>\n", "<details>", line + "\n</details>\n" + rest},
		"closed":       {"<details>\n```\n</details>\n```\n</details>\n" + strings.Repeat(line, 20), "<details>", line + rest},
		"one line":     {strings.Repeat("x", 2000), rest, rest},
		"what fits":    {strings.Repeat("x", 1000), "x", "x"},
		"nothing":      {"", "", ""},
		"a wild forge": {strings.Repeat("<details>\n", 200), "<details>", strings.Repeat("\n</details>\n", 8) + rest},
	}
	for name, test := range tests {
		got := cutMarkdown(test.text, 1000)
		if len(got) > 1000 || !strings.HasPrefix(got, test.prefix) || !strings.HasSuffix(got, test.suffix) {
			t.Errorf("%s: %d bytes, %q", name, len(got), got)
		}
	}
}
