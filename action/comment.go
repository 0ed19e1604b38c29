package action

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/google/go-github/v60/github"

	"github.com/modferry/modferry/internal/diskfile"
)

// event is what is needed of the event that started the workflow. The rest of
// it, titles and texts that anybody can write, is not looked at.
type event struct {
	PullRequest int    // number, 0 when there is none
	HeadSHA     string // of the commit that a check run is about, "" when unknown
}

// maxEvent is the most bytes read of an event; GitHub's own limit is 25 MB.
const maxEvent = 32 << 20

var commitHash = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)

// readEvent reads the event at GITHUB_EVENT_PATH. The commit of a pull request
// is its head: GITHUB_SHA is then a merge commit that no check run is shown
// for. With an error comes the event as the variables have it.
func readEvent(getenv func(string) string) (event, error) {
	var e event
	if sha := getenv("GITHUB_SHA"); commitHash.MatchString(sha) {
		e.HeadSHA = sha
	}
	name := getenv("GITHUB_EVENT_PATH")
	if name == "" {
		return e, nil
	}
	text, err := diskfile.Read(name, maxEvent)
	if err != nil {
		return e, fmt.Errorf("read the event: %w", err)
	}
	var payload struct {
		PullRequest *struct {
			Number int `json:"number"`
			Head   struct {
				SHA string `json:"sha"`
			} `json:"head"`
		} `json:"pull_request"`
	}
	if err := json.Unmarshal(text, &payload); err != nil {
		return e, errors.New("read the event: found something else than the JSON of an event")
	}
	if pr := payload.PullRequest; pr != nil && pr.Number > 0 {
		e.PullRequest = pr.Number
		if commitHash.MatchString(pr.Head.SHA) {
			e.HeadSHA = pr.Head.SHA
		}
	}
	return e, nil
}

// thread is where the comments on a change are. What its server refuses is a
// *refusal; every other error is of the network.
type thread interface {
	// Marked returns the comments on the change of this number that begin with
	// marker and are of our author, the oldest first.
	Marked(ctx context.Context, number int, marker string) ([]Comment, error)
	// PutComment creates a comment, or replaces the text of the one with this
	// id when it is not 0.
	PutComment(ctx context.Context, number int, id int64, body string) error
	// DeleteComment removes a comment.
	DeleteComment(ctx context.Context, number int, id int64) error
	// Change is what a change is called there, e.g. "pull request".
	Change() string
	// Because says in a sentence why something could not be done.
	Because(what string, err error) string
}

// Comment is a comment on a pull request or merge request.
type Comment struct {
	ID   int64
	Body string
}

// commentRequest is the one comment that a change is to have.
type commentRequest struct {
	Number int    // of the pull request or merge request, 0 when there is none
	Key    string // tells apart the comments of several jobs; any text
	Body   string // Markdown
	Worth  bool   // worth a new comment; an earlier one is updated anyway
}

// publishComment sees to it that a change has one comment with this key
// and body: it updates an earlier one in place, else it writes one when that is
// worth it. Jobs that write at the same time find each other's comments
// afterwards and keep the oldest. It returns "" or why it could not, in
// a sentence: that is never a reason to fail.
func publishComment(ctx context.Context, p thread, c commentRequest) (remark string) {
	if c.Number <= 0 {
		return ""
	}
	what := "the " + p.Change() + " has no comment"
	marker := commentMarker(c.Key)
	body := marker + "\n" + cutMarkdown(c.Body, maxAPIText-len(marker)-1)
	earlier, err := p.Marked(ctx, c.Number, marker)
	if err != nil {
		return p.Because(what, err)
	}
	if len(earlier) == 0 {
		if !c.Worth {
			return ""
		}
		if err := p.PutComment(ctx, c.Number, 0, body); err != nil {
			return p.Because(what, err)
		}
		if earlier, err = p.Marked(ctx, c.Number, marker); err != nil || len(earlier) == 0 {
			return "" // it is there, even if the list does not have it yet
		}
	}
	return keepOne(ctx, p, c.Number, earlier, body)
}

