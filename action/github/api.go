package github

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/modferry/modferry/action/forge"
)

// repositoryAPI is the REST API of GitHub, or one like it, for one repository.
type repositoryAPI struct {
	*forge.API
	path string // of the repository
}

var repository = regexp.MustCompile(`^([A-Za-z0-9._-]+)/([A-Za-z0-9._-]+)$`)

// newRepositoryAPI returns the API of the repository that the workflow
// belongs to (GITHUB_REPOSITORY) on the server that runs it (GITHUB_API_URL).
func newRepositoryAPI(getenv func(string) string, token, agent string, transport http.RoundTripper) (*repositoryAPI, error) {
	if token == "" {
		return nil, errors.New("found no token, expected input token to have one")
	}
	name := getenv("GITHUB_REPOSITORY")
	if repo := repository.FindStringSubmatch(name); repo == nil || strings.Trim(repo[1], ".") == "" || strings.Trim(repo[2], ".") == "" {
		return nil, fmt.Errorf("found GITHUB_REPOSITORY %q, expected owner/name", name)
	}
	api, err := forge.NewAPI("GITHUB_API_URL", cmp.Or(getenv("GITHUB_API_URL"), "https://api.github.com"), forge.Options{
		Token: token, Transport: transport,
		Header: http.Header{"Authorization": {"Bearer " + token}, "User-Agent": {agent}, "Accept": {"application/vnd.github+json"}},
	})
	if err != nil {
		return nil, err
	}
	return &repositoryAPI{api, "repos/" + name}, nil
}

// thread is the comments on a pull request.
func (g *repositoryAPI) thread(pullRequest int) forge.Thread {
	return forge.Thread{
		API: g.API, List: fmt.Sprintf("%s/issues/%d/comments", g.path, pullRequest), One: g.path + "/issues/comments", Update: http.MethodPatch,
		Change: "pull request", Meanings: meanings("pull-requests"), Bots: true,
	}
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
