package forge

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// MaxText is the most bytes of a text: GitHub takes 65535 characters, with what is
// put before it. GitLab takes more.
const MaxText = 65535 - 1024

// The most comments on a change that are looked at.
const (
	commentsPerPage = 100
	maxCommentPages = 30
)

// Thread is the comments on a pull request or merge request.
type Thread struct {
	API      *API
	List     string // path of all comments, the oldest first
	One      string // path that the id of a comment follows
	Update   string // method that replaces a comment
	Change   string // what a change is called there, e.g. "pull request"
	Meanings Meanings
	// Bots says that comments by bots count as ours. The token of a GitHub app,
	// such as that of a job, cannot ask who it belongs to.
	Bots bool
}

// comment is what GitHub and GitLab say of one.
type comment struct {
	ID     int64   `json:"id"`
	Body   string  `json:"body"`
	System bool    `json:"system"` // written by GitLab itself
	User   account `json:"user"`   // of GitHub
	Author account `json:"author"` // of GitLab
}

type account struct {
	ID   int64  `json:"id"`
	Type string `json:"type"`
}

// Publish makes sure that a change has one comment with this key and body, which
// is Markdown of at most MaxText bytes: it updates an earlier one in place, or else writes one when it is
// worth that. The key tells apart the comments of several jobs; any text will do.
// Jobs that write at the same time find each other's comments afterwards and keep
// the oldest. It returns "", or why it could not in a sentence.
func (t Thread) Publish(ctx context.Context, key, body string, worth bool) (remark string) {
	what := "the " + t.Change + " has no comment"
	marker := commentMarker(key)
	body = marker + "\n" + body
	earlier, err := t.marked(ctx, marker)
	if err != nil {
		return t.Meanings.Because(what, err)
	}
	if len(earlier) == 0 {
		if !worth {
			return ""
		}
		if err := t.API.Call(ctx, http.MethodPost, t.List, text{body}, nil); err != nil {
			return t.Meanings.Because(what, err)
		}
		if earlier, err = t.marked(ctx, marker); err != nil || len(earlier) == 0 {
			return "" // it was written, even if the list does not show it yet
		}
	}
	return t.keepOne(ctx, earlier, body)
}

type text struct {
	Body string `json:"body"`
}

// keepOne gives the oldest comment the body and deletes the others.
func (t Thread) keepOne(ctx context.Context, comments []comment, body string) (remark string) {
	one := func(c comment) string { return t.One + "/" + strconv.FormatInt(c.ID, 10) }
	if strings.TrimSpace(comments[0].Body) != strings.TrimSpace(body) {
		if err := t.API.Call(ctx, t.Update, one(comments[0]), text{body}, nil); err != nil {
			return t.Meanings.Because("the comment on the "+t.Change+" is not up to date", err)
		}
	}
	for _, c := range comments[1:] {
		err := t.API.Call(ctx, http.MethodDelete, one(c), nil, nil)
		if err != nil && !isRefusal(err, http.StatusNotFound) { // else somebody was faster
			return t.Meanings.Because("the "+t.Change+" has the comment more than once", err)
		}
	}
	return ""
}

// marked returns our comments that begin with marker, the oldest first. Anybody
// can write one that does, and its author could change what we then wrote into
// it, so only those of the token's user count.
func (t Thread) marked(ctx context.Context, marker string) ([]comment, error) {
	var found []comment
	me := int64(-1) // until it is asked for
	for i := range maxCommentPages {
		var page []comment
		more, err := t.API.call(ctx, http.MethodGet, fmt.Sprintf("%s?sort=asc&order_by=created_at&per_page=%d&page=%d", t.List, commentsPerPage, i+1), nil, &page)
		if err != nil {
			return nil, err
		}
		for _, c := range page {
			if c.ID == 0 || c.System || !strings.HasPrefix(c.Body, marker) {
				continue
			}
			if t.Bots && c.User.Type == "Bot" {
				found = append(found, c)
				continue
			}
			if me < 0 {
				if me, err = t.me(ctx); err != nil {
					return nil, err
				}
			}
			if me > 0 && me == max(c.User.ID, c.Author.ID) {
				found = append(found, c)
			}
		}
		if !more && len(page) < commentsPerPage {
			break
		}
	}
	slices.SortFunc(found, func(a, b comment) int { return cmp.Compare(a.ID, b.ID) })
	return found, nil
}

// me is the user that the token belongs to; tokens of GitLab's projects and
// groups have bot users. 0 means that it is an app's and belongs to nobody.
func (t Thread) me(ctx context.Context) (int64, error) {
	var user account
	err := t.API.Call(ctx, http.MethodGet, "user", nil, &user)
	switch {
	case t.Bots && isRefusal(err, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound):
		return 0, nil
	case err == nil && user.ID <= 0:
		return 0, &Refusal{Status: http.StatusOK, Text: "the server does not say whose token this is"}
	}
	return user.ID, err
}

// commentMarker is the line, invisible on the page, that a comment with this
// key begins with. No text of the key is in it.
func commentMarker(key string) string {
	sum := sha256.Sum256([]byte(key))
	return fmt.Sprintf("<!-- modferry:%x -->", sum[:12])
}
