package forge

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// MaxText is the most bytes of a text: GitHub takes 65535 characters, with what is
// put before it. GitLab takes more.
const MaxText = 65535 - 1024

// CommentsPerPage is how many comments a page has.
const CommentsPerPage = 100

// maxCommentPages is how many pages are looked at.
const maxCommentPages = 30

// Comments is the comments on one change. What their server refuses is a *Refusal;
// every other error is of the network.
type Comments interface {
	// Page returns a page of the comments that people and programs wrote, the
	// oldest first, and whether there are more. Pages count from 1.
	Page(ctx context.Context, page int) (comments []Comment, more bool, err error)
	// Me is the user that the token belongs to, 0 if it belongs to nobody.
	Me(ctx context.Context) (int64, error)
	// Put creates a comment, or replaces the body of the one with this id when it
	// is not 0.
	Put(ctx context.Context, id int64, body string) error
	// Delete removes a comment.
	Delete(ctx context.Context, id int64) error
}

// Comment is a comment as its server has it.
type Comment struct {
	ID     int64
	Body   string // Markdown
	Author int64  // a user
	// Bot says that a program wrote it, which counts as ours: the token of a
	// GitHub app, such as that of a job, cannot ask who it belongs to.
	Bot bool
}

// Thread is where the comment on a pull request or merge request is kept.
type Thread struct {
	Comments Comments
	Change   string // what a change is called there, e.g. "pull request"
	Meanings Meanings
}

// Publish makes sure that a change has one comment with this key and body, which
// is Markdown of at most MaxText bytes: it updates an earlier one in place, or else
// writes one when it is worth that. The key tells apart the comments of several
// jobs; any text will do. Jobs that write at the same time find each other's
// comments afterwards and keep the oldest. It returns "", or why it could not in a
// sentence.
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
		if err := t.Comments.Put(ctx, 0, body); err != nil {
			return t.Meanings.Because(what, err)
		}
		if earlier, err = t.marked(ctx, marker); err != nil || len(earlier) == 0 {
			return "" // it was written, even if the list does not show it yet
		}
	}
	return t.keepOne(ctx, earlier, body)
}

// keepOne gives the oldest comment the body and deletes the others.
func (t Thread) keepOne(ctx context.Context, comments []Comment, body string) (remark string) {
	if strings.TrimSpace(comments[0].Body) != strings.TrimSpace(body) {
		if err := t.Comments.Put(ctx, comments[0].ID, body); err != nil {
			return t.Meanings.Because("the comment on the "+t.Change+" is not up to date", err)
		}
	}
	for _, c := range comments[1:] {
		err := t.Comments.Delete(ctx, c.ID)
		if err != nil && !IsRefusal(err, http.StatusNotFound) { // else somebody was faster
			return t.Meanings.Because("the "+t.Change+" has the comment more than once", err)
		}
	}
	return ""
}

// marked returns our comments that begin with marker, the oldest first. Anybody
// can write one that does, and its author could change what we then wrote into
// it, so only those of the token's user count.
func (t Thread) marked(ctx context.Context, marker string) ([]Comment, error) {
	var found []Comment
	me := int64(-1) // until it is asked for
	for i := range maxCommentPages {
		page, more, err := t.Comments.Page(ctx, i+1)
		if err != nil {
			return nil, err
		}
		for _, c := range page {
			if c.ID == 0 || !strings.HasPrefix(c.Body, marker) {
				continue
			}
			if !c.Bot && me < 0 {
				if me, err = t.Comments.Me(ctx); err != nil {
					return nil, err
				}
			}
			if c.Bot || me > 0 && c.Author == me {
				found = append(found, c)
			}
		}
		if !more {
			break
		}
	}
	slices.SortFunc(found, func(a, b Comment) int { return cmp.Compare(a.ID, b.ID) })
	return found, nil
}

// commentMarker is the line, invisible on the page, that a comment with this
// key begins with. No text of the key is in it.
func commentMarker(key string) string {
	sum := sha256.Sum256([]byte(key))
	return fmt.Sprintf("<!-- modferry:%x -->", sum[:12])
}