// keepOne gives the oldest comment the body and deletes the others.
func keepOne(ctx context.Context, p thread, number int, comments []Comment, body string) (remark string) {
	if strings.TrimSpace(comments[0].Body) != strings.TrimSpace(body) {
		if err := p.PutComment(ctx, number, comments[0].ID, body); err != nil {
			return p.Because("the comment on the "+p.Change()+" is not up to date", err)
		}
	}
	for _, c := range comments[1:] {
		err := p.DeleteComment(ctx, number, c.ID)
		var no *refusal
		if errors.As(err, &no) && no.status == http.StatusNotFound {
			continue // somebody was faster
		}
		if err != nil {
			return p.Because("the "+p.Change()+" has the comment twice", err)
		}
	}
	return ""
}

// commentMarker is the line, invisible on the page, that a comment with this
// key begins with. No text of the key is in it.
func commentMarker(key string) string {
	sum := sha256.Sum256([]byte(key))
	return fmt.Sprintf("<!-- modferry:%x -->", sum[:12])
}

// cutMarkdown cuts Markdown to max bytes at the end of a line, closes what is
// open there and says so.
func cutMarkdown(text string, max int) string {
	if len(text) <= max {
		return text
	}
	const room = 200 // for what is closed and said
	text = text[:max-room]
	text = strings.ToValidUTF8(text[:strings.LastIndexByte(text, '\n')+1], "")
	fences, details := 0, 0
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "```"):
			fences++
		case fences%2 == 1:
		default:
			details += strings.Count(line, "<details") - strings.Count(line, "</details>")
		}
	}
	if fences%2 == 1 {
		text += "```\n"
	}
	for range min(details, 8) {
		text += "\n</details>\n"
	}
	return text + "\nThe rest did not fit; the job summary has it.\n"
}

// The most comments of a pull request that are looked at.
const (
	commentsPerPage = 100
	maxCommentPages = 30
)

// Marked implements Publisher. Anybody can write a comment that begins with our
// marker, and its author could change what we then wrote into it, so only those
// of bots count and of the user that the token belongs to.
func (g *gitHub) Marked(ctx context.Context, pullRequest int, marker string) ([]Comment, error) {
	var found []Comment
	me, asked := "", false
	options := &github.IssueListCommentsOptions{ListOptions: github.ListOptions{PerPage: commentsPerPage}}
	for range maxCommentPages {
		page, resp, err := g.client.Issues.ListComments(ctx, g.owner, g.name, pullRequest, options)
		if err != nil {
			return nil, g.refused(err)
		}
		for _, c := range page {
			if c.GetID() == 0 || !strings.HasPrefix(c.GetBody(), marker) {
				continue
			}
			if c.GetUser().GetType() != "Bot" {
				if !asked {
					if me, err = g.login(ctx); err != nil {
						return nil, err
					}
					asked = true
				}
				if me == "" || c.GetUser().GetLogin() != me {
					continue
				}
			}
			found = append(found, Comment{ID: c.GetID(), Body: c.GetBody()})
		}
		if resp.NextPage == 0 {
			break
		}
		options.Page = resp.NextPage
	}
	slices.SortFunc(found, func(a, b Comment) int { return cmp.Compare(a.ID, b.ID) })
	return found, nil
}

// login is the user that the token belongs to, "" for the token of an app, such
// as that of a job.
func (g *gitHub) login(ctx context.Context) (string, error) {
	user, _, err := g.client.Users.Get(ctx, "")
	err = g.refused(err)
	var no *refusal
	if errors.As(err, &no) && (no.status == http.StatusUnauthorized || no.status == http.StatusForbidden || no.status == http.StatusNotFound) {
		return "", nil
	}
	return user.GetLogin(), err
}

// PutComment implements Publisher.
func (g *gitHub) PutComment(ctx context.Context, pullRequest int, id int64, body string) error {
	var err error
	if id != 0 {
		_, _, err = g.client.Issues.EditComment(ctx, g.owner, g.name, id, &github.IssueComment{Body: &body})
	} else {
		_, _, err = g.client.Issues.CreateComment(ctx, g.owner, g.name, pullRequest, &github.IssueComment{Body: &body})
	}
	return g.refused(err)
}

// DeleteComment implements Publisher.
func (g *gitHub) DeleteComment(ctx context.Context, _ int, id int64) error {
	_, err := g.client.Issues.DeleteComment(ctx, g.owner, g.name, id)
	return g.refused(err)
}

// Change implements Publisher.
func (g *gitHub) Change() string { return "pull request" }

// Because implements Publisher.
func (g *gitHub) Because(what string, err error) string { return because(what, err, "pull-requests") }
