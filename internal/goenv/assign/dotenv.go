package assign

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxDotenv is the size at which GitLab begins to refuse a dotenv report, in
// bytes.
const maxDotenv = 5 << 10

// dotenv is for artifacts:reports:dotenv of GitLab: one NAME=value a line, no
// quotes, no comments, no empty lines; blanks at both ends are cut off
// (app/services/ci/parse_dotenv_artifact_service.rb).
func dotenv(vars []Variable, random io.Reader) (string, error) {
	text, err := lines("dotenv", dotenvLine)(vars, random)
	if err != nil {
		return "", err
	}
	if len(text) >= maxDotenv {
		return "", fmt.Errorf("dotenv: found %d bytes, expected fewer than %d, which is what GitLab takes; shorten the values", len(text), maxDotenv)
	}
	return text, nil
}

func dotenvLine(v Variable) (string, error) {
	switch err := oneLine(v.Value); {
	case err != nil:
		return "", err
	case strings.Trim(v.Value, " ") != v.Value:
		return "", errors.New("found a blank at an end of the value, which GitLab cuts off; take it out of the value")
	case strings.Contains(v.Value, "$"):
		// GitLab creates the variable with raw: false, so the runner looks for
		// references to others in it; readers elsewhere don't.
		return "", errors.New("found a $, which GitLab takes for a reference to another variable; write %24 in its place in a URL")
	}
	return v.Name + "=" + v.Value + "\n", nil
}
