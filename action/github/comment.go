package github

import (
	"context"
	"net/http"

	"github.com/google/go-github/v60/github"

	"github.com/modferry/modferry/action/forge"
)

// comments is the comments on a pull request. It implements forge.Comments.
type comments struct {
	*repositoryAPI
	pullRequest int
}

// thread is where the comment on a pull request is kept.
func (g *repositoryAPI) thread(pullRequest int) forge.Thread {
	return forge.Thread{Comments: comments{g, pullRequest}, Change: "pull request", Meanings: meanings("pull-requests")}
}

func (c comments) Page(ctx context.Context, page int) ([]forge.Comment, bool, error) {
	options := github.ListOptions{Page: page, PerPage: forge.CommentsPerPage}
	list, resp, err := c.Issues.ListComments(ctx, c.owner, c.name, c.pullRequest, &github.IssueListCommentsOptions{ListOptions: options})
	if err != nil {
		return nil, false, c.failed(resp, err)
	}
	var all []forge.Comment
	for _, x := range list {
		all = append(all, forge.Comment{ID: x.GetID(), Body: x.GetBody(), Author: x.GetUser().GetID(), Bot: x.GetUser().GetType() == "Bot"})
	}
	return all, resp.NextPage != 0 || len(list) == forge.CommentsPerPage, nil
}

// Me is 0 for the token of an app.
func (c comments) Me(ctx context.Context) (int64, error) {
	user, resp, err := c.Users.Get(ctx, "")
	err = c.failed(resp, err)
	if forge.IsRefusal(err, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound) {
		err = nil
	}
	return user.GetID(), err
}

func (c comments) Put(ctx context.Context, id int64, body string) error {
	var resp *github.Response
	var err error
	if comment := (&github.IssueComment{Body: &body}); id == 0 {
		_, resp, err = c.Issues.CreateComment(ctx, c.owner, c.name, c.pullRequest, comment)
	} else {
		_, resp, err = c.Issues.EditComment(ctx, c.owner, c.name, id, comment)
	}
	return c.failed(resp, err)
}

func (c comments) Delete(ctx context.Context, id int64) error {
	return c.failed(c.Issues.DeleteComment(ctx, c.owner, c.name, id))
}
