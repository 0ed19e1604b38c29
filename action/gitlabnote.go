package action

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/markdown"
	"github.com/modferry/modferry/internal/secret"
	"github.com/modferry/modferry/internal/settings"
)

// NoteOptions is what a note needs besides the result.
type NoteOptions struct {
	Root      string // of the checkout
	Agent     string // User-Agent, e.g. "modferry/1.2.3"
	Transport func(setting, authorities string) (http.RoundTripper, error)
}

// noteLimit is how long a job waits for its note, all requests together.
const noteLimit = time.Minute

// Note keeps one note on the merge request up to date when a token is given
// that may write one. The job's own, CI_JOB_TOKEN, may not: GitLab does not take
// it for notes. It returns "" or why there is no note, in a sentence: that is
// never a reason to fail. Without a token, or outside a pipeline for a merge
// request, nothing is wanted.
//
// The pipeline for a fork's merge request runs in the fork, whose variables have
// no token for the project that the merge request goes into.
func (g *GitLab) Note(ctx context.Context, res *report.Result, o NoteOptions) (remark string) {
	if g == nil {
		return ""
	}
	token, iid := strings.TrimSpace(g.getenv(settings.GitLabToken)), g.getenv("CI_MERGE_REQUEST_IID")
	if token == "" || iid == "" {
		return ""
	}
	const none = "the merge request has no comment: "
	number, err := strconv.Atoi(iid)
	if err != nil || number <= 0 {
		return none + "CI_MERGE_REQUEST_IID is no number"
	}
	// GitLab's API is reached with the certificates that the runner found.
	const authorities = "CI_SERVER_TLS_CA_FILE"
	transport, err := o.Transport(authorities, g.getenv(authorities))
	if err != nil {
		return none + failure.Plain(err.Error())
	}
	p, err := newGitLabNotes(publisherOptions{Getenv: g.getenv, Token: token, Agent: o.Agent, Transport: transport})
	if err != nil {
		return none + err.Error()
	}
	prefix, _ := g.within(o.Root)
	var body bytes.Buffer
	// It fits, so that nothing is cut that would refer to a summary of the job.
	if err := markdown.Write(&body, res, markdown.Options{Limit: maxAPIText - 1024}); err != nil {
		return none + err.Error()
	}
	ctx, end := context.WithTimeout(ctx, noteLimit)
	defer end()
	return publishComment(ctx, p, commentRequest{
		Number: number, Key: g.key(prefix), Body: noQuickActions(body.String()),
		Worth: res.Outcome != report.OK || len(Annotations(res, prefix)) > 0,
	})
}

// key tells apart the notes of several jobs and checkouts.
func (g *GitLab) key(prefix string) string {
	return strings.TrimSpace("modferry (" + g.getenv("CI_JOB_NAME") + ") " + prefix)
}

