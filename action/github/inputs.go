package github

import (
	"fmt"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/settings"
)

// Input is an input of the action that is no setting of modferry.
type Input struct {
	Name    string
	Default string
	Usage   string
	Choices []string // nil for any text
	Secret  bool
}

// Inputs returns the inputs of the action besides those of the settings table.
// The caller owns the result.
func Inputs() []Input {
	yesNo := []string{"true", "false"}
	return []Input{
		{Name: "fail-on", Default: "incomplete", Choices: []string{"incomplete", "integrity"},
			Usage: "what fails the step: incomplete (a file could not be obtained) or only integrity (wrong bytes and no right ones); settings that cannot work always do"},
		{Name: "summary", Default: "true", Choices: yesNo, Usage: "write a report into the job summary"},
		{Name: "annotations", Default: "true", Choices: yesNo, Usage: "mark the lines of go.mod and go.sum at fault, and failures of later go commands"},
		{Name: "check-run", Default: "false", Choices: yesNo, Usage: "publish a check run with every annotation; the token needs checks: write"},
		{Name: "comment", Default: "false", Choices: yesNo, Usage: "keep one comment on the pull request up to date when something failed; the token needs pull-requests: write"},
		{Name: "report", Usage: "write the result as JSON to this file of the workspace"},
		{Name: "netrc", Secret: true, Usage: "text of a .netrc file with credentials of mirrors: machine HOST login USER password PASSWORD"},
		{Name: "token", Default: "${{ github.token }}", Secret: true, Usage: "token for check-run and comment"},
		{Name: "host-temp", Default: "host=${{ runner.temp }}", Usage: "for the action itself: the job's temporary directory as later steps see it"},
		{Name: "job-index", Default: "${{ strategy.job-index }}", Usage: "for the action itself: which leg of a matrix this is, to tell their check runs and comments apart"},
	}
}

// inputs are the inputs of one step.
type inputs struct {
	settings map[string]string // setting → text, only what was given
	own      map[string]string // the others, defaults filled in
}

// variable is the environment variable that the runner passes an input in:
// blanks become underscores, hyphens stay.
func variable(input string) string {
	return "INPUT_" + strings.ToUpper(strings.ReplaceAll(input, " ", "_"))
}

// readInputs reads the inputs of the step. An empty one is one that was not
// given, which expressions in a workflow often evaluate to.
func readInputs(getenv func(string) string) (*inputs, error) {
	in := &inputs{settings: map[string]string{}, own: map[string]string{}}
	for _, s := range settings.Table() {
		if text := getenv(variable(s.InputName())); s.Input && strings.TrimSpace(text) != "" {
			in.settings[s.Name] = text
		}
	}
	for _, i := range Inputs() {
		text := strings.TrimSpace(getenv(variable(i.Name)))
		if text == "" && !strings.Contains(i.Default, "${{") {
			text = i.Default
		}
		if i.Choices != nil && !slices.Contains(i.Choices, text) {
			err := fmt.Errorf("input %s: found %q, expected %s", i.Name, text, strings.Join(i.Choices, " or "))
			if near := settings.Suggest(text, i.Choices); near != "" {
				err = fmt.Errorf("%w; write %s: %s", err, i.Name, near)
			}
			return nil, err
		}
		in.own[i.Name] = text
	}
	in.spread()
	return in, nil
}

// spread reads globs in working-directory as several modules of the workspace,
// as monorepos have them.
func (in *inputs) spread() {
	dir := in.settings["dir"]
	if !strings.ContainsAny(dir, "*?[,\n") && !strings.Contains(dir, "...") {
		return
	}
	if in.settings["modules"] == "" {
		in.settings["modules"] = dir
		delete(in.settings, "dir")
	}
}

// on reports whether a yes-or-no input is on.
func (in *inputs) on(name string) bool { return in.own[name] == "true" }
