package forge

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// MaxText is the most characters that GitHub takes for a text; bytes are never
// fewer. GitLab takes more.
const MaxText = 65535

// The most comments on a change that are looked at.
const (
	CommentsPerPage = 100
	MaxCommentPages = 30
)

// Thread is where the comments on a change are. What its server refuses is a
// *Refusal; every other error is of the network.
type Thread interface {
	// Marked returns the comments on the change of this number that begin with
	// marker and are of our author, the oldest first.
	Marked(ctx context.Context, number int, marker string) ([]Comment, error)
	// PutComment creates a comment, or replaces the text of the one with this
	// id when it is not 0.
	PutComment(ctx context.Context, number int, id int64, body string) error
	// DeleteComment removes a comment.
	DeleteComment(ctx context.Context, number int, id int64) error
}

type Comment struct {
	ID   int64
	Body string
}

// Request is the one comment that a change is to have.
type Request struct {
	Change   string // what a change is called there, e.g. "pull request"
	Number   int    // of the change, 0 when there is none
	Key      string // tells apart the comments of several jobs; any text
	Body     string // Markdown
	Worth    bool   // worth a new comment; an earlier one is updated anyway
	Meanings Meanings
}

// PublishComment makes sure that a change has one comment with this key and body:
// it updates an earlier one in place, or else writes one when that is worth it.
// Jobs that write at the same time find each other's comments afterwards and keep
// the oldest. It returns "", or why it could not in a sentence.
func PublishComment(ctx context.Context, t Thread, r Request) (remark string) {
	if r.Number <= 0 {
		return ""
	}
	what := "the " + r.Change + " has no comment"
	marker := commentMarker(r.Key)
	body := marker + "\n" + CutMarkdown(r.Body, MaxText-len(marker)-1)
	earlier, err := t.Marked(ctx, r.Number, marker)
	if err != nil {
		return r.Meanings.Because(what, err)
	}
	if len(earlier) == 0 {
		if !r.Worth {
			return ""
		}
		if err := t.PutComment(ctx, r.Number, 0, body); err != nil {
			return r.Meanings.Because(what, err)
		}
		if earlier, err = t.Marked(ctx, r.Number, marker); err != nil || len(earlier) == 0 {
			return "" // it was written, even if the list does not show it yet
		}
	}
	return keepOne(ctx, t, r, earlier, body)
}

// keepOne gives the oldest comment the body and deletes the others.
func keepOne(ctx context.Context, t Thread, r Request, comments []Comment, body string) (remark string) {
	if strings.TrimSpace(comments[0].Body) != strings.TrimSpace(body) {
		if err := t.PutComment(ctx, r.Number, comments[0].ID, body); err != nil {
			return r.Meanings.Because("the comment on the "+r.Change+" is not up to date", err)
		}
	}
	for _, c := range comments[1:] {
		err := t.DeleteComment(ctx, r.Number, c.ID)
		var no *Refusal
		if errors.As(err, &no) && no.Status == http.StatusNotFound {
			continue // somebody was faster
		}
		if err != nil {
			return r.Meanings.Because("the "+r.Change+" has the comment more than once", err)
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

// CutMarkdown cuts Markdown to max bytes at the end of a line, closes what is
// open there and says so. max must be more than 200.
func CutMarkdown(text string, max int) string {
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