// noQuickActions makes text of every line that GitLab might take for a quick
// action: /merge at the start of a line is done in the name of the author.
func noQuickActions(markdown string) string {
	var b strings.Builder
	for line := range strings.Lines(markdown) {
		if text := strings.TrimLeft(line, " \t>"); strings.HasPrefix(text, "/") {
			line = line[:len(line)-len(text)] + `\` + text
		}
		b.WriteString(line)
	}
	return b.String()
}

// gitLabNotes are the notes on merge requests of a project, over GitLab's REST
// API.
type gitLabNotes struct {
	client      *http.Client
	project     *url.URL // of the API
	token, user string
	hidden      *secret.Set // the token
	agent       string
	me          int64 // the user that the token belongs to, 0 while unknown
}

// newGitLabNotes returns the notes of the project that the merge request goes
// into (CI_MERGE_REQUEST_PROJECT_ID) on the server that runs the job
// (CI_API_V4_URL).
func newGitLabNotes(o publisherOptions) (*gitLabNotes, error) {
	address := o.Getenv("CI_API_V4_URL")
	base, err := url.Parse(address)
	if err != nil || base.Host == "" || base.User != nil || base.Scheme != "https" && base.Scheme != "http" {
		return nil, fmt.Errorf("found CI_API_V4_URL %q, expected an https URL", failure.Plain(address))
	}
	project := o.Getenv("CI_MERGE_REQUEST_PROJECT_ID")
	if _, err := strconv.ParseUint(project, 10, 63); err != nil {
		return nil, fmt.Errorf("found CI_MERGE_REQUEST_PROJECT_ID %q, expected a number", failure.Plain(project))
	}
	return &gitLabNotes{
		client: o.client(), project: base.JoinPath("projects", project), user: base.JoinPath("user").String(),
		token: o.Token, hidden: o.hidden(), agent: o.Agent,
	}, nil
}

func (n *gitLabNotes) notes(number int) *url.URL {
	return n.project.JoinPath("merge_requests", strconv.Itoa(number), "notes")
}

// Marked implements thread. Anybody can write a note that begins with our
// marker, and its author could change what we then wrote into it, so only those
// of the user that the token belongs to count.
func (n *gitLabNotes) Marked(ctx context.Context, number int, marker string) ([]Comment, error) {
	var found []Comment
	address := n.notes(number)
	for page := range maxCommentPages {
		address.RawQuery = url.Values{
			"sort": {"asc"}, "order_by": {"created_at"}, "per_page": {strconv.Itoa(commentsPerPage)}, "page": {strconv.Itoa(page + 1)},
		}.Encode()
		var notes []struct {
			ID     int64  `json:"id"`
			Body   string `json:"body"`
			System bool   `json:"system"`
			Author struct {
				ID int64 `json:"id"`
			} `json:"author"`
		}
		if err := n.call(ctx, http.MethodGet, address.String(), nil, &notes); err != nil {
			return nil, err
		}
		for _, note := range notes {
			if note.System || note.ID == 0 || !strings.HasPrefix(note.Body, marker) {
				continue
			}
			if err := n.findMe(ctx); err != nil {
				return nil, err
			}
			if note.Author.ID == n.me {
				found = append(found, Comment{ID: note.ID, Body: note.Body})
			}
		}
		if len(notes) < commentsPerPage {
			break
		}
	}
	slices.SortFunc(found, func(a, b Comment) int { return cmp.Compare(a.ID, b.ID) })
	return found, nil
}

// findMe finds out which user the token belongs to; those of projects and groups
// have one of their own.
func (n *gitLabNotes) findMe(ctx context.Context) error {
	if n.me != 0 {
		return nil
	}
	var user struct {
		ID int64 `json:"id"`
	}
	if err := n.call(ctx, http.MethodGet, n.user, nil, &user); err != nil {
		return err
	}
	if user.ID <= 0 {
		return &refusal{http.StatusOK, "the server does not say which user the token belongs to"}
	}
	n.me = user.ID
	return nil
}

// PutComment implements thread.
func (n *gitLabNotes) PutComment(ctx context.Context, number int, id int64, body string) error {
	method, address := http.MethodPost, n.notes(number)
	if id != 0 {
		method, address = http.MethodPut, address.JoinPath(strconv.FormatInt(id, 10))
	}
	return n.call(ctx, method, address.String(), map[string]string{"body": body}, nil)
}

// DeleteComment implements thread.
func (n *gitLabNotes) DeleteComment(ctx context.Context, number int, id int64) error {
	return n.call(ctx, http.MethodDelete, n.notes(number).JoinPath(strconv.FormatInt(id, 10)).String(), nil, nil)
}

// Change implements thread.
func (n *gitLabNotes) Change() string { return "merge request" }

// Because implements thread.
func (n *gitLabNotes) Because(what string, err error) string {
	var no *refusal
	if !errors.As(err, &no) {
		return what + ": " + failure.As(err).Error()
	}
	why := ""
	switch no.status {
	case http.StatusUnauthorized:
		why = "the token in " + settings.GitLabToken + " is not valid any more or not for this server"
	case http.StatusForbidden:
		why = "the token in " + settings.GitLabToken + " may not do that: it needs the scope api and at least the role Reporter in the project that the merge request goes into"
	case http.StatusNotFound:
		why = "this server has no such merge request, or the token in " + settings.GitLabToken + " may not see it"
	case http.StatusTooManyRequests:
		why = "the server wants fewer requests"
	default:
		return what + ": " + no.Error()
	}
	return what + ": " + why + " (" + no.Error() + ")"
}

// call makes a request of the API: in is sent as JSON unless it is nil, the
// answer read into out unless that is nil. The token is in no error.
func (n *gitLabNotes) call(ctx context.Context, method, address string, in, out any) error {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(data)
	}
	r, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return err
	}
	r.Header.Set("PRIVATE-TOKEN", n.token)
	r.Header.Set("User-Agent", n.agent)
	r.Header.Set("Accept", "application/json")
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := n.client.Do(r)
	if err != nil {
		return failure.New(failure.Classify(err), "publish", n.project.String(), err)
	}
	defer resp.Body.Close()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return &refusal{resp.StatusCode, n.said(resp.Body)}
	}
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return failure.New(failure.BadResponse, "publish", n.project.String(), errors.New("the answer is not the JSON of GitLab's API"))
	}
	return nil
}

// said is the server's own words in an answer that is not success.
func (n *gitLabNotes) said(body io.Reader) string {
	const limit = 64 << 10
	data, err := io.ReadAll(io.LimitReader(body, limit))
	var answer struct {
		Message any    `json:"message"` // a text, or texts by field
		Error   string `json:"error"`
		Detail  string `json:"error_description"`
	}
	if err != nil || json.Unmarshal(data, &answer) != nil {
		return "" // a page for people, of a server in between
	}
	said := []string{}
	if answer.Message != nil {
		said = append(said, fmt.Sprint(answer.Message))
	}
	for _, s := range []string{answer.Error, answer.Detail} {
		if s != "" {
			said = append(said, s)
		}
	}
	return failure.Plain(n.hidden.Hide(strings.Join(said, "; ")))
}
