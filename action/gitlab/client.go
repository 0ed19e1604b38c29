package gitlab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/modferry/modferry/action/forge"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/secret"
)

// client calls GitLab's REST API. What the server refuses is a *forge.Refusal;
// every other error is of the network.
type client struct {
	http         *http.Client
	base         *url.URL // e.g. https://gitlab.example.test/api/v4
	token, agent string
	hidden       *secret.Set // the token
}

// newClient returns a client of the API at an address.
func newClient(address string, o forge.Options) (*client, error) {
	base, err := url.Parse(address)
	if err != nil || !forge.IsServer(base) {
		return nil, fmt.Errorf("found CI_API_V4_URL %q, expected an https URL", failure.Plain(address))
	}
	return &client{http: o.Client(), base: base, token: o.Token, agent: o.Agent, hidden: o.Hidden()}, nil
}

// call makes a request of the address u: in is sent as JSON unless it is nil, the
// answer read into out unless that is nil. The token is in no error.
func (c *client) call(ctx context.Context, method string, u *url.URL, in, out any) error {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(data)
	}
	r, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return err
	}
	r.Header.Set("PRIVATE-TOKEN", c.token)
	r.Header.Set("User-Agent", c.agent)
	r.Header.Set("Accept", "application/json")
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return failure.New(failure.Classify(err), "publish", c.base.String(), err)
	}
	defer resp.Body.Close()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return &forge.Refusal{Status: resp.StatusCode, Text: c.said(resp.Body)}
	}
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return failure.New(failure.BadResponse, "publish", c.base.String(), errors.New("the answer is not the JSON of GitLab's API"))
	}
	return nil
}

// said is the server's own words in an answer that is not success.
func (c *client) said(body io.Reader) string {
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
	return failure.Plain(c.hidden.Hide(strings.Join(said, "; ")))
}
