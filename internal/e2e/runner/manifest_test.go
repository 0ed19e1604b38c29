//go:build linux

package runner

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// manifest is what a runner reads of action.yml.
type manifest struct {
	Inputs map[string]struct {
		Default string `yaml:"default"`
	} `yaml:"inputs"`
	Outputs map[string]struct {
		Description string `yaml:"description"`
	} `yaml:"outputs"`
	Runs struct {
		Using          string            `yaml:"using"`
		Image          string            `yaml:"image"`
		Entrypoint     string            `yaml:"entrypoint"`
		PostEntrypoint string            `yaml:"post-entrypoint"`
		PostIf         string            `yaml:"post-if"`
		Args           []string          `yaml:"args"`
		Env            map[string]string `yaml:"env"`
	} `yaml:"runs"`
}

func readManifest(t *testing.T) *manifest {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, "action.yml"))
	if err != nil {
		t.Fatal(err)
	}
	m := new(manifest)
	if err := yaml.Unmarshal(text, m); err != nil {
		t.Fatal(err)
	}
	if m.Runs.Using != "docker" || m.Runs.Entrypoint == "" || m.Runs.PostEntrypoint == "" {
		t.Fatalf("action.yml runs %+v, expected a container action with two entry points", m.Runs)
	}
	return m
}

var expression = regexp.MustCompile(`\$\{\{\s*(.*?)\s*\}\}`)

// evaluate replaces the expressions in a text of action.yml.
func evaluate(t *testing.T, text string, contexts map[string]string) string {
	t.Helper()
	return expression.ReplaceAllStringFunc(text, func(e string) string {
		name := expression.FindStringSubmatch(e)[1]
		value, ok := contexts[name]
		if !ok {
			t.Errorf("action.yml has an expression that no runner gives here: %s", e)
		}
		return value
	})
}

// inputs are the variables that a runner makes of the inputs of a step: all of
// them, those of with over the defaults.
func (m *manifest) inputs(t *testing.T, with, contexts map[string]string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for name, in := range m.Inputs {
		all[name] = evaluate(t, in.Default, contexts)
	}
	for name := range with {
		if _, ok := m.Inputs[name]; !ok {
			t.Errorf("action.yml has no input %s", name)
		}
	}
	maps.Copy(all, with)
	env := map[string]string{}
	for name, value := range all {
		env["INPUT_"+strings.ToUpper(strings.ReplaceAll(name, " ", "_"))] = value
	}
	return env
}
