package github

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"github.com/modferry/modferry/internal/diskfile"
)

// event is what is used of the event that started the workflow. The rest of it,
// such as titles and texts that anybody can write, is ignored.
type event struct {
	PullRequest int    // number, 0 when there is none
	HeadSHA     string // of the commit that a check run is about, "" when unknown
	Source      string // repository that a pull request comes from, OWNER/NAME, "" when unknown
}

// maxEvent is the most bytes read of an event; GitHub's own limit is 25 MB.
const maxEvent = 32 << 20

var commitHash = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)

// readEvent reads the event at GITHUB_EVENT_PATH. The commit of a pull request
// is its head: GITHUB_SHA is then a merge commit, for which GitHub shows no check
// run. An error comes with the event as the variables describe it.
func readEvent(getenv func(string) string) (event, error) {
	var e event
	if sha := getenv("GITHUB_SHA"); commitHash.MatchString(sha) {
		e.HeadSHA = sha
	}
	name := getenv("GITHUB_EVENT_PATH")
	if name == "" {
		return e, nil
	}
	data, err := diskfile.Read(name, maxEvent)
	if err != nil {
		return e, fmt.Errorf("read the event: %w", err)
	}
	var payload struct {
		PullRequest *struct {
			Number int `json:"number"`
			Head   struct {
				SHA  string `json:"sha"`
				Repo struct {
					Name string `json:"full_name"`
				} `json:"repo"`
			} `json:"head"`
		} `json:"pull_request"`
	}
	if err := json.Unmarshal(data, &payload); err != nil {
		return e, errors.New("read the event: found something other than the JSON of an event")
	}
	if pr := payload.PullRequest; pr != nil && pr.Number > 0 {
		e.PullRequest, e.Source = pr.Number, pr.Head.Repo.Name
		if commitHash.MatchString(pr.Head.SHA) {
			e.HeadSHA = pr.Head.SHA
		}
	}
	return e, nil
}
