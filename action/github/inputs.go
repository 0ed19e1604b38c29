package github

import (
	"fmt"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/settings"
)

// ownInput is an input of the action that is not a setting of modferry.
// action.yml says what it means.
type ownInput struct {
	Name    string
	Default string
	Choices []string // nil for any text
	Secret  bool
	Only    way // the one that has it; "" for both
}

// way is one in which workflows use modferry: an action.yml.
type way string

const (
	container way = "container" // the action at the root
	native    way = "native"    // action/native
)

// ownInputs are the inputs of the action besides those of the settings table.
func ownInputs() []ownInput {
	yesNo := []string{"true", "false"}
	return []ownInput{
		{Name: "fail-on", Default: "incomplete", Choices: []string{"incomplete", "integrity"}},
		{Name: "summary", Default: "true", Choices: yesNo},
		{Name: "annotations", Default: "true", Choices: yesNo},
		{Name: "check-run", Default: "false", Choices: yesNo},
		{Name: "comment", Default: "false", Choices: yesNo},
		{Name: "report"},
		{Name: "netrc", Secret: true},
		{Name: "token", Default: "${{ github.token }}", Secret: true},
		{Name: "host-temp", Default: "host=${{ runner.temp }}", Only: container},
		{Name: "job-index", Default: "${{ strategy.job-index }}"},
		{Name: "job-status", Default: "${{ job.status }}", Only: native},
		{Name: "binary", Only: native},                     // of the shim, as the next one
		{Name: "download-url", Secret: true, Only: native}, // may hold a password
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

// readInputs reads the inputs of the step. An empty input counts as not given:
// expressions in a workflow often evaluate to nothing.
func readInputs(getenv func(string) string) (*inputs, error) {
	in := &inputs{settings: map[string]string{}, own: map[string]string{}}
	for _, s := range settings.Table() {
		if text := getenv(variable(s.InputName())); s.Input && strings.TrimSpace(text) != "" {
			in.settings[s.Name] = text
		}
	}
	for _, i := range ownInputs() {
		text := strings.TrimSpace(getenv(variable(i.Name)))
		if text == "" && !strings.Contains(i.Default, "${{") {
			text = i.Default
		}
		if n := slices.IndexFunc(i.Choices, func(c string) bool { return strings.EqualFold(c, text) }); n >= 0 {
			text = i.Choices[n] // GitHub's own actions take TRUE for true as well
		} else if i.Choices != nil {
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

// spread turns globs in working-directory into setting modules, for monorepos.
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

func (in *inputs) on(name string) bool { return in.own[name] == "true" }
