package gitlab

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/modferry/modferry/action/forge"
)

// notes is the notes on a merge request, in GitLab's REST API. It implements
// forge.Comments.
type notes struct {
	*forge.Server
	token, agent string
	list         string // path of the notes in the API
}

func (n *notes) Page(ctx context.Context, page int) ([]forge.Comment, bool, error) {
	var list []struct {
		ID     int64
		Body   string
		System bool // written by GitLab itself
		Author struct{ ID int64 }
	}
	query := fmt.Sprintf("?sort=asc&order_by=created_at&per_page=%d&page=%d", forge.CommentsPerPage, page)
	if err := n.call(ctx, http.MethodGet, n.list+query, nil, &list); err != nil {
		return nil, false, err
	}
	var all []forge.Comment
	for _, x := range list {
		if !x.System {
			all = append(all, forge.Comment{ID: x.ID, Body: x.Body, Author: x.Author.ID})
		}
	}
	return all, len(list) == forge.CommentsPerPage, nil
}

// Me is never 0: tokens of projects and groups have bot users.
func (n *notes) Me(ctx context.Context) (int64, error) {
	var user struct{ ID int64 }
	err := n.call(ctx, http.MethodGet, "user", nil, &user)
	if err == nil && user.ID <= 0 {
		err = &forge.Refusal{Status: http.StatusOK, Text: "the server does not say whose token this is"}
	}
	return user.ID, err
}

func (n *notes) Put(ctx context.Context, id int64, body string) error {
	in := map[string]string{"body": body}
	if id == 0 {
		return n.call(ctx, http.MethodPost, n.list, in, nil)
	}
	return n.call(ctx, http.MethodPut, fmt.Sprintf("%s/%d", n.list, id), in, nil)
}

func (n *notes) Delete(ctx context.Context, id int64) error {
	return n.call(ctx, http.MethodDelete, fmt.Sprintf("%s/%d", n.list, id), nil, nil)
}

// call makes a request of a path of the API. in is sent as JSON unless it is nil;
// the answer is read into out unless that is nil.
func (n *notes) call(ctx context.Context, method, path string, in, out any) error {
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			return err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, n.URL.String()+path, &body)
	if err != nil {
		return err
	}
	r.Header = http.Header{"Private-Token": {n.token}, "User-Agent": {n.agent}, "Accept": {"application/json"}}
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := n.Client.Do(r)
	if err != nil {
		return n.Failed(nil, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 200 && resp.StatusCode <= 299 && (out == nil || json.NewDecoder(resp.Body).Decode(out) == nil) {
		return nil
	}
	return n.Failed(resp, nil)
}
