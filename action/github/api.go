package github

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/google/go-github/v60/github"

	"github.com/modferry/modferry/action/forge"
)

// repositoryAPI is the REST API of GitHub, or one like it, for one repository.
type repositoryAPI struct {
	*github.Client
	server      *forge.Server
	owner, name string
}

var repository = regexp.MustCompile(`^([A-Za-z0-9._-]+)/([A-Za-z0-9._-]+)$`)

// newRepositoryAPI returns the API of the repository that the workflow
// belongs to (GITHUB_REPOSITORY) on the server that runs it (GITHUB_API_URL).
func newRepositoryAPI(getenv func(string) string, token, agent string, transport http.RoundTripper) (*repositoryAPI, error) {
	if token == "" {
		return nil, errors.New("found no token, expected input token to have one")
	}
	repo := repository.FindStringSubmatch(getenv("GITHUB_REPOSITORY"))
	if repo == nil || strings.Trim(repo[1], ".") == "" || strings.Trim(repo[2], ".") == "" {
		return nil, fmt.Errorf("found GITHUB_REPOSITORY %q, expected owner/name", getenv("GITHUB_REPOSITORY"))
	}
	server, err := forge.NewServer("GITHUB_API_URL", cmp.Or(getenv("GITHUB_API_URL"), "https://api.github.com"), token, transport)
	if err != nil {
		return nil, err
	}
	client := github.NewClient(server.Client).WithAuthToken(token)
	client.BaseURL, client.UserAgent = server.URL, agent
	return &repositoryAPI{client, server, repo[1], repo[2]}, nil
}

// failed is the error of a call, nil if it went well.
func (g *repositoryAPI) failed(resp *github.Response, err error) error {
	switch {
	case err == nil:
		return nil
	case resp == nil:
		return g.server.Failed(nil, err)
	case errors.As(err, new(*github.RateLimitError)) || errors.As(err, new(*github.AbuseRateLimitError)):
		resp.StatusCode = http.StatusTooManyRequests // also for a call that go-github did not make
	}
	return g.server.Failed(resp.Response, err)
}

// meanings is what a refusal means for a call that needs a permission of the
// job's token, e.g. "checks".
func meanings(permission string) forge.Meanings {
	return forge.Meanings{
		http.StatusUnauthorized:        "the token has expired or is not for this server",
		http.StatusForbidden:           "the token is not allowed to do that; the job needs permissions: " + permission + ": write, which pull requests from forks and of Dependabot never have",
		http.StatusNotFound:            "this server has no such repository or pull request, or the token cannot see it",
		http.StatusUnprocessableEntity: "the server rejects it",
		http.StatusTooManyRequests:     "the rate limit of the server is reached",
	}
}
