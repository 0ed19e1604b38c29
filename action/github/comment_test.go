package github

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// jobMarker is what comments with the key "job" begin with: another one would
// leave the comments of earlier releases behind.
const jobMarker = "<!-- modferry:5e8c9902207afaeb7120430c -->"

// comment publishes a comment.
func comment(t *testing.T, g *repositoryAPI, number int, key, body string, worth bool) (remark string) {
	t.Helper()
	return g.thread(number).Publish(t.Context(), key, body, worth)
}

func TestCommentIsWrittenOnceAndUpdatedInPlace(t *testing.T) {
	t.Parallel()
	api := newRESTAPI(t)
	g := api.repository(t)
	const list, edit = "GET /issues/5/comments", "PATCH /issues/comments/1"
	for _, step := range []struct {
		name   string
		number int
		key    string
		body   string
		worth  bool
		bodies []string
		asked  []string
	}{
		{"nothing to say", 5, "job", "fine", false, nil, []string{list}},
		{"something to say", 5, "job", "bad", true, []string{"bad"}, []string{list, "POST /issues/5/comments", list}},
		{"the same again", 5, "job", "bad", true, []string{"bad"}, []string{list}},
		{"something else", 5, "job", "worse", true, []string{"worse"}, []string{list, edit}},
		{"nothing any more", 5, "job", "fine", false, []string{"fine"}, []string{list, edit}},
		{"another job", 5, "other", "bad", true, []string{"fine", "bad"}, []string{list, "POST /issues/5/comments", list}},
		{"the first again", 5, "job", "bad", true, []string{"bad", "bad"}, []string{list, edit}},
	} {
		if remark := comment(t, g, step.number, step.key, step.body, step.worth); remark != "" {
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
	g := api.repository(t)
	marker := jobMarker
	api.write(marker+"\nforged", apiUser{12, "mallory", "User"})
	api.write("quoted: "+marker, apiUser{12, "dependabot[bot]", "Bot"})
	if remark := comment(t, g, 5, "job", "bad", true); remark != "" {
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
			w.Write([]byte(`{"id":11,"login":"ferryman","type":"User"}`))
			return true
		}
		return false
	}
	g := api.repository(t)
	api.write(jobMarker+"\nforged", apiUser{12, "mallory", "User"})
	ours := api.write(jobMarker+"\nearlier", apiUser{11, "ferryman", "User"})
	if remark := comment(t, g, 5, "job", "now", true); remark != "" {
		t.Error(remark)
	}
	if diff := cmp.Diff([]string{"forged", "now"}, api.bodies()); diff != "" || ours != 2 {
		t.Error(diff)
	}
}

func TestCommentIsFoundBehindManyOthers(t *testing.T) {
	t.Parallel()
	api := newRESTAPI(t)
	g := api.repository(t)
	for range 230 {
		api.write("chat", apiUser{12, "someone", "User"})
	}
	api.write(jobMarker+"\nearlier", apiUser{12, "github-actions[bot]", "Bot"})
	if remark := comment(t, g, 5, "job", "now", true); remark != "" {
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
		g := api.repository(t)
		all.Go(func() {
			if remark := comment(t, g, 5, "job", "bad", true); remark != "" {
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
		http.MethodDelete: "the pull request has the comment more than once: ",
	} {
		api := newRESTAPI(t)
		if method == http.MethodPatch || method == http.MethodDelete {
			api.write(jobMarker+"\nold", apiUser{12, "github-actions[bot]", "Bot"})
			api.write(jobMarker+"\nold", apiUser{12, "github-actions[bot]", "Bot"})
		}
		api.before = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == method {
				refuse(w, http.StatusForbidden, "Resource not accessible by integration")
			}
			return r.Method == method
		}
		g := api.repository(t)
		remark := comment(t, g, 5, "job", "new", true)
		if !strings.HasPrefix(remark, want) || !strings.Contains(remark, "pull-requests: write") || !strings.Contains(remark, "Resource not accessible by integration") {
			t.Errorf("%s: %q", method, remark)
		}
	}
}
