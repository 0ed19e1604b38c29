package gitlab

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/modferry/modferry/action/forge"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/settings"
)

// notes are the notes on merge requests of a project.
type notes struct {
	api     *client
	project *url.URL
	me      int64 // the user that the token belongs to, 0 while unknown
}

// newNotes returns the notes of the project with this id, which is the target of
// the merge request.
func newNotes(api *client, project string) (*notes, error) {
	if _, err := strconv.ParseUint(project, 10, 63); err != nil {
		return nil, fmt.Errorf("found CI_MERGE_REQUEST_PROJECT_ID %q, expected a number", failure.Plain(project))
	}
	return &notes{api: api, project: api.base.JoinPath("projects", project)}, nil
}

var meanings = forge.Meanings{
	http.StatusUnauthorized: "the token in " + settings.GitLabToken + " has expired or is not for this server",
	http.StatusForbidden: "the token in " + settings.GitLabToken +
		" is not allowed to do that: it needs the scope api and at least the role Reporter in the project that the merge request goes into",
	http.StatusNotFound:        "this server has no such merge request, or the token in " + settings.GitLabToken + " cannot see it",
	http.StatusTooManyRequests: "the rate limit of the server is reached",
}

// of is the address of the notes on a merge request.
func (n *notes) of(number int) *url.URL {
	return n.project.JoinPath("merge_requests", strconv.Itoa(number), "notes")
}

// Marked implements forge.Thread. Anybody can write a note that begins with our
// marker, and its author could change what we then wrote into it, so only those
// of the user that the token belongs to count.
func (n *notes) Marked(ctx context.Context, number int, marker string) ([]forge.Comment, error) {
	var found []forge.Comment
	address := n.of(number)
	for i := range forge.MaxCommentPages {
		address.RawQuery = url.Values{
			"sort": {"asc"}, "order_by": {"created_at"}, "per_page": {strconv.Itoa(forge.CommentsPerPage)}, "page": {strconv.Itoa(i + 1)},
		}.Encode()
		var page []struct {
			ID     int64  `json:"id"`
			Body   string `json:"body"`
			System bool   `json:"system"`
			Author struct {
				ID int64 `json:"id"`
			} `json:"author"`
		}
		if err := n.api.call(ctx, http.MethodGet, address, nil, &page); err != nil {
			return nil, err
		}
		for _, note := range page {
			if note.System || note.ID == 0 || !strings.HasPrefix(note.Body, marker) {
				continue
			}
			if err := n.findMe(ctx); err != nil {
				return nil, err
			}
			if note.Author.ID == n.me {
				found = append(found, forge.Comment{ID: note.ID, Body: note.Body})
			}
		}
		if len(page) < forge.CommentsPerPage {
			break
		}
	}
	slices.SortFunc(found, func(a, b forge.Comment) int { return cmp.Compare(a.ID, b.ID) })
	return found, nil
}

// findMe finds out which user the token belongs to; tokens of projects and groups
// have bot users.
func (n *notes) findMe(ctx context.Context) error {
	if n.me != 0 {
		return nil
	}
	var user struct {
		ID int64 `json:"id"`
	}
	if err := n.api.call(ctx, http.MethodGet, n.api.base.JoinPath("user"), nil, &user); err != nil {
		return err
	}
	if user.ID <= 0 {
		return &forge.Refusal{Status: http.StatusOK, Text: "the server does not say whose token this is"}
	}
	n.me = user.ID
	return nil
}

// PutComment implements forge.Thread.
func (n *notes) PutComment(ctx context.Context, number int, id int64, body string) error {
	method, address := http.MethodPost, n.of(number)
	if id != 0 {
		method, address = http.MethodPut, address.JoinPath(strconv.FormatInt(id, 10))
	}
	return n.api.call(ctx, method, address, map[string]string{"body": body}, nil)
}

// DeleteComment implements forge.Thread.
func (n *notes) DeleteComment(ctx context.Context, number int, id int64) error {
	return n.api.call(ctx, http.MethodDelete, n.of(number).JoinPath(strconv.FormatInt(id, 10)), nil, nil)
}
