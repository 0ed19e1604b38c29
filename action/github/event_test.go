package github

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEventTellsThePullRequestAndItsHead(t *testing.T) {
	t.Parallel()
	const sha, head = "1111111111111111111111111111111111111111", "2222222222222222222222222222222222222222"
	tests := map[string]struct {
		payload string
		want    event
		fails   bool
	}{
		"push":                   {`{"ref":"refs/heads/main","head_commit":{"id":"x"}}`, event{HeadSHA: sha}, false},
		"pull request":           {`{"action":"opened","number":7,"pull_request":{"number":7,"title":"x","head":{"sha":"` + head + `"}}}`, event{PullRequest: 7, HeadSHA: head}, false},
		"a head that is no hash": {`{"pull_request":{"number":7,"head":{"sha":"main\n::error::x"}}}`, event{PullRequest: 7, HeadSHA: sha}, false},
		"a head in upper case":   {`{"pull_request":{"number":7,"head":{"sha":"` + strings.Repeat("A", 40) + `"}}}`, event{PullRequest: 7, HeadSHA: sha}, false},
		"SHA-256":                {`{"pull_request":{"number":7,"head":{"sha":"` + strings.Repeat("a", 64) + `"}}}`, event{PullRequest: 7, HeadSHA: strings.Repeat("a", 64)}, false},
		"no number":              {`{"pull_request":{"head":{"sha":"` + head + `"}}}`, event{HeadSHA: sha}, false},
		"a negative number":      {`{"pull_request":{"number":-7,"head":{"sha":"` + head + `"}}}`, event{HeadSHA: sha}, false},
		"null":                   {`{"pull_request":null}`, event{HeadSHA: sha}, false},
		"text for a number":      {`{"pull_request":{"number":"7"}}`, event{HeadSHA: sha}, true},
		"text for an object":     {`{"pull_request":"x"}`, event{HeadSHA: sha}, true},
		"a list":                 {`[1]`, event{HeadSHA: sha}, true},
		"empty":                  {``, event{HeadSHA: sha}, true},
		"cut off":                {`{"pull_request":{"number":7`, event{HeadSHA: sha}, true},
		"deeply nested":          {`{"x":` + strings.Repeat("[", 100_000), event{HeadSHA: sha}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "event.json")
			if err := os.WriteFile(file, []byte(test.payload), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := readEvent(environment("GITHUB_SHA", sha, "GITHUB_EVENT_PATH", file))
			if (err != nil) != test.fails || got != test.want {
				t.Errorf("readEvent = %v, %v", got, err)
			}
		})
	}
	dir := t.TempDir()
	large := filepath.Join(dir, "large")
	if err := os.WriteFile(large, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, maxEvent+1); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{"a directory": dir, "no such file": filepath.Join(dir, "absent"), "too large": large} {
		if got, err := readEvent(environment("GITHUB_SHA", sha, "GITHUB_EVENT_PATH", file)); err == nil || got != (event{HeadSHA: sha}) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if got, err := readEvent(environment("GITHUB_SHA", "--help")); err != nil || got != (event{}) {
		t.Errorf("without a file: %v, %v", got, err)
	}
}
