package assign

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// jsonText is one object of strings.
func jsonText(vars []Variable, _ io.Reader) (string, error) {
	return marshal(object(vars))
}

// vsCode is a settings.json of Visual Studio Code: the Go extension runs its
// tools with these variables.
func vsCode(vars []Variable, _ io.Reader) (string, error) {
	for _, v := range vars {
		// The extension reads the values as paths (resolvePath of
		// golang/vscode-go), and knows no escape for that.
		var err error
		switch {
		case strings.Contains(v.Value, "${"):
			err = errors.New("found ${, which the Go extension takes for a reference; write %24{ in its place in a URL")
		case strings.HasPrefix(v.Value, "~"):
			err = errors.New("found a ~ at the start, which the Go extension takes for the home directory; write the directory out")
		}
		if err != nil {
			return "", fmt.Errorf("%s as vscode: %w", v.Name, err)
		}
	}
	return marshal(map[string]any{"go.toolsEnvVars": object(vars)})
}

func object(vars []Variable) map[string]string {
	out := map[string]string{}
	for _, v := range vars {
		out[v.Name] = v.Value
	}
	return out
}

func marshal(v any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // people read it
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return "", fmt.Errorf("render as JSON: %w", err)
	}
	return b.String(), nil
}
