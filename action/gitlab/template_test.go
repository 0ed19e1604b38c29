package gitlab

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/modferry/modferry/internal/settings"
)

var update = flag.Bool("update", false, "rewrite the golden files and the generated part of docs/gitlab.md")

const templateFile = "templates/modferry.yml"

// template is GitLab's component: the inputs that it declares, and the jobs.
type template struct {
	inputs map[string]templateInput
	order  []string // of the inputs
	jobs   string
}

type templateInput struct {
	Description string `yaml:"description"`
	Type        string `yaml:"type"`
	Default     any    `yaml:"default"`
	Options     []any  `yaml:"options"`
	Regex       string `yaml:"regex"`
}

func readTemplate(t *testing.T) template {
	t.Helper()
	data, err := os.ReadFile(templateFile)
	if err != nil {
		t.Fatal(err)
	}
	header, jobs, ok := strings.Cut(string(data), "\n---\n")
	if !ok {
		t.Fatal("found one document, expected that of the inputs and that of the jobs")
	}
	var spec struct {
		Spec struct {
			Inputs map[string]templateInput `yaml:"inputs"`
		} `yaml:"spec"`
	}
	if err := yaml.UnmarshalWithOptions([]byte(header), &spec, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	p := template{inputs: spec.Spec.Inputs, jobs: jobs}
	for _, m := range regexp.MustCompile(`(?m)^    ([a-z-]+):$`).FindAllStringSubmatch(header, -1) {
		p.order = append(p.order, m[1])
	}
	if len(p.order) != len(p.inputs) {
		t.Fatalf("found the inputs %v in %v", p.order, p.inputs)
	}
	return p
}

// withInputs are the jobs as GitLab makes them of inputs: the values stand
// where the inputs are named.
func (p template) withInputs(t *testing.T, values map[string]string) map[string]map[string]any {
	t.Helper()
	text := regexp.MustCompile(`\$\[\[ inputs\.([a-z-]+) \]\]`).ReplaceAllStringFunc(p.jobs, func(use string) string {
		name := strings.TrimSuffix(strings.TrimPrefix(use, "$[[ inputs."), " ]]")
		if v, ok := values[name]; ok {
			return v
		}
		switch v := p.inputs[name].Default.(type) {
		case []any:
			return strings.ReplaceAll(fmt.Sprint(v), " ", ", ")
		case nil:
			t.Fatalf("input %s has no value", name)
			return ""
		default:
			return fmt.Sprint(v)
		}
	})
	jobs := map[string]map[string]any{}
	if err := yaml.NewDecoder(bytes.NewReader([]byte(text)), yaml.Strict()).Decode(&jobs); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return jobs
}

func TestTheTemplateUsesEveryInputAndNoOther(t *testing.T) {
	t.Parallel()
	p := readTemplate(t)
	used := map[string]bool{}
	for _, m := range regexp.MustCompile(`\$\[\[([^\]]*)\]\]`).FindAllStringSubmatch(p.jobs, -1) {
		name, ok := strings.CutPrefix(strings.TrimSpace(m[1]), "inputs.")
		if _, declared := p.inputs[name]; !ok || !declared {
			t.Errorf("%s is used and not declared", m[0])
		}
		used[name] = true
	}
	for name, in := range p.inputs {
		if !used[name] {
			t.Errorf("input %s is declared and not used", name)
		}
		if in.Description == "" || !strings.HasSuffix(in.Description, ".") {
			t.Errorf("input %s: the description is no sentence: %q", name, in.Description)
		}
		kind := map[string]bool{"": true, "string": true, "number": true, "boolean": true, "array": true}
		if !kind[in.Type] {
			t.Errorf("input %s has the type %s", name, in.Type)
		}
		switch in.Default.(type) {
		case []any:
			if in.Type != "array" {
				t.Errorf("input %s has a list as default and the type %q", name, in.Type)
			}
		case string:
			if in.Type != "" {
				t.Errorf("input %s has a text as default and the type %q", name, in.Type)
			}
		}
		if in.Options != nil && !slices.ContainsFunc(in.Options, func(o any) bool { return fmt.Sprint(o) == fmt.Sprint(in.Default) }) {
			t.Errorf("input %s: the default %v is no option", name, in.Default)
		}
	}
	if p.inputs["image"].Default != nil {
		t.Error("the image has a default, which names a registry that an instance may not reach")
	}
}

func TestTheTemplateNamesNoHost(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(templateFile)
	if err != nil {
		t.Fatal(err)
	}
	if found := regexp.MustCompile(`https?://|[a-z0-9-]+\.(io|com|org|net|dev)\b`).FindAll(data, -1); found != nil {
		t.Errorf("found %q", found)
	}
}

// Every flag of the template is one of the command that it is given to, and
// every input with the name of a setting offers what the setting takes.
func TestTheTemplatesFlagsAreThoseOfTheProgram(t *testing.T) {
	t.Parallel()
	p := readTemplate(t)
	table := map[string]settings.Setting{}
	for _, s := range settings.Table() {
		table[s.Name] = s
	}
	commands := regexp.MustCompile(`(?m)^    - modferry ((?:cache )?[a-z]+)(.*)$`).FindAllStringSubmatch(p.jobs, -1)
	if len(commands) != 3 {
		t.Fatalf("found %d commands of modferry, expected 3", len(commands))
	}
	for _, c := range commands {
		flags := regexp.MustCompile(` --([a-z-]+)(?: (\S+|"[^"]*"))?`).FindAllStringSubmatch(c[2], -1)
		if len(flags) < 3 {
			t.Errorf("%s has the flags %v", c[1], flags)
		}
		for _, f := range flags {
			if s, ok := table[f[1]]; !ok || !s.Takes(c[1]) {
				t.Errorf("modferry %s has no flag --%s", c[1], f[1])
			}
		}
	}
	for name, in := range p.inputs {
		s, ok := table[name]
		if !ok || s.Kind != settings.Choice {
			continue
		}
		var options []string
		for _, o := range in.Options {
			options = append(options, fmt.Sprint(o))
		}
		slices.Sort(options)
		if want := slices.Sorted(slices.Values(s.Choices)); !slices.Equal(options, want) {
			t.Errorf("input %s takes %v, the setting %v", name, options, want)
		}
	}
	for _, size := range []string{"cache-max-size", "cache-max-age"} {
		v, err := settings.Resolve(map[string]string{size: fmt.Sprint(p.inputs[size].Default)}, func(string) string { return "" },
			settings.Disk{WorkDir: t.TempDir()})
		if err != nil || v == nil {
			t.Errorf("input %s: the default is refused: %v", size, err)
		}
	}
}

func TestTheTemplateIsOneJobAndOneForExtends(t *testing.T) {
	t.Parallel()
	jobs := readTemplate(t).withInputs(t, map[string]string{"image": "registry.example.test/modferry:1", "job": "ferry"})
	if len(jobs) != 2 || jobs["ferry"] == nil || jobs[".ferry"] == nil {
		t.Fatalf("the jobs are %v", jobs)
	}
	job, hidden := jobs["ferry"], jobs[".ferry"]
	// What is saved has to be found: the same key, at the same place.
	saved := job["cache"].([]any)[0].(map[string]any)
	found := hidden["cache"].(map[string]any)
	for _, key := range []string{"key", "fallback_keys", "paths"} {
		if fmt.Sprint(saved[key]) != fmt.Sprint(found[key]) {
			t.Errorf("%s is %v where it is saved and %v where it is used", key, saved[key], found[key])
		}
	}
	rolling := job["cache"].([]any)[1].(map[string]any)
	if fallback := saved["fallback_keys"].([]any); len(fallback) != 1 || fallback[0] != rolling["key"] {
		t.Errorf("nobody saves %v", fallback)
	}
	if saved["policy"] != "pull-push" || found["policy"] != "pull" || rolling["policy"] != "push" {
		t.Errorf("the policies are %v, %v, %v", saved["policy"], found["policy"], rolling["policy"])
	}
	// Worth another try is exit code 1, and never wrong bytes.
	retry := job["retry"].(map[string]any)
	if codes := fmt.Sprint(retry["exit_codes"]); codes != "[1]" || fmt.Sprint(retry["max"]) != "1" || strings.Contains(fmt.Sprint(retry["when"]), "script_failure") {
		t.Errorf("retry is %v", retry)
	}
	reports := job["artifacts"].(map[string]any)["reports"].(map[string]any)
	want := map[string]string{
		"codequality": fileCodeQuality, "junit": fileJUnit, "metrics": fileMetrics, "annotations": fileAnnotations, "dotenv": fileDotenv,
	}
	if len(reports) != len(want) {
		t.Errorf("the reports are %v", reports)
	}
	for kind, file := range want {
		if reports[kind] != ".modferry/reports/"+file {
			t.Errorf("%s is %v, expected the file %s", kind, reports[kind], file)
		}
	}
	// The files are where the program's default is.
	project := t.TempDir()
	getenv := environment("GITLAB_CI", "true", "CI_PROJECT_DIR", project)
	if dir := settings.ReportsDir("", getenv); dir != filepath.Join(project, ".modferry", "reports") {
		t.Errorf("reports go to %s", dir)
	}
	v, err := settings.Resolve(nil, getenv, settings.Disk{WorkDir: t.TempDir()})
	if err != nil || v.Cache != "dir:"+filepath.Join(project, ".modferry", "cache") || fmt.Sprint(found["paths"]) != "[.modferry/cache]" {
		t.Errorf("the cache is %v, %v, what is kept %v", v.Cache, err, found["paths"])
	}
}

const gitLabDoc = "../../docs/gitlab.md"

// The table of inputs in the documentation is that of the template.
//
//go:generate go test . -count=1 -run DocsHave -update
func TestDocsHaveTheInputsOfTheTemplate(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(gitLabDoc)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- inputs: begin -->\n", "<!-- inputs: end -->\n"
	before, rest, ok := strings.Cut(string(data), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no lines %q and %q", gitLabDoc, begin, end)
	}
	p := readTemplate(t)
	var b strings.Builder
	b.WriteString("| input | meaning | default |\n|---|---|---|\n")
	for _, name := range p.order {
		in := p.inputs[name]
		value := "required"
		if in.Default != nil {
			value = "`" + strings.ReplaceAll(fmt.Sprint(in.Default), " ", ", ") + "`"
		}
		switch in.Default {
		case "":
			value = ""
		case "1 week":
			value = "`1 week`"
		}
		meaning := in.Description
		if in.Options != nil {
			meaning += " One of `" + strings.Trim(strings.ReplaceAll(fmt.Sprint(in.Options), " ", "`, `"), "[]") + "`."
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, meaning, value)
	}
	want := before + begin + b.String() + end + after
	if want == string(data) {
		return
	}
	if !*update {
		t.Fatalf("%s differs from the inputs of the template; run go test ./action/gitlab -run Docs -update", gitLabDoc)
	}
	if err := os.WriteFile(gitLabDoc, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Every flag, variable and word of modferry that the documentation names exists.
func TestGitLabsDocsNameWhatThereIs(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(gitLabDoc)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{settings.GitLabToken: true}
	for _, s := range settings.Table() {
		known[s.Env()] = true
	}
	for _, name := range regexp.MustCompile(`MODFERRY_[A-Z_]*[A-Z]`).FindAllString(string(data), -1) {
		if !known[name] {
			t.Errorf("%s names the variable %s", gitLabDoc, name)
		}
	}
	for _, file := range []string{fileCodeQuality, fileJUnit, fileMetrics, fileAnnotations, fileDotenv, fileHTML, fileResult} {
		if !strings.Contains(string(data), "`"+file+"`") {
			t.Errorf("%s does not name the report %s", gitLabDoc, file)
		}
	}
}
