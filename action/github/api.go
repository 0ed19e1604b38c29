package github

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/google/go-github/v60/github"

	"github.com/modferry/modferry/action/forge"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/secret"
)

// repositoryAPI is the REST API of GitHub, or one like it, for one repository.
// What the server refuses is a *forge.Refusal; every other error is of the
// network. It is safe for concurrent use.
type repositoryAPI struct {
	client      *github.Client
	owner, name string
	hidden      *secret.Set // the token
}

var repository = regexp.MustCompile(`^([A-Za-z0-9._-]+)/([A-Za-z0-9._-]+)$`)

// newRepositoryAPI returns the API of the repository that the workflow
// belongs to (GITHUB_REPOSITORY) on the server that runs it (GITHUB_API_URL).
func newRepositoryAPI(getenv func(string) string, o forge.Options) (*repositoryAPI, error) {
	if o.Token == "" {
		return nil, errors.New("publish: found no token, expected input token to have one")
	}
	repo := repository.FindStringSubmatch(getenv("GITHUB_REPOSITORY"))
	if repo == nil || strings.Trim(repo[1], ".") == "" || strings.Trim(repo[2], ".") == "" {
		return nil, fmt.Errorf("publish: found GITHUB_REPOSITORY %q, expected owner/name", getenv("GITHUB_REPOSITORY"))
	}
	address := getenv("GITHUB_API_URL")
	if address == "" {
		address = "https://api.github.com"
	}
	base, err := url.Parse(strings.TrimRight(address, "/") + "/")
	if err != nil || !forge.IsServer(base) {
		return nil, fmt.Errorf("publish: found GITHUB_API_URL %q, expected an https URL", failure.Plain(address))
	}
	client := github.NewClient(o.Client()).WithAuthToken(o.Token)
	client.BaseURL, client.UserAgent = base, o.Agent
	return &repositoryAPI{client: client, owner: repo[1], name: repo[2], hidden: o.Hidden()}, nil
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

// refused makes a *forge.Refusal of an answer that is not success. The token is
// in no error.
func (g *repositoryAPI) refused(err error) error {
	if err == nil {
		return nil
	}
	text := func(s string) string { return failure.Plain(g.hidden.Hide(s)) }
	var plain *github.ErrorResponse
	var rate *github.RateLimitError
	var secondary *github.AbuseRateLimitError
	var twoFactor *github.TwoFactorAuthError
	switch {
	case errors.As(err, &rate):
		return &forge.Refusal{Status: http.StatusTooManyRequests, Text: text(rate.Message)}
	case errors.As(err, &secondary):
		return &forge.Refusal{Status: http.StatusTooManyRequests, Text: text(secondary.Message)}
	case errors.As(err, &twoFactor):
		return &forge.Refusal{Status: http.StatusUnauthorized, Text: text(twoFactor.Message)}
	case errors.As(err, &plain) && plain.Response != nil:
		said := []string{plain.Message}
		for _, e := range plain.Errors {
			said = append(said, strings.TrimSpace(e.Field+" "+e.Code+" "+e.Message))
		}
		return &forge.Refusal{Status: plain.Response.StatusCode, Text: text(strings.Trim(strings.Join(said, "; "), "; "))}
	}
	return failure.New(failure.Classify(err), "publish", g.client.BaseURL.String(), err)
}
