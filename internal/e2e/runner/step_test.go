//go:build linux

package runner

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// step is what a step left behind.
type step struct {
	output
	commands []command
	text     string // both streams without the commands
	outputs  map[string]string
	env      map[string]string // what it set for later steps
	summary  string
}

// read takes in a step's log and command files by the runner's rules.
func (j *job) read(s *step, files map[string]string) {
	j.t.Helper()
	for _, stream := range []string{s.stdout, s.stderr} {
		commands, text := parseLog(stream)
		s.commands = append(s.commands, commands...)
		s.text += text
	}
	for _, c := range s.commands {
		switch c.name {
		case "add-mask":
			for line := range strings.Lines(c.data) {
				j.masks = append(j.masks, strings.TrimSpace(line))
			}
		case "add-matcher":
			// The runner reads it on the host.
			j.matcher = append(j.matcher, onHost(c.data, j.paths.ofAction(j.layout)))
		case "error", "warning", "notice", "debug", "group", "endgroup":
		default:
			j.t.Errorf("a stage gave the runner the command %s", c)
		}
	}
	read := func(variable string) map[string]string {
		text, err := os.ReadFile(files[variable])
		if err != nil {
			j.t.Fatal(err)
		}
		pairs, err := parseFile(string(text))
		if err != nil {
			j.t.Errorf("the runner fails the step, %s is malformed: %v", variable, err)
		}
		values := map[string]string{}
		for _, p := range pairs {
			values[p.name] = p.value
		}
		return values
	}
	s.env, s.outputs = read("GITHUB_ENV"), read("GITHUB_OUTPUT")
	maps.Copy(j.env, s.env)
	maps.Copy(j.state, read("GITHUB_STATE"))
	path, err := os.ReadFile(files["GITHUB_PATH"])
	if err != nil {
		j.t.Fatal(err)
	}
	j.path = append(j.path, strings.Fields(string(path))...)
	summary, err := os.ReadFile(files["GITHUB_STEP_SUMMARY"])
	if err != nil {
		j.t.Fatal(err)
	}
	if s.summary = string(summary); len(s.summary) > 1<<20 {
		j.t.Errorf("the summary has %d bytes, more than GitHub takes", len(s.summary))
	}
	for name := range s.outputs {
		if _, ok := j.manifest.Outputs[name]; !ok {
			j.t.Errorf("output %s is not in action.yml", name)
		}
	}
	j.checkSecrets(s)
	j.checkAnnotations(s)
}

// checkSecrets looks for secrets where people see them. A variable for later
// steps may have one, but then it must be masked, because the runner prints the
// environment of every step.
func (j *job) checkSecrets(s *step) {
	j.t.Helper()
	shown := map[string]string{"the log": s.text, "the summary": s.summary}
	for name, value := range s.outputs {
		shown["output "+name] = value
	}
	for name, value := range s.env {
		shown["the environment of later steps, "+name+","] = j.masked(value)
	}
	for _, c := range s.commands {
		if c.name != "add-mask" {
			shown["the command "+c.name] += c.String()
		}
	}
	for where, text := range shown {
		for _, secret := range j.secrets {
			if strings.Contains(text, secret) {
				j.t.Errorf("%s tells the secret %s: %s", where, secret, tail(text))
			}
		}
	}
}

// masked is a text as the runner shows it.
func (j *job) masked(text string) string {
	for _, m := range j.masks {
		if m != "" {
			text = strings.ReplaceAll(text, m, "***")
		}
	}
	return text
}

// checkAnnotations holds the annotations of a stage to the runner's limits.
func (j *job) checkAnnotations(s *step) {
	j.t.Helper()
	for _, level := range []string{"error", "warning", "notice"} {
		if n := len(s.annotations(level)); n > 10 {
			j.t.Errorf("%d annotations of level %s, of which the runner keeps 10", n, level)
		}
	}
	for _, c := range s.commands {
		file := c.properties["file"]
		if file == "" {
			continue
		}
		if _, err := os.Stat(filepath.Join(j.paths.workspace, file)); err != nil || filepath.IsAbs(file) {
			j.t.Errorf("annotation of a file that is not in the workspace: %s", c)
		}
	}
}

// annotations are those of a level, in their order.
func (s *step) annotations(level string) []command {
	return slices.DeleteFunc(slices.Clone(s.commands), func(c command) bool { return c.name != level })
}

// expect fails the test unless the stage ended with the exit code.
func (s *step) expect(t *testing.T, code int) *step {
	t.Helper()
	if s.code != code {
		t.Fatalf("exit code %d, expected %d\n%s%s", s.code, code, tail(s.stdout), tail(s.stderr))
	}
	return s
}

// quiet fails the test when the stage complained.
func (s *step) quiet(t *testing.T) *step {
	t.Helper()
	for _, c := range append(s.annotations("error"), s.annotations("warning")...) {
		t.Errorf("a stage complains: %s", c)
	}
	return s
}
