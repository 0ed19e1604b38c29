package github

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/google/go-github/v60/github"

	"github.com/modferry/modferry/action/forge"
)

// Marked implements forge.Thread. Anybody can write a comment that begins with our
// marker, and its author could change what we then wrote into it, so only those
// by bots count, and those by the user that the token belongs to.
func (g *repositoryAPI) Marked(ctx context.Context, pullRequest int, marker string) ([]forge.Comment, error) {
	var found []forge.Comment
	me, asked := "", false
	options := &github.IssueListCommentsOptions{ListOptions: github.ListOptions{PerPage: forge.CommentsPerPage}}
	for range forge.MaxCommentPages {
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
			found = append(found, forge.Comment{ID: c.GetID(), Body: c.GetBody()})
		}
		if resp.NextPage == 0 {
			break
		}
		options.Page = resp.NextPage
	}
	slices.SortFunc(found, func(a, b forge.Comment) int { return cmp.Compare(a.ID, b.ID) })
	return found, nil
}

// login is the user that the token belongs to, "" for the token of an app, such
// as that of a job.
func (g *repositoryAPI) login(ctx context.Context) (string, error) {
	user, _, err := g.client.Users.Get(ctx, "")
	err = g.refused(err)
	var no *forge.Refusal
	if errors.As(err, &no) && (no.Status == http.StatusUnauthorized || no.Status == http.StatusForbidden || no.Status == http.StatusNotFound) {
		return "", nil
	}
	return user.GetLogin(), err
}

// PutComment implements forge.Thread.
func (g *repositoryAPI) PutComment(ctx context.Context, pullRequest int, id int64, body string) error {
	var err error
	if id != 0 {
		_, _, err = g.client.Issues.EditComment(ctx, g.owner, g.name, id, &github.IssueComment{Body: &body})
	} else {
		_, _, err = g.client.Issues.CreateComment(ctx, g.owner, g.name, pullRequest, &github.IssueComment{Body: &body})
	}
	return g.refused(err)
}

// DeleteComment implements forge.Thread.
func (g *repositoryAPI) DeleteComment(ctx context.Context, _ int, id int64) error {
	_, err := g.client.Issues.DeleteComment(ctx, g.owner, g.name, id)
	return g.refused(err)
}
