package assign

import "strings"

// dockerfileLines is for a Dockerfile: ARG, so that --build-arg can say
// something else, and ENV, so that stages built on this one have it, too.
//
// Within single quotes everything stands for itself but the single quote, and
// there is no escape character, so the text is right under every "# escape="
// directive (docs.docker.com/reference/dockerfile, #escape and #env).
func dockerfileLines(v Variable) (string, error) {
	if err := oneLine(v.Value); err != nil {
		return "", err
	}
	return "ARG " + v.Name + "='" + strings.ReplaceAll(v.Value, "'", `'"'"'`) + "'\n" +
		"ENV " + v.Name + "=\"$" + v.Name + "\"\n", nil
}
